export type { MetricsServerStart, ScrapeSource } from './metrics-server.ts';
export { MetricsServer } from './metrics-server.ts';
export type { MetricsSnapshot, OperationSnapshot } from './metrics-state.ts';
export type { HistogramSpec, MetricKey, MetricKind, MetricSpec } from './metrics-table.ts';
export {
  CARDINALITY_LIMIT,
  DEFAULT_OPERATION_BUDGET,
  LABEL_VALUES,
  METRICS,
  metricName,
  OTHER_OPERATION,
  UNKNOWN_OPERATION,
} from './metrics-table.ts';
export type { ProcessEntry, ProcessFileOptions } from './process-file.ts';
export { ProcessFile } from './process-file.ts';
export type { PrometheusReader } from './prometheus-reader.ts';
export { loadPrometheusReader } from './prometheus-reader.ts';
export type { TaskMetricsOptions } from './task-metrics.ts';
export { TaskMetrics } from './task-metrics.ts';
export type { TaskSamplerOptions } from './task-sampler.ts';
export { samplerFromEnvironment, taskSampler } from './task-sampler.ts';
export type { TaskViewsOptions } from './task-views.ts';
export { taskViews } from './task-views.ts';
export type { OperationReport, SeriesReport, ThreadReport } from './thread-report.ts';
export type { ThreadLink } from './worker-threads.ts';
export { forwardToMainThread, receiveFromWorkers } from './worker-threads.ts';
