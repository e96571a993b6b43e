import { type DropReason, type DropSignal, type MissedReason, type OpenRun, state } from './state.ts';

/** Operations with missed runs that are told apart; later ones count under `_other`, as in the metrics. */
const MISSED_OPERATIONS = 4096;

/** Counts telemetry that was lost, for `taskspan_dropped_total`. */
export function recordDropped(signal: DropSignal, reason: DropReason, count = 1): void {
  let reasons = state.dropped.get(signal);
  if (reasons === undefined) {
    reasons = new Map();
    state.dropped.set(signal, reasons);
  }
  reasons.set(reason, (reasons.get(reason) ?? 0) + count);
}

/** Counts a scheduled run that did not happen, for `async_operations_missed_total`. */
export function recordMissed(operation: string, reason: MissedReason): void {
  const name = state.missed.has(operation) || state.missed.size < MISSED_OPERATIONS ? operation : '_other';
  let reasons = state.missed.get(name);
  if (reasons === undefined) {
    reasons = new Map();
    state.missed.set(name, reasons);
  }
  reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
}

/** Ends every open run of the process from outside, for exit handlers. */
export function closeOpenRuns(end: Parameters<OpenRun['close']>[0]): void {
  for (const run of [...state.openRuns]) run.close(end);
}
