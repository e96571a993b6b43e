import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { isMainThread } from 'node:worker_threads';
import { forwardToMainThread, receiveFromWorkers, type ThreadLink } from '@taskspan/metrics';
import type { Pipeline } from './pipeline.ts';

/** Name of the diagnostics channel on which Node tells of every new worker thread. */
const WORKERS = 'worker_threads';

/** The numbers of worker threads: sent from there, taken in here; set up when the first worker is made. */
export class ThreadNumbers {
  readonly #pipeline: Pipeline;
  #link: ThreadLink | undefined;

  constructor(pipeline: Pipeline) {
    this.#pipeline = pipeline;
    if (isMainThread) subscribe(WORKERS, this.#onWorker);
    else this.#link = forwardToMainThread(pipeline.taskMetrics);
  }

  flush(): void {
    this.#link?.flush();
  }

  close(): void {
    unsubscribe(WORKERS, this.#onWorker);
    this.#link?.close();
  }

  #onWorker = (message: unknown): void => {
    // Node's own thread for the hooks of modules, in which nothing of ours runs.
    if ((message as { worker?: object }).worker?.constructor.name === 'InternalWorker') return;
    this.#link ??= receiveFromWorkers(this.#pipeline.taskMetrics);
  };
}
