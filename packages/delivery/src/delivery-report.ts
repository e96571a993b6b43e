import {
  clearReports,
  type DeliveryState,
  type DropReason,
  type DropSignal,
  recordDropped,
  reportOnce,
  state,
} from '@taskspan/core/hub';
import type { SendResult } from './send-result.ts';

/** What tells the URLs of the signals of one receiver apart. */
const SIGNAL_PATH = /\/v1\/(traces|metrics|logs)\b/g;

/** What is said and counted about the delivery of one signal: each loss in numbers, each episode once in words. */
export class DeliveryReport {
  readonly signal: DropSignal;
  /** Called when an episode is over in which nothing got through. */
  onRecovered: (() => void) | undefined;
  /** Why nothing gets through in this episode; undefined while it does. */
  #cause: string | undefined;

  constructor(signal: DropSignal) {
    this.signal = signal;
    if (!state.delivery.has(signal)) {
      state.delivery.set(signal, { spoolBytes: 0, spoolOldestMs: undefined, lastSuccessMs: undefined });
    }
  }

  /** How it stands, for metrics. */
  get state(): DeliveryState | undefined {
    return state.delivery.get(this.signal);
  }

  /** A request was taken; what of it was not, is counted. */
  accepted({ rejected = 0, message }: Extract<SendResult, { readonly kind: 'delivered' }>): void {
    const own = this.state;
    if (own !== undefined) own.lastSuccessMs = Date.now();
    if (this.#cause !== undefined) {
      clearReports(waitingKey(this.#cause));
      this.#cause = undefined;
      this.onRecovered?.();
    }
    clearReports(this.#key('overflow'));
    if (rejected > 0) {
      recordDropped(this.signal, 'refused', rejected);
      reportOnce(
        this.#key('partial'),
        `${rejected} ${this.signal} refused by a receiver that took the others: ${message || 'it does not say why'}. Counted in taskspan_dropped_total.`,
      );
    } else if (message) {
      reportOnce(this.#key('partial'), `the receiver of ${this.signal} says: ${message}`);
    } else {
      clearReports(this.#key('partial'));
      clearReports(this.#key('refused'));
    }
  }

  /**
   * An attempt failed, nothing is lost. `where` says what holds the data meanwhile. Said once in an episode, and by the
   * first of the signals that the same receiver keeps out for the same reason.
   */
  waiting(reason: string, where: string): void {
    if (this.#cause !== undefined) return;
    this.#cause = reason.replace(SIGNAL_PATH, '');
    reportOnce(waitingKey(this.#cause), `${this.signal} cannot be delivered now: ${reason}. They are kept ${where}`);
  }

  /** @param keptIn the folder in which the bytes are, if they could be set aside */
  refused(count: number, reason: string, keptIn: string | undefined): void {
    recordDropped(this.signal, 'refused', count);
    const kept = keptIn === undefined ? 'they are lost' : `they are set aside in ${keptIn}`;
    reportOnce(
      this.#key('refused'),
      `${count} ${this.signal} refused for good: ${reason}; ${kept}. Counted in taskspan_dropped_total.`,
    );
  }

  lost(reason: DropReason, count: number, why: string): void {
    recordDropped(this.signal, reason, count);
    reportOnce(
      this.#key(reason),
      `${count} ${this.signal} lost (${reason}): ${why}. Counted in taskspan_dropped_total.`,
    );
  }

  #key(what: string): string {
    return `delivery ${this.signal} ${what}`;
  }
}

function waitingKey(cause: string): string {
  return `delivery waiting ${cause}`;
}
