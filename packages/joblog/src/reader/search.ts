import type { JobLogEntry } from '../entry/job-log-entry.ts';
import type { SkippedLines } from './job.ts';

/** What to look for in the entries of all runs of some days. */
export interface JobSearchRequest {
  /** Not empty; found anywhere in what an entry shows, whatever the case of its ASCII letters. */
  readonly needle: string;
  /** UTC days `YYYY-MM-DD` of the runs' start, both inclusive. */
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  /** Only entries of runs of this `service.name`. */
  readonly service?: string | undefined;
  /** 1 to 10 000; default 100. */
  readonly limit?: number | undefined;
  /** `next_cursor` of the page before. */
  readonly cursor?: string | undefined;
}

export interface JobSearchHit {
  readonly job_id: string;
  readonly run: string;
  readonly entry: JobLogEntry;
}

/** Newest day first; within a file in the order in which it was written. */
export interface JobSearchResponse extends SkippedLines {
  readonly hits: readonly JobSearchHit[];
  readonly has_more: boolean;
  readonly next_cursor?: string;
}
