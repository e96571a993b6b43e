import {
  clearReports,
  type DeliveryState,
  type DropReason,
  type DropSignal,
  recordDropped,
  reportOnce,
  state,
} from '@taskspan/core/hub';
import { byteSize } from './byte-size.ts';
import type { SendResult } from './send-result.ts';

/** What tells the URLs of the signals of one receiver apart. */
const SIGNAL_PATH = /\/v1\/(traces|metrics|logs)\b/g;

/** Receivers that keep out what was warned about, each with the signals that wait for it. */
const outages = new Map<string, Set<DropSignal>>();

/** What is said and counted about the delivery of one signal: each loss in numbers, each episode once in words. */
export class DeliveryReport {
  readonly signal: DropSignal;
  /** Called when an episode is over in which nothing got through. */
  onRecovered: (() => void) | undefined;
  /** Why nothing gets through in this episode; undefined while it does. */
  #cause: string | undefined;
  /** What was said of requests that were refused for good. */
  readonly #refusals = new Set<string>();

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
      const cause = this.#cause;
      this.#cause = undefined;
      clearReports(waitingKey(cause));
      sayRecovered(receiverOf(cause));
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
      for (const key of this.#refusals) clearReports(key);
      this.#refusals.clear();
    }
  }

  /**
   * An attempt failed, nothing is lost. `where` says what holds the data meanwhile. Said once in an episode, and by the
   * first of the signals that the same receiver keeps out for the same reason. What still keeps this one out when the
   * receiver was said to be back is said too.
   */
  waiting(reason: string, where: string): void {
    const cause = reason.replace(SIGNAL_PATH, '');
    const receiver = receiverOf(cause);
    if (this.#cause !== undefined && (outages.has(receiver) || cause === this.#cause)) return;
    this.#cause = cause;
    const waiting = outages.get(receiver) ?? new Set();
    outages.set(receiver, waiting.add(this.signal));
    clearReports(recoveredKey(receiver));
    reportOnce(waitingKey(cause), `${this.signal} cannot be delivered now: ${reason}. They are kept ${where}`);
  }

  /**
   * Said once for all signals that one receiver refuses for one reason.
   *
   * @param keptIn the folder in which the bytes are, if they could be set aside
   */
  refused(count: number, reason: string, keptIn: string | undefined): void {
    recordDropped(this.signal, 'refused', count);
    const kept = keptIn === undefined ? 'they are lost' : `they are set aside in ${keptIn}`;
    const key = `delivery refused ${reason.replace(SIGNAL_PATH, '')}`;
    this.#refusals.add(key);
    reportOnce(key, `${count} ${this.signal} refused for good: ${reason}; ${kept}. Counted in taskspan_dropped_total.`);
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

/** Says that an outage is over, by the first of its signals that gets through. */
function sayRecovered(receiver: string): void {
  const waited = outages.get(receiver);
  if (waited === undefined) return;
  outages.delete(receiver);
  let bytes = 0;
  for (const signal of waited) bytes += state.delivery.get(signal)?.spoolBytes ?? 0;
  const rest = bytes === 0 ? '' : `, ${byteSize(bytes)} wait and are being sent`;
  reportOnce(recoveredKey(receiver), `delivery to ${receiver} works again${rest}`);
}

/** Every reason begins with where it comes from. */
function receiverOf(cause: string): string {
  return /^\S+?(?=: |$)/.exec(cause)?.[0] ?? 'the receiver';
}

function recoveredKey(receiver: string): string {
  return `delivery recovered ${receiver}`;
}

function waitingKey(cause: string): string {
  return `delivery waiting ${cause}`;
}
