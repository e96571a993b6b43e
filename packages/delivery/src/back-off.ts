import type { Failure } from './send-result.ts';

export interface BackOffOptions {
  /** Wait after the first failure in a row, in milliseconds; doubled by each further one. Default 1000. */
  readonly firstMs?: number | undefined;
  /** The receiver's own wish is followed up to this, in milliseconds. */
  readonly longestAskedMs: number;
}

/** Whatever happens, we look again this often, unless the receiver asked for more: an outage ends unannounced. */
const LONGEST_MS = 30_000;
const FIRST_MS = 1000;

/** When to try again: doubled by each failure in a row, spread so that many processes do not come back together. */
export class BackOff {
  readonly #options: BackOffOptions;
  #failures = 0;
  #notBeforeMs = 0;
  /** True while the wait is the receiver's wish. */
  #isAsked = false;

  constructor(options: BackOffOptions) {
    this.#options = options;
  }

  /** Failures in a row. */
  get failures(): number {
    return this.#failures;
  }

  /** Milliseconds from now until the next attempt; 0 or less when it is due. */
  get waitMs(): number {
    return this.#notBeforeMs - performance.now();
  }

  fail(result: Failure): void {
    const exponential = (this.#options.firstMs ?? FIRST_MS) * 2 ** Math.min(this.#failures, 20);
    const own = Math.min(result.misconfigured === true ? LONGEST_MS : exponential, LONGEST_MS);
    const spread = own * (0.75 + Math.random() / 2);
    const asked = Math.min(result.retryAfterMs ?? 0, this.#options.longestAskedMs);
    this.#failures += 1;
    this.#isAsked = asked > spread;
    this.#notBeforeMs = performance.now() + Math.max(asked, spread);
  }

  /** No request failed, but none could be made either: waits the first wait again. */
  pause(): void {
    this.#notBeforeMs = performance.now() + (this.#options.firstMs ?? FIRST_MS);
  }

  /** All is well: no wait. */
  reset(): void {
    this.#failures = 0;
    this.#notBeforeMs = 0;
  }

  /** The receiver has just taken something else: the next attempt is due, unless it asked to wait. */
  receiverIsBack(): void {
    if (!this.#isAsked) this.#notBeforeMs = 0;
  }

  /** The next attempt is due now, whatever was before; a further failure still counts as one in a row. */
  hurry(): void {
    this.#notBeforeMs = 0;
  }
}
