export type { ResourceLike } from '@taskspan/core/hub';
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
export { JobLogWriter, type JobLogWriterOptions } from './job-log-writer.ts';
export {
  METRICS_CONTENT_TYPE,
  MetricsAggregator,
  type MetricsAggregatorOptions,
  type RenderOptions,
  scraperOf,
} from './job-metrics/metrics-aggregator.ts';
export { RunFiles, type RunFilesPerHour } from './run-files.ts';
