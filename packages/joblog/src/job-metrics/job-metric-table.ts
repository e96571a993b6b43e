import { TASK_STATUSES } from '@taskspan/core';

/** What a family is to Prometheus. */
type JobMetricType = 'counter' | 'gauge' | 'histogram';

/** One family of metrics from the files. */
export interface JobMetricSpec {
  readonly name: string;
  readonly type: JobMetricType;
  /** Label keys, in the order in which they are rendered. Never an id or an output: those have no bound. */
  readonly labels: readonly string[];
  readonly description: string;
  /** Upper bucket bounds in seconds; histograms only. */
  readonly buckets?: readonly number[];
}

/** A histogram of the table. */
export interface JobHistogramSpec extends JobMetricSpec {
  readonly type: 'histogram';
  readonly buckets: readonly number[];
}

/** What a family is called in this package. */
export type JobMetricKey =
  | 'running'
  | 'started'
  | 'total'
  | 'duration'
  | 'wait'
  | 'oldestRunning'
  | 'lastSuccess'
  | 'runtime'
  | 'memoryPeak'
  | 'cpu'
  | 'rows'
  | 'overflow'
  | 'labelOverflow'
  | 'skipped'
  | 'logFiles'
  | 'logBytes';

/**
 * The one table of metrics that are made from the files. Those of `async_*` are the same as in the process that exports
 * them itself: name, labels, buckets and meaning.
 */
export const JOB_METRICS: Readonly<Record<Exclude<JobMetricKey, 'duration' | 'wait'>, JobMetricSpec>> &
  Readonly<Record<'duration' | 'wait', JobHistogramSpec>> = {
  running: {
    name: 'async_operations_running',
    type: 'gauge',
    labels: ['operation'],
    description: 'Runs that are open and were heard of within a day.',
  },
  started: {
    name: 'async_operations_started_total',
    type: 'counter',
    labels: ['operation'],
    description: 'Runs started.',
  },
  total: {
    name: 'async_operations_total',
    type: 'counter',
    labels: ['operation', 'status'],
    description: 'Finished runs by how they ended.',
  },
  duration: {
    name: 'async_operation_duration_seconds',
    type: 'histogram',
    labels: ['operation', 'status'],
    description: 'Time from the start of a run to its end.',
    buckets: [0.1, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600],
  },
  wait: {
    name: 'async_operation_wait_seconds',
    type: 'histogram',
    labels: ['operation'],
    description: 'Time from being enqueued or due to the start of a run, first attempts only.',
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600],
  },
  oldestRunning: {
    name: 'async_operation_oldest_running_seconds',
    type: 'gauge',
    labels: ['operation'],
    description: 'Age of the longest open run, 0 when none is open.',
  },
  lastSuccess: {
    name: 'async_operation_last_success_timestamp_seconds',
    type: 'gauge',
    labels: ['operation'],
    description: 'Unix time at which the last successful run ended.',
  },
  runtime: {
    name: 'job_runtime_seconds',
    type: 'gauge',
    labels: ['job_label', 'operation'],
    description: 'Run time of the run that finished last.',
  },
  memoryPeak: {
    name: 'job_memory_peak_mb',
    type: 'gauge',
    labels: ['job_label', 'operation'],
    description: 'The most memory that a run was seen to use, in megabytes of a million bytes.',
  },
  cpu: {
    name: 'job_cpu_total_seconds',
    type: 'gauge',
    labels: ['job_label', 'operation'],
    description: 'Processor time of the run that finished last, of those that it is known of.',
  },
  rows: {
    name: 'rows_processed_total',
    type: 'counter',
    labels: ['job_label', 'operation'],
    description: 'Sum of the metric points named rows_processed.',
  },
  overflow: {
    name: 'taskspan_operation_overflow_total',
    type: 'counter',
    labels: [],
    description: 'Runs counted under the operation _other because too many operations are in use.',
  },
  labelOverflow: {
    name: 'taskspan_job_label_overflow_total',
    type: 'counter',
    labels: [],
    description: 'Runs counted under the job label _other because too many labels are in use.',
  },
  skipped: {
    name: 'taskspan_job_lines_skipped_total',
    type: 'counter',
    labels: [],
    description: 'Lines with events of runs that could not be read.',
  },
  logFiles: {
    name: 'taskspan_log_files',
    type: 'gauge',
    labels: [],
    description: 'Files in the logs folder when it was last tidied.',
  },
  logBytes: {
    name: 'taskspan_log_bytes',
    type: 'gauge',
    labels: [],
    description: 'Size of the files in the logs folder when it was last tidied.',
  },
};

/** The metric points of a run that `rows_processed_total` adds up. */
export const ROWS_METRIC = 'rows_processed';

/** Position of each status in an array of totals: the order of `TASK_STATUSES`. */
export const ORPHANED_INDEX: number = TASK_STATUSES.indexOf('orphaned');

/** The operation of runs without a usable one. */
export const UNKNOWN = 'unknown';

/** The label value under which everything beyond a budget is counted. */
export const OTHER = '_other';

/** Operations told apart, `_other` aside; the same as in a process. */
export const OPERATION_BUDGET = 512;

/** Pairs of job label and operation told apart, those with `_other` aside. */
export const JOB_LABEL_BUDGET = 1000;

/** A longer label value is cut: it is in memory and in every scrape. */
export const LABEL_CHARS = 256;
