/** `@taskspan/delivery`: spans, log records and metrics through OTLP over HTTP, without dropping any silently. */
export { ExportQueue, type ExportQueueOptions, type Send, type SendResult } from './export-queue.ts';
export { type LogExportOptions, LogExportProcessor } from './log-export-processor.ts';
export { createMetricPush, type MetricPushOptions } from './metric-push.ts';
export {
  type DeliveryConfig,
  type Environment,
  type OtlpProtocol,
  type OtlpSignal,
  type OtlpTarget,
  readDeliveryConfig,
  type TemporalityPreference,
} from './otlp-config.ts';
export { type ExportProcessorOptions, SpanExportProcessor } from './span-export-processor.ts';
