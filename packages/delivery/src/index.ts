/** `@taskspan/delivery`: spans, log records and metrics through OTLP over HTTP, without dropping any silently. */
export { byteSize } from './byte-size.ts';
export { flushAtExit } from './exit/exit-flush.ts';
export type { ExitRest, ExitSource } from './exit/exit-source.ts';
export type { Outlet } from './export-batch.ts';
export { ExportQueue } from './export-queue.ts';
export type { ExportQueueOptions } from './export-queue-options.ts';
export { type LogExportOptions, LogExportProcessor } from './log-export-processor.ts';
export { createMetricPush, type MetricPushOptions } from './metric-push.ts';
export { probe } from './otlp/otlp-probe.ts';
export {
  type DeliveryConfig,
  type Environment,
  type OtlpProtocol,
  type OtlpSignal,
  type OtlpTarget,
  readDeliveryConfig,
  type TemporalityPreference,
} from './otlp-config.ts';
export type { Post, RequestBody, SendResult } from './send-result.ts';
export { type ExportProcessorOptions, SpanExportProcessor } from './span-export-processor.ts';
export { LazySpool, type LazySpoolOptions } from './spool/lazy-spool.ts';
export { type SpooledAmount, type SpooledFolder, type SpoolSurvey, surveySpool } from './spool/spool-survey.ts';
