export type { ResourceLike } from '@taskspan/core/hub';
export type { CollectedOutcome, CollectedRunOptions } from './collect/collected-run.ts';
export {
  type CollectedResult,
  type CollectOptions,
  type CollectSource,
  type LineSource,
  LogCollector,
  type LogCollectorOptions,
} from './collect/log-collector.ts';
export type { OutputStream } from './collect/output-log.ts';
export type {
  DecodedAttributes,
  DecodedEvent,
  DecodedLine,
  DecodedLink,
  DecodedRecord,
  DecodedResource,
  DecodedScope,
  DecodedSpan,
  DecodedValue,
  UndecodableLine,
} from './decode.ts';
export { decodeLine } from './decode.ts';
export { type ParsedEntry, parseEntryLine } from './entry/entry-line.ts';
export { entryOf } from './entry/entry-of.ts';
export type {
  JobEvent,
  JobLogEntry,
  JobLogLevel,
  JobLogMessage,
  JobManifest,
  JobMetricPoint,
  JsonDouble,
  OutputRef,
} from './entry/job-log-entry.ts';
export { LOG_LEVELS } from './entry/job-log-entry.ts';
export { parseLevel } from './entry/level.ts';
export { parseNanosText } from './entry/nanos-text.ts';
export { type RecordRest, recordOf, restOf } from './entry/record-of.ts';
export { JobLogWriter, type JobLogWriterOptions } from './job-log-writer.ts';
export { JOB_METRICS, type JobMetricSpec } from './job-metrics/job-metric-table.ts';
export {
  METRICS_CONTENT_TYPE,
  MetricsAggregator,
  type MetricsAggregatorOptions,
  type RenderOptions,
} from './job-metrics/metrics-aggregator.ts';
export { scraperOf } from './job-metrics/scrapers.ts';
export type {
  Job,
  JobLogsRequest,
  JobLogsResponse,
  JobMetric,
  JobMetricsResponse,
  JobRow,
  JobStatus,
  JobsRequest,
  JobsResponse,
  SkippedLines,
  TailEvent,
  TailRequest,
} from './reader/job.ts';
export { OPEN_JOB_STATUSES } from './reader/job.ts';
export { JobLogReader, type JobLogReaderOptions, type JobScope } from './reader/job-log-reader.ts';
export type { JobTrace } from './reader/job-trace.ts';
export { BadRequestError, UnknownJobError } from './reader/reader-error.ts';
export type { JobSearchHit, JobSearchRequest, JobSearchResponse } from './reader/search.ts';
export type { CommandResult, ExitCategory, RunCommandOptions, TimeoutAction } from './run-command/command-options.ts';
export { runCommand } from './run-command/run-command.ts';
export { RunFiles, type RunFilesPerHour } from './run-files.ts';
