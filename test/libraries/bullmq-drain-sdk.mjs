// An ordinary set-up of OpenTelemetry, as an app has it that uses the telemetry of BullMQ itself.
import { metrics } from '@opentelemetry/api';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node';

/** Registers it. `exported` is how many spans went out: its queue drops what ends too fast. */
export function startSdk() {
  const resource = resourceFromAttributes({ 'service.name': 'bench' });
  const exporter = new OTLPTraceExporter();
  let spans = 0;
  const counting = {
    export: (batch, done) => {
      spans += batch.length;
      exporter.export(batch, done);
    },
    shutdown: () => exporter.shutdown(),
    forceFlush: () => exporter.forceFlush(),
  };
  const tracerProvider = new NodeTracerProvider({ resource, spanProcessors: [new BatchSpanProcessor(counting)] });
  tracerProvider.register();
  const reader = new PeriodicExportingMetricReader({
    exporter: new OTLPMetricExporter(),
    exportIntervalMillis: 15_000,
  });
  const meterProvider = new MeterProvider({ resource, readers: [reader] });
  metrics.setGlobalMeterProvider(meterProvider);
  return {
    exported: () => spans,
    flush: async () => {
      await tracerProvider.forceFlush();
      await meterProvider.forceFlush();
    },
    end: async () => {
      await tracerProvider.shutdown();
      await meterProvider.shutdown();
    },
  };
}
