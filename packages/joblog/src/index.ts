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
export type { ResourceLike } from './frame.ts';
export { JobLogWriter, type JobLogWriterOptions } from './job-log-writer.ts';
export { RunFiles, type RunFilesPerHour } from './run-files.ts';
