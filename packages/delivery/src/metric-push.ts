import { createRequire } from 'node:module';
import type { InstrumentType, PeriodicExportingMetricReader, ResourceMetrics } from '@opentelemetry/sdk-metrics';
import { reportOnce } from '@taskspan/core/hub';
import type { ExitRest, ExitSource } from './exit/exit-source.ts';
import { MetricDelivery } from './metric-delivery.ts';
import type { OtlpTarget, TemporalityPreference } from './otlp-config.ts';
import type { LazySpool } from './spool/lazy-spool.ts';

export interface MetricPushOptions {
  /** Milliseconds between two pushes. Default 15 000. */
  readonly intervalMs?: number;
  /** Default cumulative: then a push that fails loses nothing, because the next one says it all. */
  readonly temporality?: TemporalityPreference;
  /** Label sets per instrument. Default 4096: the SDK's 2000 is less than 512 operations x 6 statuses. */
  readonly cardinalityLimit?: number;
  /**
   * All totals as they are, taken without waiting: what changed since the last push is sent from it at the end of the
   * process, where no push can be made any more. For cumulative temporality only.
   */
  readonly totals?: (() => ResourceMetrics) | undefined;
  /** Where pushes go that cannot be delivered: of cumulative metrics the last one, of deltas all. */
  readonly spool?: LazySpool | undefined;
}

const require = createRequire(import.meta.url);
const DEFAULT_INTERVAL_MS = 15_000;
const DEFAULT_CARDINALITY_LIMIT = 4096;
const SHUTDOWN_TIMEOUT_MS = 3000;
/** As the SDK declares it, which does not export the name. */
type ShutdownOptions = Parameters<PeriodicExportingMetricReader['shutdown']>[0];

/**
 * Makes the reader that pushes metrics, and loads the metrics SDK for it. Its `shutdown` makes a last push, waits
 * for it 3 s at most unless told otherwise, and does not reject.
 */
export function createMetricPush(
  target: OtlpTarget,
  options: MetricPushOptions = {},
): PeriodicExportingMetricReader & ExitSource {
  // Here, and not at the top: a process that pushes no metrics never loads these. And not by import(): a meter provider
  // is asked for synchronously, and takes its readers when it is made.
  const sdk = require('@opentelemetry/sdk-metrics') as typeof import('@opentelemetry/sdk-metrics');
  const { ExportResultCode } = require('@opentelemetry/core') as typeof import('@opentelemetry/core');
  const temporality = options.temporality ?? 'cumulative';
  const intervalMs = options.intervalMs ?? DEFAULT_INTERVAL_MS;
  const exportTimeoutMillis = Math.min(intervalMs, target.timeoutMs);
  // Below the SDK's own limit, so that it is us who learn of it, and account for it.
  const timeoutMs = exportTimeoutMillis * 0.9;
  const { spool, totals } = options;
  const delivery = new MetricDelivery({ ...target, timeoutMs }, { temporality, timeoutMs, spool, totals });

  class MetricPush extends sdk.PeriodicExportingMetricReader implements ExitSource {
    override async shutdown(limit?: ShutdownOptions): Promise<void> {
      try {
        await super.shutdown({ timeoutMillis: SHUTDOWN_TIMEOUT_MS, ...limit });
      } catch (error) {
        reportOnce('delivery metrics shutdown', `the last metrics were not delivered: ${String(error)}`);
      }
    }

    takeRest(deadlineMs: number): ExitRest {
      return delivery.takeRest(deadlineMs);
    }
  }

  // The SDK's own timer for an export keeps the process alive for as long as a request may take. So an export is done at
  // once for it, and whoever flushes waits for the push, for as long as the flush may take.
  let pushing: Promise<unknown> = Promise.resolve();
  let hurry = new AbortController();

  return new MetricPush({
    exportIntervalMillis: intervalMs,
    exportTimeoutMillis,
    cardinalityLimits: { default: options.cardinalityLimit ?? DEFAULT_CARDINALITY_LIMIT },
    exporter: {
      export(metrics, done) {
        pushing = Promise.all([pushing, delivery.deliver(metrics, hurry.signal)]);
        done({ code: ExportResultCode.SUCCESS });
      },
      async forceFlush() {
        hurry.abort();
        await pushing;
        hurry = new AbortController();
      },
      shutdown: () => delivery.close(),
      selectAggregationTemporality: (type) =>
        isDelta(type, temporality) ? sdk.AggregationTemporality.DELTA : sdk.AggregationTemporality.CUMULATIVE,
    },
  });
}

/** The three preferences of the specification ("OTLP Exporter", temporality preference). */
function isDelta(type: InstrumentType, preference: TemporalityPreference): boolean {
  switch (preference) {
    case 'cumulative':
      return false;
    case 'delta':
      return type !== 'UP_DOWN_COUNTER' && type !== 'OBSERVABLE_UP_DOWN_COUNTER';
    case 'lowmemory':
      return type === 'COUNTER' || type === 'HISTOGRAM';
  }
}
