import { QUEUE_LIMITS } from './export-queue-options.ts';
import type { HeldItem } from './spool/signal-spool.ts';

export interface LateRequestOptions {
  /** Puts the request on disk without sending it from there; undefined when the disk does not take it. */
  readonly hold: () => Promise<HeldItem | undefined>;
  /** Called when the answer is late. */
  readonly onLate: () => void;
}

/** A request that is on its way, and once its answer is late on disk too: a receiver that hangs is no reason to lose it. */
export class LateRequest {
  readonly #timer: NodeJS.Timeout;
  #holding: Promise<void> | undefined;
  #held: HeldItem | undefined;
  #isAccepted = false;

  constructor({ hold, onLate }: LateRequestOptions) {
    this.#timer = setTimeout(() => {
      this.#holding = this.#hold(hold);
      onLate();
    }, QUEUE_LIMITS.lateMs);
    this.#timer.unref();
  }

  /** True once the answer was late. */
  get isLate(): boolean {
    return this.#holding !== undefined;
  }

  /** The receiver has said yes. */
  accepted(): void {
    this.#isAccepted = true;
    this.#held?.accepted();
  }

  /**
   * The answer is there, or will never be.
   *
   * @param isWanted whether the copy on disk is to be sent later
   * @returns true when it is there and will be
   */
  async end(isWanted: boolean): Promise<boolean> {
    clearTimeout(this.#timer);
    await this.#holding;
    this.#held?.release(isWanted);
    return isWanted && this.#held !== undefined;
  }

  async #hold(hold: LateRequestOptions['hold']): Promise<void> {
    this.#held = await hold();
    if (this.#isAccepted) this.#held?.accepted();
  }
}
