import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { trace } from '@opentelemetry/api';
import { startTask } from '@taskspan/core';
import type fastqModule from 'fastq';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { type RecordedRuns, recordRuns } from '../base/recorded-runs.test.support.ts';
import { FastqInstrumentation } from './fastq.ts';

const require = createRequire(import.meta.url);
type Done = (error: Error | null, result?: unknown) => void;

describe('FastqInstrumentation', () => {
  let recorded: RecordedRuns;
  let instrumentation: FastqInstrumentation;
  let fastq: typeof fastqModule;

  beforeEach(() => {
    recorded = recordRuns();
    instrumentation = new FastqInstrumentation();
    Reflect.deleteProperty(require.cache, require.resolve('fastq'));
    fastq = require('fastq') as typeof fastqModule;
  });
  afterEach(() => {
    instrumentation.disable();
    recorded.stop();
  });

  const statuses = (): unknown[] => recorded.runs().map((run) => [run.operation, run.status, run.errorType]);

  it('makes a run of every task, until its callback, with a link to whoever pushed it', async () => {
    const active: unknown[] = [];
    const contexts: unknown[] = [];
    const queue = fastq<object, number, unknown>(
      { tag: 'context' },
      function resize(this: object, task: number, done: Done) {
        contexts.push(this);
        active.push(trace.getActiveSpan()?.spanContext().spanId);
        setImmediate(() => (task === 3 ? done(new RangeError('x')) : done(null, `done ${task}`)));
      },
      1,
    );
    const answers: unknown[] = [];
    const pushers: string[] = [];
    await new Promise<void>((resolve) => {
      queue.drain = resolve;
      for (const task of [1, 2, 3]) {
        const request = startTask('request');
        pushers.push(request.run(() => trace.getActiveSpan()?.spanContext().spanId) ?? '');
        request.run(() => queue.push(task, (error, result) => answers.push(error?.name ?? result)));
        request.end();
      }
    });
    const runs = recorded.runs().filter((run) => run.operation === 'resize');
    assert.deepEqual(answers, ['done 1', 'done 2', 'RangeError']);
    assert.deepEqual(
      runs.map((run) => run.status),
      ['success', 'success', 'failure'],
    );
    assert.deepEqual(
      runs.map((run) => run.links[0]?.context.spanId),
      pushers,
    );
    assert.deepEqual(
      runs.map((run) => run.span.spanContext().spanId),
      active,
    );
    assert.deepEqual(contexts, [{ tag: 'context' }, { tag: 'context' }, { tag: 'context' }]);
    assert.ok(runs.every((run) => typeof run.started['task.enqueued_at'] === 'number'));
  });

  it('makes a run of every task of a queue of promises', async () => {
    const queue = fastq.promise(async function send(to: string): Promise<string> {
      if (to === '') throw new TypeError('nobody');
      return `sent to ${to}`;
    }, 2);
    assert.equal(await queue.push('ada'), 'sent to ada');
    await assert.rejects(queue.unshift(''), TypeError);
    await queue.drained();
    assert.deepEqual(statuses(), [
      ['send', 'success', undefined],
      ['send', 'failure', 'TypeError'],
    ]);
  });

  it('knows nothing of tasks that are thrown away', async () => {
    const pushed: unknown[] = [];
    const queue = fastq((task: unknown, done: Done) => {
      pushed.push(task);
      done(null);
    }, 1);
    queue.pause();
    queue.push('a');
    queue.kill();
    queue.resume();
    queue.unshift('a');
    assert.deepEqual(pushed, ['a']);
    assert.deepEqual(statuses(), [['fastq', 'success', undefined]]);
  });

  it('keeps what a worker throws, and its shape', () => {
    const error = new RangeError('thrown');
    const queue = fastq(() => {
      throw error;
    }, 1);
    assert.throws(
      () => queue.push(1),
      (thrown) => thrown === error,
    );
    assert.deepEqual(statuses(), [['fastq', 'failure', 'RangeError']]);
    assert.deepEqual([fastq.name, fastq.length, fastq.promise.name], ['fastqueue', 3, 'queueAsPromised']);
    assert.throws(() => fastq(() => {}, 0), /concurrency/);
  });

  it('is gone when it is disabled', async () => {
    instrumentation.disable();
    assert.equal(await fastq.promise(async (task: number) => task + 1, 1).push(1), 2);
    await new Promise((resolve) => fastq((_task: number, done: Done) => done(null), 1).push(1, resolve));
    assert.deepEqual(recorded.runs(), []);
  });
});
