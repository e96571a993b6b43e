// A worker thread with runs of its own, which does what it is told.
import { parentPort } from 'node:worker_threads';
import { type RunInfo, recordDropped, state } from '@taskspan/core/hub';
import { TaskMetrics } from './task-metrics.ts';
import { startWorker } from './typescript-worker.test.fixture.ts';
import { forwardToMainThread } from './worker-threads.ts';

const taskMetrics = new TaskMetrics();
const link = forwardToMainThread(taskMetrics);
const open: RunInfo[] = [];

const actions: Record<string, () => void> = {
  start() {
    const startTimeMs = Date.now() - 60_000;
    const run = {
      operation: 'thread',
      status: 'success',
      durationSeconds: 0.25,
      waitSeconds: 2,
      startTimeMs,
    } as RunInfo;
    open.push(run);
    taskMetrics.onRunStart(run);
  },
  end() {
    const run = open.pop();
    if (run !== undefined) taskMetrics.onRunEnd(run);
  },
  lose() {
    recordDropped('logs', 'disk', 2);
    state.missed.set('nightly', new Map([['skipped', 1]]));
  },
  many() {
    for (let i = 0; i < 15_000; i++) {
      actions['start']?.();
      actions['end']?.();
    }
  },
  flush() {
    link.flush();
  },
  nested() {
    const inner = startWorker(new URL(import.meta.url));
    inner.on('message', () => inner.terminate());
    inner.on('exit', () => parentPort?.postMessage('nested is gone'));
    inner.postMessage(['start', 'flush']);
  },
  exit() {
    process.exit(0);
  },
  throw() {
    process.nextTick(() => {
      throw new Error('on purpose');
    });
  },
  close() {
    link.close();
    parentPort?.close();
  },
};

parentPort?.on('message', (todo: string[]) => {
  for (const action of todo) actions[action]?.();
  parentPort?.postMessage('done');
});
