/**
 * `@taskspan/core/hub`: what the packages of this toolkit tell each other. Not for applications; it may change in any
 * minor version.
 */

export { type AdoptableSpan, type Adoption, adoptSpan, endAdoptedSpan } from './adopted-run.ts';
export { monoMs, wallMs } from './clock.ts';
export { cutText } from './cut-text.ts';
export type { Enqueue, EnqueueFacts } from './enqueue.ts';
export { startEnqueue } from './enqueue.ts';
export { type RunEnvironment, runEnvironment } from './env-carrier.ts';
export { readSafely } from './error-facts.ts';
export { exceptionAttributes } from './exception-attributes.ts';
export { closeOpenRuns, recordDropped } from './internal/hub.ts';
export { clearReports, reportOnce, safely } from './internal/report.ts';
export type {
  DeliveryState,
  DropReason,
  DropSignal,
  LibrarySighting,
  MissedReason,
  OpenRun,
  RecordSink,
  RunInfo,
  RunLines,
  RunObserver,
  RunRecord,
  TaskspanState,
} from './internal/state.ts';
export { DROP_REASONS, DROP_SIGNALS, MISSED_REASONS, state } from './internal/state.ts';
export type { LibraryRun, LibraryRunOptions } from './library-run.ts';
export { LIMITS } from './limits.ts';
export { DOUBLE_ATTRIBUTES, FORMAT, FORMAT_KEY } from './names.ts';
export type { Observation } from './observe.ts';
export { observe } from './observe.ts';
export { attributesJson, doubleJson, formatApart, formatted, textJson } from './otlp/any-value.ts';
export { type Frame, Frames, type ResourceLike } from './otlp/frame.ts';
export { logRecordSize, runLinesSize, runRecordSize, spanSize } from './otlp/item-size.ts';
export {
  forgetRun,
  holdsObjects,
  logRecordJson,
  type RunLinesJson,
  runLinesJson,
  runRecordJson,
} from './otlp/log-json.ts';
export { hrNanos } from './otlp/nanos.ts';
export { OtlpBatch } from './otlp/otlp-batch.ts';
export { spanJson } from './otlp/span-json.ts';
export type { LibraryOutcome } from './outcome.ts';
export {
  emitLines,
  emitRecord,
  type LinesContent,
  type RecordContent,
  runAttributes,
  runLines,
  runRecord,
  tellLines,
} from './records.ts';
export { currentRun } from './run-context.ts';
export type { OwnAttributes } from './run-details.ts';
export { activeRunTicket, type RunTicket, withRunTicket } from './run-ticket.ts';
export type { Settler } from './settle.ts';
export { severityText } from './severity.ts';
export { RunStampLogProcessor, RunStampSpanProcessor } from './stamp.ts';
export { startLibraryRun } from './start-library-run.ts';
export { safeFileName, taskFile, utcDate } from './task-file.ts';
export { normaliseTaskId, randomRunId, uuidv7 } from './task-id.ts';
export { normaliseOperation } from './task-options.ts';
export { recordLostRun } from './task-record.ts';
