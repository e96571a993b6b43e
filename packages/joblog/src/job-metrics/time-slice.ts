import { setImmediate as nextTurn } from 'node:timers/promises';

/**
 * Milliseconds that reading may hold up everybody else. Reading small files synchronously takes a fifth of the time that
 * it takes through the thread pool.
 */
const SLICE_MS = 8;

/** Gives the event loop a turn whenever work has gone on for long enough. */
export class TimeSlice {
  #until = performance.now() + SLICE_MS;

  /** To be awaited when {@link isOver}. */
  async next(): Promise<void> {
    await nextTurn();
    this.#until = performance.now() + SLICE_MS;
  }

  get isOver(): boolean {
    return performance.now() >= this.#until;
  }
}
