import type { TaskStatus } from '@taskspan/core';
import type { DropReason, DropSignal, MissedReason } from '@taskspan/core/hub';

/** One operation of a thread, since the thread began. */
export interface OperationReport {
  readonly operation: string;
  readonly running: number;
  /** In the order of the statuses. */
  readonly totals: readonly number[];
  /** Unix seconds; 0 when there was no success. */
  readonly lastSuccess: number;
  /** Epoch milliseconds; undefined when no run is open. */
  readonly oldestStartMs: number | undefined;
}

/** Histogram samples of one series since the last report: `counts[i]` samples of `values[i]`. */
export interface SeriesReport {
  readonly metric: 'duration' | 'wait';
  readonly operation: string;
  /** Undefined for the wait. */
  readonly status: TaskStatus | undefined;
  readonly values: readonly number[];
  readonly counts: readonly number[];
}

/** What a thread tells the main thread. Counts are absolute, so that a report that is heard late or not at all harms nothing. */
export interface ThreadReport {
  readonly operations: readonly OperationReport[];
  readonly samples: readonly SeriesReport[];
  readonly overflow: number;
  readonly missed: readonly (readonly [operation: string, reason: MissedReason, count: number])[];
  readonly dropped: readonly (readonly [signal: DropSignal, reason: DropReason, count: number])[];
}
