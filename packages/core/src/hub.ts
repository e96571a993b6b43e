/**
 * `@taskspan/core/hub`: what the packages of this toolkit tell each other. Not for applications; it may change in any
 * minor version.
 */

export { wallMs } from './clock.ts';
export { cutText } from './cut-text.ts';
export { readSafely } from './error-facts.ts';
export { closeOpenRuns, recordDropped } from './internal/hub.ts';
export { clearReports, reportOnce, safely } from './internal/report.ts';
export type {
  DeliveryState,
  DropReason,
  DropSignal,
  MissedReason,
  OpenRun,
  RecordSink,
  RunInfo,
  RunObserver,
  RunRecord,
  TaskspanState,
} from './internal/state.ts';
export { DROP_REASONS, DROP_SIGNALS, MISSED_REASONS, state } from './internal/state.ts';
export { LIMITS } from './limits.ts';
export { DOUBLE_ATTRIBUTES, FORMAT, FORMAT_KEY } from './names.ts';
export { runAttributes, severityText } from './records.ts';
export { currentRun } from './run-context.ts';
export { RunStampLogProcessor, RunStampSpanProcessor } from './stamp.ts';
export { safeFileName, taskFile, utcDate } from './task-file.ts';
