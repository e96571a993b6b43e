import { HttpProblem } from './problem.ts';

/** Lets a number of works go on at once; others wait for their turn, in order. */
export class Gate {
  readonly #places: number;
  readonly #waitingMost: number;
  readonly #queue: (() => void)[] = [];
  #taken = 0;

  /**
   * @param places works at once
   * @param waiting works that may wait; those beyond are refused
   */
  constructor(places: number, waiting: number) {
    this.#places = places;
    this.#waitingMost = waiting;
  }

  /**
   * Does the work when it is its turn.
   *
   * @param signal of a client that may leave: work whose turn comes later is not begun
   * @returns what the work returns; rejects as it does, with the reason of the signal, and with the problem `busy`
   */
  async run<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    if (this.#taken < this.#places) this.#taken += 1;
    else await this.#turn();
    try {
      signal.throwIfAborted();
      return await work();
    } finally {
      const next = this.#queue.shift();
      if (next === undefined) this.#taken -= 1;
      else next();
    }
  }

  /** The place of a work that is done goes over to the one that waited longest. */
  #turn(): Promise<void> {
    if (this.#queue.length >= this.#waitingMost) {
      throw new HttpProblem('busy', 'too many requests are waiting for their turn');
    }
    return new Promise((resolve) => {
      this.#queue.push(resolve);
    });
  }
}
