import { createRequire } from 'node:module';
import { diag } from '@opentelemetry/api';
import type { IMetricReader } from '@opentelemetry/sdk-metrics';
import type { ScrapeSource } from './metrics-server.ts';
import { CARDINALITY_LIMIT } from './metrics-table.ts';

const require = createRequire(import.meta.url);

/** A pull reader for a meter provider, and its text. */
export interface PrometheusReader extends ScrapeSource {
  /** Belongs into the `readers` of one MeterProvider, before the first scrape. */
  readonly reader: IMetricReader;
}

/**
 * Loads the Prometheus exporter, which loads the metrics SDK, and makes a reader without a server, without scope
 * labels, and with room for all series that the operation budget allows.
 *
 * @throws when a package cannot be loaded
 */
export function loadPrometheusReader(): PrometheusReader {
  // Not by import(): a meter provider is asked for synchronously, and takes its readers when it is made.
  const { PrometheusExporter, PrometheusSerializer } =
    require('@opentelemetry/exporter-prometheus') as typeof import('@opentelemetry/exporter-prometheus');
  class RoomyPrometheusExporter extends PrometheusExporter {
    override selectCardinalityLimit(): number {
      return CARDINALITY_LIMIT;
    }
  }
  const reader = new RoomyPrometheusExporter({ preventServerStart: true });
  const withoutScopeInfo = true;
  const serializer = new PrometheusSerializer(undefined, false, undefined, false, withoutScopeInfo);
  return {
    reader,
    // The exporter's own request handler answers a failed collection with 200, and leaves the format version out.
    async scrape(): Promise<string> {
      const { resourceMetrics, errors } = await reader.collect();
      if (errors.length > 0) diag.warn('taskspan: some metrics could not be collected', ...errors);
      const text = serializer.serialize(resourceMetrics);
      return text.endsWith('\n') ? text : `${text}\n`;
    },
  };
}
