import assert from 'node:assert/strict';
import { once } from 'node:events';
import { BroadcastChannel, receiveMessageOnPort, Worker } from 'node:worker_threads';
import { clearReports, type RunInfo, state } from '@taskspan/core/hub';
import { ThreeReaders } from './collected.test.fixture.ts';
import { METRICS } from './metrics-table.ts';
import { TaskMetrics } from './task-metrics.ts';
import { taskViews } from './task-views.ts';
import { startWorker } from './typescript-worker.test.fixture.ts';
import { forwardToMainThread, receiveFromWorkers, type ThreadLink } from './worker-threads.ts';

describe('metrics of worker threads', () => {
  let taskMetrics: TaskMetrics;
  let readers: ThreeReaders;
  let link: ThreadLink;
  const workers: Worker[] = [];

  beforeEach(() => {
    clearReports();
    taskMetrics = new TaskMetrics();
    readers = new ThreeReaders(taskViews());
    taskMetrics.bind(readers.provider);
    link = receiveFromWorkers(taskMetrics);
  });

  afterEach(async () => {
    await Promise.all(workers.splice(0).map((worker) => worker.terminate()));
    link.close();
    await readers.close();
    state.missed.clear();
    state.dropped.clear();
  });

  function work(): Worker {
    const worker = startWorker(new URL('./worker-threads.test.worker.ts', import.meta.url));
    worker.on('error', () => undefined);
    workers.push(worker);
    return worker;
  }

  /** Has a worker do something, and waits until it did. */
  async function tell(worker: Worker, ...todo: string[]): Promise<void> {
    worker.postMessage(todo);
    await once(worker, 'message');
  }

  async function exitOf(worker: Worker, ...todo: string[]): Promise<void> {
    // Not `once` of node:events, which rejects when the worker throws.
    await new Promise((resolve) => {
      worker.once('exit', resolve);
      worker.postMessage(todo);
    });
  }

  const seen = (): ReturnType<TaskMetrics['snapshot']>['operations'][string] | undefined =>
    taskMetrics.snapshot().operations['thread'];

  it('are those of the main thread, once each, and exact after an orderly exit', async () => {
    const [a, b] = [work(), work()];
    await tell(a, 'start', 'end', 'start', 'end', 'flush');
    await tell(b, 'start', 'end', 'start', 'flush', 'flush');
    link.flush();
    assert.deepEqual([seen()?.started, seen()?.running, seen()?.total.success], [4, 1, 3]);
    assert.ok((seen()?.oldestRunningSeconds ?? 0) >= 60);
    await exitOf(a, 'start', 'end', 'exit');
    await exitOf(b, 'end', 'exit');
    assert.deepEqual([seen()?.started, seen()?.running, seen()?.total.success], [5, 0, 5]);
    assert.equal(seen()?.oldestRunningSeconds, 0);
    assert.ok(Date.now() / 1000 - (seen()?.lastSuccessTimestampSeconds ?? 0) < 60);
    const labels = { operation: 'thread', status: 'success' };
    for (const collected of [await readers.pull(), await readers.pushed()]) {
      assert.equal(collected.value(METRICS.started.name, { operation: 'thread' }), 5);
      assert.deepEqual(collected.histogram(METRICS.duration.name, labels).sum, 1.25);
      assert.equal(collected.histogram(METRICS.wait.name, { operation: 'thread' }).sum, 10);
    }
  });

  it('arrive by themselves each second', async () => {
    await tell(work(), 'start');
    // The port takes a report in when it arrives; looking at the numbers on every turn of the loop waits for just that.
    while (seen() === undefined) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      link.flush();
    }
    assert.equal(seen()?.running, 1);
  });

  it('join those of the main thread under the same operation', async () => {
    const run = { operation: 'thread', status: 'failure', durationSeconds: 1, startTimeMs: Date.now() } as RunInfo;
    taskMetrics.onRunStart(run);
    await exitOf(work(), 'start', 'end', 'exit');
    assert.deepEqual([seen()?.running, seen()?.started], [1, 2]);
    taskMetrics.onRunEnd(run);
    assert.deepEqual([seen()?.running, seen()?.total.failure, seen()?.total.success], [0, 1, 1]);
  });

  for (const [what, end] of [
    ['terminated', (worker: Worker): Promise<unknown> => worker.terminate()],
    ['ended by process.exit', (worker: Worker): Promise<unknown> => exitOf(worker, 'exit')],
    ['killed by an uncaught error', (worker: Worker): Promise<unknown> => exitOf(worker, 'throw')],
  ] as const) {
    it(`end as cancelled when the thread is ${what} with runs open`, async () => {
      const worker = work();
      await tell(worker, 'start', 'start', 'end', 'start', 'flush');
      link.flush();
      assert.equal(seen()?.running, 2);
      await end(worker);
      assert.deepEqual([seen()?.running, seen()?.started], [0, 3]);
      assert.deepEqual([seen()?.total.cancelled, seen()?.total.success], [2, 1]);
    });
  }

  it('are watched without a listener, which the application could count or remove, and by two of us', async () => {
    const other = new TaskMetrics();
    const second = receiveFromWorkers(other);
    try {
      const bare = new Worker('', { eval: true, execArgv: [] });
      assert.deepEqual([bare.listenerCount('exit'), Object.keys(bare).includes('emit')], [0, false]);
      await once(bare, 'exit');
      assert.equal(Object.hasOwn(bare, 'emit'), false);
      const worker = work();
      await tell(worker, 'start', 'flush');
      link.flush();
      second.flush();
      worker.removeAllListeners();
      const codes: unknown[] = [];
      worker.on('exit', (code) => codes.push(code, seen()?.running, other.snapshot().operations['thread']?.running));
      await worker.terminate();
      assert.deepEqual(codes, [1, 0, 0]);
    } finally {
      second.close();
    }
  });

  it('count a long queue of samples in full', async () => {
    const worker = work();
    await exitOf(worker, 'many', 'exit');
    assert.equal(seen()?.total.success, 15_000);
    const collected = await readers.pull();
    const point = collected.histogram(METRICS.duration.name, { operation: 'thread', status: 'success' });
    assert.deepEqual([point.count, point.sum], [15_000, 3750]);
  });

  it('bring missed and dropped with them, also of threads that are gone', async () => {
    await exitOf(work(), 'lose', 'exit');
    await exitOf(work(), 'lose', 'exit');
    const snapshot = taskMetrics.snapshot();
    assert.equal(snapshot.dropped.logs.disk, 4);
    assert.equal(snapshot.missed['nightly']?.skipped, 2);
  });

  it('of a thread within a thread end when it is gone', async () => {
    const worker = work();
    worker.postMessage(['nested']);
    for (;;) {
      const [message] = await once(worker, 'message');
      if (message === 'nested is gone') break;
    }
    link.flush();
    assert.deepEqual([seen()?.running, seen()?.total.cancelled], [0, 1]);
  });

  it('of a thread that closed its link come no more, and do not keep it alive', async () => {
    const worker = work();
    await tell(worker, 'start', 'end', 'flush');
    await exitOf(worker, 'close');
    assert.equal(seen()?.started, 1);
  });

  it('of a thread that ends after the link was closed are taken in no more', async () => {
    const worker = work();
    await tell(worker, 'start');
    link.close();
    link.flush();
    await exitOf(worker, 'exit');
    assert.equal(seen(), undefined);
  });

  it('are sent when something changed, and not otherwise', () => {
    const other = new TaskMetrics();
    const forward = forwardToMainThread(other);
    const sent = new BroadcastChannel('taskspan.v1');
    const messages = (): number => {
      let count = 0;
      while (receiveMessageOnPort(sent as never) !== undefined) count++;
      return count;
    };
    forward.flush();
    forward.flush();
    assert.equal(messages(), 1);
    const run = { operation: 'thread', status: 'expired', durationSeconds: 1, startTimeMs: Date.now() } as RunInfo;
    other.onRunStart(run);
    forward.flush();
    forward.flush();
    assert.equal(messages(), 1);
    other.onRunEnd(run);
    forward.flush();
    forward.close();
    assert.equal(messages(), 1);
    sent.close();
    link.flush();
    assert.deepEqual([seen()?.running, seen()?.total.expired], [0, 1]);
  });

  it('are not confused by what others say on the channel', () => {
    const channel = new BroadcastChannel('taskspan.v1');
    for (const message of [
      null,
      'hello',
      { kind: 'other' },
      { kind: 'metrics', thread: 77 },
      { kind: 'metrics', thread: 78, report: {} },
    ]) {
      channel.postMessage(message);
    }
    channel.close();
    link.flush();
    assert.deepEqual(taskMetrics.snapshot().operations, {});
  });

  it('are ignored when they come after the end of their thread', () => {
    const worker = new TaskMetrics();
    worker.onRunStart({ operation: 'late', startTimeMs: 0 } as RunInfo);
    taskMetrics.endThread(99);
    taskMetrics.merge(99, worker.takeReport());
    assert.deepEqual(taskMetrics.snapshot().operations, {});
  });

  it('keep to the budget of the main thread', () => {
    const small = new TaskMetrics({ operationBudget: 2 });
    const worker = new TaskMetrics();
    const report = (): void => small.merge(5, worker.takeReport());
    for (const operation of ['a', 'b', 'c', 'd']) {
      worker.onRunStart({
        operation,
        status: 'success',
        durationSeconds: 1,
        startTimeMs: Date.now() - 9000,
      } as RunInfo);
      report();
    }
    const { operations, overflow } = small.snapshot();
    assert.deepEqual(Object.keys(operations), ['a', 'b', '_other']);
    assert.equal(operations['_other']?.running, 2);
    assert.equal(overflow, 2);
    assert.equal(Math.round(operations['_other']?.oldestRunningSeconds ?? 0), 9);
    small.endThread(5);
    assert.equal(small.snapshot().operations['_other']?.total.cancelled, 2);
    assert.equal(small.snapshot().overflow, 2);
  });
});
