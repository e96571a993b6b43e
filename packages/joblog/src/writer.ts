/** `@taskspan/joblog/writer`: what an application under the flag needs, and nothing of the readers. */
export { JobLogWriter, type JobLogWriterOptions } from './job-log-writer.ts';
export { RunFiles, type RunFilesPerHour } from './run-files.ts';
