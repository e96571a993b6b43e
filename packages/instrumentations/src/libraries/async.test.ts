import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { trace } from '@opentelemetry/api';
import { startTask } from '@taskspan/core';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { type RecordedRuns, recordRuns } from '../base/recorded-runs.test.support.ts';
import { AsyncInstrumentation } from './async.ts';

const require = createRequire(import.meta.url);

type Done = (error?: Error | null, result?: unknown) => void;
type Worker = (task: never, done: Done) => unknown;

interface Queue {
  push(task: unknown, callback?: unknown): Promise<unknown>;
  pushAsync(task: unknown, callback?: unknown): Promise<unknown>;
  unshift(task: unknown): Promise<unknown>;
  remove(test: (node: { data: unknown }) => boolean): void;
  drain(): Promise<void>;
  pause(): void;
  resume(): void;
  kill(): void;
}

type Maker = (worker: Worker, ...numbers: number[]) => Queue;
type Async = Readonly<Record<'queue' | 'priorityQueue' | 'cargo' | 'cargoQueue', Maker>>;

describe('AsyncInstrumentation', () => {
  let recorded: RecordedRuns;
  let instrumentation: AsyncInstrumentation;
  let async: Async;

  const fresh = (specifier: string): unknown => {
    const folder = require.resolve('async/package.json').replace('package.json', '');
    for (const file of Object.keys(require.cache)) {
      if (file.startsWith(folder)) Reflect.deleteProperty(require.cache, file);
    }
    return require(specifier);
  };

  beforeEach(() => {
    recorded = recordRuns();
    instrumentation = new AsyncInstrumentation();
    async = fresh('async') as Async;
  });
  afterEach(() => {
    instrumentation.disable();
    recorded.stop();
  });

  const statuses = (): unknown[] => recorded.runs().map((run) => [run.operation, run.status, run.errorType]);

  it('makes a run of every task, until its callback, with a link to whoever pushed it', async () => {
    const active: unknown[] = [];
    const queue = async.queue(function resize(task: { n: number }, done: Done) {
      active.push(trace.getActiveSpan()?.spanContext().spanId);
      setImmediate(() => (task.n === 2 ? done(new RangeError('x')) : done(null, task.n)));
    }, 1);
    const pushers: unknown[] = [];
    const results = [1, 2, 3].map((n) => {
      const request = startTask('request');
      pushers.push(request.run(() => trace.getActiveSpan()?.spanContext().spanId));
      const pushed = request.run(() => queue.push({ n }));
      request.end();
      return pushed;
    });
    assert.deepEqual(await Promise.all(results), [1, undefined, 3]);
    const runs = recorded.runs().filter((run) => run.operation === 'resize');
    assert.deepEqual(
      runs.map((run) => run.status),
      ['success', 'failure', 'success'],
    );
    assert.deepEqual(
      runs.map((run) => run.links[0]?.context.spanId),
      pushers,
    );
    assert.deepEqual(
      runs.map((run) => run.span.spanContext().spanId),
      active,
    );
    assert.ok(runs.every((run) => typeof run.started['task.enqueued_at'] === 'number'));
  });

  it('leaves an async function one: it is given no callback, and hangs otherwise', async () => {
    const given: number[] = [];
    const queue = async.queue(async function send(...args: unknown[]): Promise<string> {
      given.push(args.length);
      if (args[0] === '') throw new TypeError('nobody');
      return `sent to ${String(args[0])}`;
    } as Worker);
    assert.equal(await queue.push('ada'), 'sent to ada');
    await assert.rejects(queue.pushAsync(''), TypeError);
    assert.deepEqual(given, [1, 1]);
    assert.deepEqual(statuses(), [
      ['send', 'success', undefined],
      ['send', 'failure', 'TypeError'],
    ]);
  });

  it('takes each task of a list, and of queues with priorities', async () => {
    const seen: unknown[] = [];
    const queue = async.priorityQueue((task: string, done: Done) => {
      seen.push(task);
      done();
    }, 1);
    void queue.push(['c', 'b'], 2);
    void queue.push('a', 1);
    await queue.drain();
    assert.deepEqual(seen, ['a', 'c', 'b']);
    assert.equal(recorded.runs().length, 3);
    assert.ok(recorded.runs().every((run) => typeof run.started['task.enqueued_at'] === 'number'));
  });

  it('makes a run of each task of a cargo, which end together', async () => {
    for (const cargo of [
      async.cargo((_: string[], done: Done) => done(), 2),
      async.cargoQueue((_: string[], done: Done) => done(), 1, 2),
    ]) {
      void cargo.push(['a', 'b', 'c']);
      await cargo.drain();
    }
    assert.deepEqual(
      recorded.runs().map((run) => run.attributes['task.batch.size']),
      [2, 2, 1, 2, 2, 1],
    );
    const failing = async.cargo((_: string[], done: Done) => done(new RangeError('all')));
    void failing.push(['a', 'b'], () => {});
    await failing.drain();
    assert.deepEqual(statuses().slice(6), [
      ['async', 'failure', 'RangeError'],
      ['async', 'failure', 'RangeError'],
    ]);
  });

  it('knows nothing of tasks that are removed', async () => {
    const queue = async.queue((_: string, done: Done) => done(), 1);
    queue.pause();
    for (const task of ['a', 'b', 'c']) void queue.push(task);
    queue.remove(({ data }) => data === 'b');
    void queue.unshift('d');
    queue.resume();
    await queue.drain();
    queue.kill();
    assert.equal(recorded.runs().length, 3);
  });

  for (const maker of ['queue', 'priorityQueue', 'cargo', 'cargoQueue'] as const) {
    it(`hooks async/${maker} too, once`, async () => {
      const make = fresh(`async/${maker}`) as Maker;
      const queue = make((_: unknown, done: Done) => done(), 1);
      await Promise.all([queue.push('a')]);
      assert.equal(recorded.runs().length, 1);
      assert.equal(typeof recorded.run().started['task.enqueued_at'], 'number');
    });
  }

  it('is gone when it is disabled', async () => {
    instrumentation.disable();
    await async.queue(((_: string, done: Done) => done()) as Worker).push('a');
    assert.deepEqual(recorded.runs(), []);
  });
});
