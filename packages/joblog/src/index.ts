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
export { RunFiles, type RunFilesPerHour } from './run-files.ts';
