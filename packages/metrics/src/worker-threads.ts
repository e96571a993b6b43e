import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { BroadcastChannel, receiveMessageOnPort, threadId, type Worker } from 'node:worker_threads';
import { safely } from '@taskspan/core/hub';
import type { TaskMetrics } from './task-metrics.ts';
import type { ThreadReport } from './thread-report.ts';

/** Shared with whatever else this toolkit says between threads: `kind` tells messages apart. */
const CHANNEL = 'taskspan.v1';
const KIND = 'metrics';
/** How often a thread reports, in milliseconds; nothing is sent while nothing changes. */
const REPORT_INTERVAL_MS = 1000;

/** What goes through the channel: a thread's numbers, or the news that a thread is gone. */
interface Message {
  readonly kind: typeof KIND;
  readonly thread: number;
  readonly report?: ThreadReport;
}

/** Stops what was set up. */
export interface ThreadLink {
  /** In a worker: reports now. In the main thread: takes in what has arrived. For exit handlers and scrapes. */
  flush(): void;
  close(): void;
}

/**
 * In a worker thread: sends its counts to the main thread, every second and when the thread exits. Does not keep the
 * thread alive. Call `flush()` after other exit handlers that still end runs.
 */
export function forwardToMainThread(taskMetrics: TaskMetrics): ThreadLink {
  let sent = '';
  const flush = (): void => {
    safely('reporting metrics to the main thread', () => {
      const report = taskMetrics.takeReport();
      // Ages are left to the receiver, so a thread in which nothing happens says the same again.
      const counts = JSON.stringify([report.operations, report.overflow, report.missed, report.dropped]);
      if (counts === sent && report.samples.length === 0) return;
      sent = counts;
      send({ kind: KIND, thread: threadId, report });
    });
  };
  const timer = setInterval(flush, REPORT_INTERVAL_MS);
  timer.unref();
  process.on('exit', flush);
  const stopWatching = onWorkerExit((thread) =>
    safely('reporting the end of a thread', () => send({ kind: KIND, thread })),
  );
  return {
    flush,
    close(): void {
      clearInterval(timer);
      process.off('exit', flush);
      stopWatching();
    },
  };
}

/**
 * In the main thread: takes in what worker threads report. Runs that a thread leaves open when it vanishes count as
 * cancelled. Does not keep the process alive. Start it before the workers.
 */
export function receiveFromWorkers(taskMetrics: TaskMetrics): ThreadLink {
  const channel = new BroadcastChannel(CHANNEL);
  const take = (message: unknown): void => {
    if (!isMessage(message)) return;
    safely('merging metrics of a thread', () => {
      if (message.report === undefined) taskMetrics.endThread(message.thread);
      else taskMetrics.merge(message.thread, message.report);
    });
  };
  let closed = false;
  // Reports that have arrived, but whose event has not: a thread's last one may be overtaken by its exit event.
  const flush = (): void => {
    // Threads that were there before may end after it.
    while (!closed) {
      const received = receiveMessageOnPort(channel as never);
      if (received === undefined) return;
      take(received.message);
    }
  };
  channel.onmessage = (event: unknown): void => take((event as MessageEvent).data);
  channel.unref();
  const stopWatching = onWorkerExit((thread) => {
    flush();
    taskMetrics.endThread(thread);
  });
  return {
    flush,
    close(): void {
      closed = true;
      stopWatching();
      channel.close();
    },
  };
}

/** Calls back for every worker that this thread starts from now on, when it is gone. @returns stops it for further ones */
function onWorkerExit(callback: (thread: number) => void): () => void {
  const onWorker = (message: unknown): void => {
    const { worker } = message as { worker: Worker };
    const thread = worker.threadId;
    safely('watching a thread', () => watchExit(worker, () => callback(thread)));
  };
  subscribe('worker_threads', onWorker);
  return () => unsubscribe('worker_threads', onWorker);
}

/** Seen where it is told: a listener of ours would be among those that the application counts, and may remove. */
function watchExit(worker: Worker, callback: () => void): void {
  const below = Object.getOwnPropertyDescriptor(worker, 'emit');
  const emit = function (this: unknown, event: unknown, ...args: unknown[]): unknown {
    if (event === 'exit') {
      if (worker.emit === emit) restore(worker, below);
      safely('the end of a thread', callback);
    }
    // Looked up only now: it may have been replaced for all workers since.
    const next: unknown = below?.value ?? Reflect.get(Reflect.getPrototypeOf(worker) ?? {}, 'emit', worker);
    return Reflect.apply(next as Worker['emit'], this, [event, ...args]);
  };
  Object.defineProperty(worker, 'emit', { value: emit, configurable: true, writable: true, enumerable: false });
}

function restore(worker: Worker, below: PropertyDescriptor | undefined): void {
  if (below === undefined) Reflect.deleteProperty(worker, 'emit');
  else Object.defineProperty(worker, 'emit', below);
}

/**
 * A channel for one message: a thread that kept one open would be woken by the reports of all others. What is posted
 * lies in the receivers' queues when the call returns.
 */
function send(message: Message): void {
  const channel = new BroadcastChannel(CHANNEL);
  try {
    channel.postMessage(message);
  } finally {
    channel.close();
  }
}

function isMessage(value: unknown): value is Message {
  return typeof value === 'object' && value !== null && (value as Partial<Message>).kind === KIND;
}
