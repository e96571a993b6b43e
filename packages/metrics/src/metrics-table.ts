import { TASK_STATUSES } from '@taskspan/core';
import { DROP_REASONS, DROP_SIGNALS, MISSED_REASONS } from '@taskspan/core/hub';

/** Which OTel instrument carries a metric. */
export type MetricKind = 'histogram' | 'observable-counter' | 'observable-gauge' | 'observable-up-down-counter';

/** One metric: everything that code, docs and tests must agree on. */
export interface MetricSpec {
  /** Name as exported when no namespace is set. */
  readonly name: string;
  readonly kind: MetricKind;
  /** UCUM unit. Never `1`: Prometheus exporters would append `_ratio`. */
  readonly unit: string;
  /** Label keys, sorted. */
  readonly labels: readonly string[];
  readonly description: string;
  /** Upper bucket bounds in the metric's unit; histograms only. */
  readonly buckets?: readonly number[];
}

/** A histogram of the table. */
export interface HistogramSpec extends MetricSpec {
  readonly kind: 'histogram';
  readonly buckets: readonly number[];
}

/** What the metrics are called in this package. */
export type MetricKey =
  | 'running'
  | 'started'
  | 'total'
  | 'duration'
  | 'wait'
  | 'oldestRunning'
  | 'lastSuccess'
  | 'missed'
  | 'overflow'
  | 'dropped'
  | 'spoolBytes'
  | 'spoolOldest'
  | 'lastExport'
  | 'logFiles'
  | 'logBytes';

/** The one table of metrics. */
export const METRICS: Readonly<Record<Exclude<MetricKey, 'duration' | 'wait'>, MetricSpec>> &
  Readonly<Record<'duration' | 'wait', HistogramSpec>> = {
  running: {
    name: 'async_operations_running',
    kind: 'observable-up-down-counter',
    unit: '{run}',
    labels: ['operation'],
    description: 'Runs that are open in this process.',
  },
  started: {
    name: 'async_operations_started_total',
    kind: 'observable-counter',
    unit: '{run}',
    labels: ['operation'],
    description: 'Runs started: the finished ones without the orphaned, plus the running ones.',
  },
  total: {
    name: 'async_operations_total',
    kind: 'observable-counter',
    unit: '{run}',
    labels: ['operation', 'status'],
    description: 'Finished runs by how they ended.',
  },
  duration: {
    name: 'async_operation_duration_seconds',
    kind: 'histogram',
    unit: 's',
    labels: ['operation', 'status'],
    description: 'Time from the start of a run to its end.',
    buckets: [0.1, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600],
  },
  wait: {
    name: 'async_operation_wait_seconds',
    kind: 'histogram',
    unit: 's',
    labels: ['operation'],
    description: 'Time from being enqueued or due to the start of a run, first attempts only.',
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600],
  },
  oldestRunning: {
    name: 'async_operation_oldest_running_seconds',
    kind: 'observable-gauge',
    unit: 's',
    labels: ['operation'],
    description: 'Age of the longest open run, 0 when none is open.',
  },
  lastSuccess: {
    name: 'async_operation_last_success_timestamp_seconds',
    kind: 'observable-gauge',
    unit: 's',
    labels: ['operation'],
    description: 'Unix time at which the last successful run ended.',
  },
  missed: {
    name: 'async_operations_missed_total',
    kind: 'observable-counter',
    unit: '{run}',
    labels: ['operation', 'reason'],
    description: 'Scheduled runs that did not happen.',
  },
  overflow: {
    name: 'taskspan_operation_overflow_total',
    kind: 'observable-counter',
    unit: '{run}',
    labels: [],
    description: 'Runs counted under the operation _other because too many operations are in use.',
  },
  dropped: {
    name: 'taskspan_dropped_total',
    kind: 'observable-counter',
    unit: '{item}',
    labels: ['reason', 'signal'],
    description: 'Spans, log records and metrics that this toolkit lost.',
  },
  spoolBytes: {
    name: 'taskspan_spool_bytes',
    kind: 'observable-gauge',
    unit: 'By',
    labels: ['signal'],
    description: 'Disk space of what waits in the spool until a receiver takes it.',
  },
  spoolOldest: {
    name: 'taskspan_spool_oldest_seconds',
    kind: 'observable-gauge',
    unit: 's',
    labels: ['signal'],
    description: 'Age of the oldest request in the spool, 0 when none waits.',
  },
  lastExport: {
    name: 'taskspan_export_last_success_timestamp_seconds',
    kind: 'observable-gauge',
    unit: 's',
    labels: ['signal'],
    description: 'Unix time at which a receiver last took a request.',
  },
  logFiles: {
    name: 'taskspan_log_files',
    kind: 'observable-gauge',
    unit: '{file}',
    labels: [],
    description: 'Files in the logs folder when it was last tidied.',
  },
  logBytes: {
    name: 'taskspan_log_bytes',
    kind: 'observable-gauge',
    unit: 'By',
    labels: [],
    description: 'Size of the files in the logs folder when it was last tidied.',
  },
};

/** Every value that each bounded label can have; `operation` is bounded by the operation budget instead. */
export const LABEL_VALUES: Readonly<{
  status: readonly string[];
  signal: readonly string[];
  reason: Readonly<Record<'missed' | 'dropped', readonly string[]>>;
}> = {
  status: TASK_STATUSES,
  signal: DROP_SIGNALS,
  reason: { missed: MISSED_REASONS, dropped: DROP_REASONS },
};

/** The operation of runs without a usable one. */
export const UNKNOWN_OPERATION = 'unknown';

/** The operation under which runs beyond the budget are counted. */
export const OTHER_OPERATION = '_other';

/** Operations told apart by default. With six statuses and `_other`: 3078 series per metric. */
export const DEFAULT_OPERATION_BUDGET = 512;

/** Series kept per metric. The SDK's default, 2000, is below what the budget allows, and its overflow overwrites. */
export const CARDINALITY_LIMIT = 4096;

/** The exported name of a metric: the namespace goes before `async_*` alone, `taskspan_*` keeps its name. */
export function metricName(spec: MetricSpec, namespace?: string): string {
  if (namespace === undefined || namespace === '' || !spec.name.startsWith('async_')) return spec.name;
  return `${namespace}_${spec.name}`;
}
