/** `@taskspan/joblog/retention`: how long job logs are kept. */
export { HAS_ZSTD, type RetentionCompression } from './retention/compress-file.ts';
export { type PruneOptions, type PruneReport, pruneLogs } from './retention/prune-logs.ts';
export { type RetentionLimits, UNLIMITED } from './retention/retention-limits.ts';
export { RetentionTimer, type RetentionTimerOptions } from './retention/retention-timer.ts';
