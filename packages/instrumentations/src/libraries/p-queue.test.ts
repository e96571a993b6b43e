import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { SpanKind, trace } from '@opentelemetry/api';
import { startTask } from '@taskspan/core';
import { afterEach, beforeEach, describe, it } from 'mocha';
import type PQueueClass from 'p-queue';
import { type RecordedRuns, recordRuns } from '../base/recorded-runs.test.support.ts';
import { PQueueInstrumentation } from './p-queue.ts';

const require = createRequire(import.meta.url);

describe('PQueueInstrumentation', () => {
  let recorded: RecordedRuns;
  let instrumentation: PQueueInstrumentation;
  let PQueue: typeof PQueueClass;

  beforeEach(() => {
    recorded = recordRuns();
    instrumentation = new PQueueInstrumentation();
    ({ default: PQueue } = require('p-queue') as { default: typeof PQueueClass });
    instrumentation.enable();
  });
  afterEach(() => {
    instrumentation.disable();
    recorded.stop();
  });

  it('makes a run of every task, named by its function, with its wait and a link to whoever added it', async () => {
    const queue = new PQueue({ concurrency: 1 });
    const request = startTask('request');
    let active: string | undefined;
    const result = { resized: true };
    const added = request.run(() => {
      const first = queue.add(async () => {});
      const second = queue.add(async function resize() {
        active = trace.getActiveSpan()?.spanContext().spanId;
        return result;
      });
      return Promise.all([first, second]);
    });
    assert.equal((await added)[1], result);
    request.end();
    const [anonymous, resize] = recorded.runs();
    assert.equal(anonymous?.operation, 'p-queue');
    assert.deepEqual(
      [resize?.operation, resize?.status, resize?.kind, resize?.attributes['task.trigger']],
      ['resize', 'success', SpanKind.INTERNAL, 'queue'],
    );
    assert.equal(resize?.attributes['task.library'], 'p-queue');
    assert.equal(active, resize?.span.spanContext().spanId);
    assert.equal(resize?.span.parentSpanContext, undefined);
    const requestSpan = recorded.runs().at(-1)?.span.spanContext().spanId;
    assert.deepEqual(
      resize?.links.map((link) => link.context.spanId),
      [requestSpan],
    );
    assert.equal(typeof resize?.started['task.enqueued_at'], 'number');
  });

  it('hands the function what the queue hands it, and takes the id that the application gave', async () => {
    const queue = new PQueue();
    let signal: unknown;
    const controller = new AbortController();
    const task = async (options: { signal?: AbortSignal | undefined }): Promise<void> => {
      signal = options.signal;
    };
    await queue.add(task, { id: 'image-7', signal: controller.signal });
    await queue.addAll([() => 1, () => 2]);
    assert.equal(signal, controller.signal);
    assert.deepEqual(
      recorded.runs().map((run) => [run.operation, run.attributes['task.job.id']]),
      [
        ['task', 'image-7'],
        ['p-queue', undefined],
        ['p-queue', undefined],
      ],
    );
  });

  const never = (): Promise<never> => new Promise(() => {});
  const aborted = Object.assign(new Error('enough'), { name: 'AbortError' });

  for (const [what, { task, options, stop, status, errorType }] of Object.entries<{
    task: () => unknown;
    options?: { timeout?: number };
    stop?: unknown;
    status: string;
    errorType?: string;
  }>({
    'a value': { task: () => 7, status: 'success' },
    'an error': { task: () => Promise.reject(new RangeError('x')), status: 'failure', errorType: 'RangeError' },
    'a throw': {
      task: () => {
        throw new RangeError('x');
      },
      status: 'failure',
      errorType: 'RangeError',
    },
    'its time is up': { task: never, options: { timeout: 5 }, status: 'failure', errorType: 'timeout' },
    'it is aborted': { task: never, stop: aborted, status: 'cancelled', errorType: 'aborted' },
  })) {
    it(`${what}: ${status} ${errorType ?? ''}`, async () => {
      const queue = new PQueue();
      const controller = new AbortController();
      const added = queue.add(task as () => Promise<unknown>, { ...options, signal: controller.signal });
      if (stop !== undefined) queueMicrotask(() => controller.abort(stop));
      await added.catch(() => {});
      const run = recorded.run();
      assert.deepEqual([run.status, run.errorType], [status, errorType]);
    });
  }

  it('notes in the log what a task did after the queue had given up on it', async () => {
    const queue = new PQueue();
    let finish = (): void => {};
    const task = (): Promise<void> =>
      new Promise((resolve) => {
        finish = resolve;
      });
    await assert.rejects(queue.add(task, { timeout: 5 }), { name: 'TimeoutError' });
    finish();
    await new Promise(setImmediate);
    assert.equal(recorded.run().errorType, 'timeout');
    assert.ok(recorded.records.some(({ body }) => body === 'the handler returned after its run had ended'));
  });

  it('leaves an error that nobody handles to the process', async () => {
    const queue = new PQueue();
    const error = new RangeError('nobody');
    const others = process.listeners('unhandledRejection');
    process.removeAllListeners('unhandledRejection');
    const unhandled = new Promise((resolve) => process.once('unhandledRejection', resolve));
    void queue.add(() => Promise.reject(error));
    assert.equal(await unhandled, error);
    for (const other of others) process.on('unhandledRejection', other);
  });

  it('is gone when it is disabled', async () => {
    instrumentation.disable();
    assert.equal(await new PQueue().add(() => 7), 7);
    assert.deepEqual(recorded.runs(), []);
  });
});
