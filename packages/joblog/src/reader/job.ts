import type { TaskStatus } from '@taskspan/core';
import type { JobLogEntry, JobMetricPoint } from '../entry/job-log-entry.ts';

/** `running`: open, and its last line is younger than 24 hours; `unknown`: open and older. */
export type JobStatus = TaskStatus | 'running' | 'unknown';

export const OPEN_JOB_STATUSES = ['running', 'unknown'] as const;

/** One run as lists show it. Instants are RFC 3339 in UTC with milliseconds, null while not known. */
export interface JobRow {
  readonly job_id: string;
  /** `task.run`: tells the attempts under one id apart. */
  readonly run: string;
  readonly operation: string;
  readonly label: string | null;
  readonly status: JobStatus;
  readonly attempt: number | null;
  readonly started_at: string | null;
  readonly ended_at: string | null;
  readonly duration_seconds: number | null;
  readonly outputs: readonly string[];
  readonly error_type: string | null;
  /** 0 to 1. */
  readonly progress: number | null;
  readonly service: string | null;
}

/** The latest run under an id, and all of them, oldest first. */
export interface Job extends JobRow {
  readonly attempts: readonly JobRow[];
}

/** Which runs to list; all parts are optional. */
export interface JobsRequest {
  /** UTC days `YYYY-MM-DD` of the runs' start, both inclusive. */
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly operation?: string | undefined;
  readonly status?: JobStatus | undefined;
  readonly label?: string | undefined;
  /** Only runs of this `service.name`. */
  readonly service?: string | undefined;
  /** Case-insensitive substring of id, operation, label and messages. */
  readonly query?: string | undefined;
  /** 1 to 10 000; default 100. */
  readonly limit?: number | undefined;
  /** `next_cursor` of the page before. */
  readonly cursor?: string | undefined;
}

/** What could not be read; left out when it is 0. */
export interface SkippedLines {
  readonly skipped_lines?: number;
}

/** Newest first. */
export interface JobsResponse extends SkippedLines {
  readonly jobs: readonly JobRow[];
  readonly has_more: boolean;
  readonly next_cursor?: string;
}

/** Names as in the proto. */
export interface JobLogsRequest {
  readonly job_run_id: string;
  /** Unix nanoseconds, exclusive. */
  readonly since_timestamp?: bigint | undefined;
  /** 0 DEBUG to 3 ERROR; of every kind of entry, by the severity of its record. */
  readonly min_level?: number | undefined;
  /** 1 to 10 000; default 1000. */
  readonly limit?: number | undefined;
  readonly cursor?: string | undefined;
  /** Only if the run is of this `service.name`; else it is unknown. */
  readonly service?: string | undefined;
}

export interface JobLogsResponse extends SkippedLines {
  readonly entries: readonly JobLogEntry[];
  readonly has_more: boolean;
  readonly next_cursor?: string;
}

/** A metric point of a run, with when it was told. */
export interface JobMetric extends JobMetricPoint {
  readonly timestamp: string;
}

export interface JobMetricsResponse extends SkippedLines {
  readonly metrics: readonly JobMetric[];
  /** Only there, and true, when there are more points than an answer holds. */
  readonly has_more?: true;
}

/** What `tail` yields: each entry with the cursor after it, then `end` when the run has ended. */
export type TailEvent =
  | { readonly type: 'entry'; readonly entry: JobLogEntry; readonly cursor: string }
  | { readonly type: 'end' };

export interface TailRequest extends Omit<JobLogsRequest, 'limit'> {
  /** Ends the following. */
  readonly signal?: AbortSignal | undefined;
}
