import { setImmediate as nextTurn } from 'node:timers/promises';

/** The thread is held no longer than this at a time. */
const SLICE_MS = 8;

/** Work in slices, so that whoever shares the thread is not kept waiting. */
export class Slices {
  #begunMs = performance.now();

  async pause(): Promise<void> {
    if (performance.now() - this.#begunMs < SLICE_MS) return;
    await nextTurn();
    this.#begunMs = performance.now();
  }
}
