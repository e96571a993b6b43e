/** Bytes that may go out: a steady rate, with a reserve for a first burst, and more for what has just come in. */
export class TokenBucket {
  readonly #perSecond: number;
  readonly #now: () => number;
  #tokens: number;
  #countedMs: number;

  /**
   * @param perSecond bytes per second; also the size of the reserve
   * @param now milliseconds on a clock that never goes back
   */
  constructor(perSecond: number, now: () => number = () => performance.now()) {
    this.#perSecond = perSecond;
    this.#now = now;
    this.#tokens = perSecond;
    this.#countedMs = now();
  }

  /** Milliseconds until something may go out; 0 when it may now. */
  get waitMs(): number {
    this.#refill();
    return this.#tokens > 0 ? 0 : Math.ceil((-this.#tokens / this.#perSecond) * 1000) + 1;
  }

  /** Something went out. The reserve may go below zero: what is larger than it must pass too. */
  take(bytes: number): void {
    this.#refill();
    this.#tokens -= bytes;
  }

  /** Something came in: as much may go out on top of the rate, or a backlog would never shrink. */
  give(bytes: number): void {
    this.#refill();
    this.#tokens = Math.min(this.#tokens + bytes, this.#perSecond);
  }

  #refill(): void {
    const now = this.#now();
    this.#tokens = Math.min(this.#tokens + ((now - this.#countedMs) / 1000) * this.#perSecond, this.#perSecond);
    this.#countedMs = now;
  }
}
