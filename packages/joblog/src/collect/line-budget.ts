const SECOND_MS = 1000;

/** How many lines a run may log in each second of its time. */
export class LineBudget {
  readonly #perSecond: number;
  #secondStart = Number.NEGATIVE_INFINITY;
  #left = 0;

  /** @param perSecond at least 1 */
  constructor(perSecond: number) {
    this.#perSecond = Math.max(1, Math.floor(perSecond));
  }

  get perSecond(): number {
    return this.#perSecond;
  }

  /** Milliseconds until lines may be logged again, at a monotonic time. */
  waitMs(nowMs: number): number {
    return Math.max(0, this.#secondStart + SECOND_MS - nowMs);
  }

  /** Begins another second if the last one is over. */
  refill(nowMs: number): boolean {
    if (nowMs < this.#secondStart + SECOND_MS) return false;
    this.begin(nowMs);
    return true;
  }

  begin(nowMs: number): void {
    this.#secondStart = nowMs;
    this.#left = this.#perSecond;
  }

  /** False when this second's lines are spent. */
  spend(): boolean {
    if (this.#left === 0) return false;
    this.#left -= 1;
    return true;
  }
}
