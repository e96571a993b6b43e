import type { CheckedOptions } from './checked-options.ts';
import { Termination } from './termination.ts';

/** Ends a command when its time is over, or when its caller says so. */
export class ForcedEnd {
  readonly #termination: Termination;
  readonly #signal: AbortSignal | undefined;
  readonly #timer: NodeJS.Timeout | undefined;
  /** Whether its time was over. */
  isTimeout = false;
  /** Whether its caller has ended it. */
  isAbort = false;

  constructor(pid: number, { timeoutMs, onTimeout, signal }: CheckedOptions) {
    this.#termination = new Termination(pid);
    this.#signal = signal;
    if (timeoutMs !== undefined && onTimeout === 'kill') this.#timer = setTimeout(this.#onTimeout, timeoutMs);
    if (signal?.aborted) this.#onAbort();
    else signal?.addEventListener('abort', this.#onAbort);
  }

  /** The command is gone: nothing can end it any more. */
  exited(): void {
    clearTimeout(this.#timer);
    this.#signal?.removeEventListener('abort', this.#onAbort);
  }

  finished(): Promise<void> {
    return this.#termination.finished();
  }

  #onTimeout = (): void => {
    this.isTimeout = !this.isAbort;
    this.#termination.begin();
  };

  #onAbort = (): void => {
    this.isAbort = !this.isTimeout;
    this.#termination.begin();
  };
}
