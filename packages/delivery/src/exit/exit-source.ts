import type { DropSignal } from '@taskspan/core/hub';
import type { OtlpTarget } from '../otlp-config.ts';
import type { SpoolItem } from '../spool/spool-item.ts';

/** What an exporter still has at the end of the process. */
export interface ExitRest {
  readonly signal: DropSignal;
  readonly target: OtlpTarget;
  /** False when the receiver is known to fail: there is no use in trying. */
  readonly tryNow: boolean;
  readonly items: readonly SpoolItem[];
}

/** An exporter, as the end of the process sees it. */
export interface ExitSource {
  /**
   * Waits for the answers to what is on its way, then takes out all that is not known to be delivered. Synchronous;
   * never throws.
   *
   * @param deadlineMs when to wait no longer, on the monotonic clock
   */
  takeRest(deadlineMs: number): ExitRest;
}
