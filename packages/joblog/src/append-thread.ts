import { Worker } from 'node:worker_threads';
import { context, ROOT_CONTEXT } from '@opentelemetry/api';
import { type AppendBatch, recycle, SLOT, SLOTS, type WorkerInput } from './append-batch.ts';
import type { AppenderOptions } from './appender.ts';

/** Longest single sleep of the main thread while it waits for the worker. */
const WAIT_SLICE_MS = 50;
/** A worker's start takes some 40 ms; one that is not ready after this will not come. */
const START_MS = 2000;
/** It holds names of files and little else: the lines lie in shared memory. */
const RESOURCE_LIMITS = { maxOldGenerationSizeMb: 128, maxYoungGenerationSizeMb: 16, stackSizeMb: 2 };

/** What the writer is told, always on the main thread's loop or inside a call of it. */
export interface ThreadEvents {
  /** Records that the disk refused, since the last call. */
  onLost(logs: number, spans: number): void;
  /** After each batch: the code of its last failure, undefined when all went well. */
  onBatch(failureCode: string | undefined): void;
  /** The thread is gone, or never came: what it had not written. */
  onGone(left: LeftBatches): void;
}

/** Batches that were not written; of the first one, `skip` appends were. */
export interface LeftBatches {
  readonly batches: readonly AppendBatch[];
  readonly skip: number;
}

interface Waiter {
  readonly sequence: number;
  readonly resolve: () => void;
}

/**
 * The main thread's end of the worker that writes. A batch is kept here until it is written, so that nothing is lost
 * with the worker. It keeps no process alive, unless somebody waits for it.
 */
export class AppendThread {
  readonly #events: ThreadEvents;
  readonly #progress = new Int32Array(new SharedArrayBuffer(SLOTS * Int32Array.BYTES_PER_ELEMENT));
  readonly #worker: Worker;
  #inFlight: AppendBatch[] = [];
  #bytes = 0;
  #waiters: Waiter[] = [];
  #seenLogs = 0;
  #seenSpans = 0;
  #gone = false;

  /** Throws where workers are forbidden or the worker's file is missing. */
  constructor(options: AppenderOptions, events: ThreadEvents) {
    this.#events = events;
    // The worker's events must not hold on to the run in which the first flush happened to be due.
    this.#worker = context.with(ROOT_CONTEXT, () => startWorker({ progress: this.#progress, options }));
    this.#worker.on('message', (failureCode: string | undefined) => {
      this.#settle();
      events.onBatch(failureCode);
    });
    this.#worker.on('error', () => this.#lose());
    this.#worker.on('exit', () => this.#lose());
    this.#worker.unref();
  }

  /** Bytes handed over and not yet written. */
  get bytesInFlight(): number {
    return this.#bytes;
  }

  post(batch: AppendBatch): void {
    // Memory of batches that are done serves the next ones.
    this.#settle();
    this.#inFlight.push(batch);
    this.#bytes += batch.bytes;
    this.#worker.postMessage(batch);
  }

  /**
   * Blocks until at most `bytes` are in flight.
   *
   * @param options `stallMs`: gives up when nothing moved for so long; `timeoutMs`: gives up in any case
   * @returns false when it gave up
   */
  waitUntilBelow(bytes: number, options: { readonly stallMs: number; readonly timeoutMs: number }): boolean {
    const start = Date.now();
    let movedAt = start;
    let seen = this.#position();
    this.#settle();
    while (this.#bytes > bytes && !this.#gone) {
      const batches = Atomics.load(this.#progress, SLOT.batches);
      const now = Date.now();
      const isReady = Atomics.load(this.#progress, SLOT.ready) === 1;
      if (now - start >= options.timeoutMs || now - movedAt >= (isReady ? options.stallMs : START_MS)) {
        if (!isReady) this.#lose();
        break;
      }
      Atomics.wait(this.#progress, SLOT.batches, batches, Math.min(WAIT_SLICE_MS, options.timeoutMs));
      this.#settle();
      const position = this.#position();
      if (position !== seen) movedAt = Date.now();
      seen = position;
    }
    return this.#bytes <= bytes;
  }

  /** Resolves when all that was posted before is written, or handed back. */
  drained(): Promise<void> {
    this.#settle();
    const last = this.#inFlight.at(-1);
    if (last === undefined) return Promise.resolve();
    this.#worker.ref();
    return new Promise((resolve) => {
      this.#waiters.push({ sequence: last.sequence, resolve });
    });
  }

  /** Tells the worker to write nothing more, and returns what it had not written. */
  stop(): LeftBatches {
    Atomics.store(this.#progress, SLOT.stop, 1);
    this.#gone = true;
    const left = this.#left();
    this.#inFlight = [];
    this.#bytes = 0;
    this.#resolveWaiters(Number.POSITIVE_INFINITY);
    return left;
  }

  /** Ends the thread; call it when all is drained. */
  async end(): Promise<void> {
    this.#gone = true;
    await this.#worker.terminate();
  }

  /** Lets go of what is written, and counts what was lost. */
  #settle(): void {
    const done = Atomics.load(this.#progress, SLOT.batches);
    let settled = 0;
    for (const { sequence, bytes, memory } of this.#inFlight) {
      if (sequence > done) break;
      this.#bytes -= bytes;
      recycle(memory);
      settled += 1;
    }
    if (settled > 0) this.#inFlight.splice(0, settled);
    const logs = Atomics.load(this.#progress, SLOT.lostLogs);
    const spans = Atomics.load(this.#progress, SLOT.lostSpans);
    if (logs !== this.#seenLogs || spans !== this.#seenSpans) {
      this.#events.onLost((logs - this.#seenLogs) | 0, (spans - this.#seenSpans) | 0);
      this.#seenLogs = logs;
      this.#seenSpans = spans;
    }
    if (this.#waiters.length > 0) this.#resolveWaiters(done);
  }

  #resolveWaiters(done: number): void {
    const ready = this.#waiters.filter((waiter) => waiter.sequence <= done);
    this.#waiters = this.#waiters.filter((waiter) => waiter.sequence > done);
    if (this.#waiters.length === 0) this.#worker.unref();
    for (const waiter of ready) waiter.resolve();
  }

  /** Grows with every append done. */
  #position(): string {
    return `${Atomics.load(this.#progress, SLOT.batches)}/${Atomics.load(this.#progress, SLOT.entries)}`;
  }

  #left(): LeftBatches {
    this.#settle();
    return { batches: this.#inFlight, skip: Atomics.load(this.#progress, SLOT.entries) };
  }

  #lose(): void {
    if (this.#gone) return;
    // Waiters must see their data written: the events come first.
    Atomics.store(this.#progress, SLOT.stop, 1);
    this.#gone = true;
    const left = this.#left();
    this.#inFlight = [];
    this.#bytes = 0;
    this.#events.onGone(left);
    this.#resolveWaiters(Number.POSITIVE_INFINITY);
  }
}

function startWorker(workerData: WorkerInput): Worker {
  const isSource = import.meta.url.endsWith('.ts');
  // No preload of the application (--import, NODE_OPTIONS) runs in this thread; from sources the loader must.
  const isolated = { execArgv: [], env: {} };
  const file = isSource ? './append-worker.ts' : './append-worker.js';
  return new Worker(new URL(file, import.meta.url), {
    ...(isSource ? {} : isolated),
    workerData,
    name: 'taskspan-joblog',
    resourceLimits: RESOURCE_LIMITS,
    trackUnmanagedFds: false,
  });
}
