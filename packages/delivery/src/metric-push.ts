import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import type { InstrumentType, PeriodicExportingMetricReader, ResourceMetrics } from '@opentelemetry/sdk-metrics';
import { clearReports, recordDropped, reportOnce } from '@taskspan/core/hub';
import type { SendResult } from './export-queue.ts';
import type { OtlpTarget, TemporalityPreference } from './otlp-config.ts';
import { OtlpSender } from './otlp-sender.ts';

export interface MetricPushOptions {
  /** Milliseconds between two pushes. Default 15 000. */
  readonly intervalMs?: number;
  /** Default cumulative: then a push that fails loses nothing, because the next one says it all. */
  readonly temporality?: TemporalityPreference;
  /** Label sets per instrument. Default 4096: the SDK's 2000 is less than 512 operations x 6 statuses. */
  readonly cardinalityLimit?: number;
}

const require = createRequire(import.meta.url);
const DEFAULT_INTERVAL_MS = 15_000;
const DEFAULT_CARDINALITY_LIMIT = 4096;
const SHUTDOWN_TIMEOUT_MS = 3000;
const FIRST_RETRY_MS = 1000;
/** As the SDK declares it, which does not export the name. */
type ShutdownOptions = Parameters<PeriodicExportingMetricReader['shutdown']>[0];

const REPORT_KEY = 'delivery metrics';

/**
 * Makes the reader that pushes metrics, and loads the metrics SDK for it. Its `shutdown` makes a last push, waits
 * for it 3 s at most unless told otherwise, and does not reject.
 */
export function createMetricPush(target: OtlpTarget, options: MetricPushOptions = {}): PeriodicExportingMetricReader {
  // Here, and not at the top: a process that pushes no metrics never loads these. And not by import(): a meter provider
  // is asked for synchronously, and takes its readers when it is made.
  const sdk = require('@opentelemetry/sdk-metrics') as typeof import('@opentelemetry/sdk-metrics');
  const { ExportResultCode } = require('@opentelemetry/core') as typeof import('@opentelemetry/core');
  const temporality = options.temporality ?? 'cumulative';
  const intervalMs = options.intervalMs ?? DEFAULT_INTERVAL_MS;
  const exportTimeoutMillis = Math.min(intervalMs, target.timeoutMs);
  // Below the SDK's own limit, so that it is us who learn of it, and account for it.
  const timeoutMs = exportTimeoutMillis * 0.9;
  const sender = new OtlpSender('metrics', { ...target, timeoutMs });

  class MetricPush extends sdk.PeriodicExportingMetricReader {
    override async shutdown(limit?: ShutdownOptions): Promise<void> {
      try {
        await super.shutdown({ timeoutMillis: SHUTDOWN_TIMEOUT_MS, ...limit });
      } catch (error) {
        reportOnce(REPORT_KEY, `the last metrics were not delivered: ${String(error)}`);
      }
    }
  }

  // The SDK's own timer for an export keeps the process alive for as long as a request may take. So an export is done at
  // once for it, and whoever flushes waits for the push, for as long as the flush may take.
  let pushing: Promise<void> = Promise.resolve();
  let hurry = new AbortController();

  return new MetricPush({
    exportIntervalMillis: intervalMs,
    exportTimeoutMillis,
    cardinalityLimits: { default: options.cardinalityLimit ?? DEFAULT_CARDINALITY_LIMIT },
    exporter: {
      export(metrics, done) {
        pushing = Promise.all([pushing, push(sender, metrics, { timeoutMs, over: hurry.signal })]).then(
          // Failures are reported and counted here, once; the SDK would report each push again.
          ([, result]) => account(result, metrics, temporality),
          (error: unknown) => account({ kind: 'refused', reason: String(error) }, metrics, temporality),
        );
        done({ code: ExportResultCode.SUCCESS });
      },
      async forceFlush() {
        hurry.abort();
        await pushing;
        hurry = new AbortController();
      },
      shutdown: () => sender.close(),
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

/** Tries until the time of this push is over, or until somebody flushes: then one failed attempt is enough. */
async function push(sender: OtlpSender<'metrics'>, metrics: ResourceMetrics, patience: Patience): Promise<SendResult> {
  const deadline = performance.now() + patience.timeoutMs;
  for (let waitMs = FIRST_RETRY_MS; ; waitMs *= 2) {
    // The SDK has waited for the resource already.
    const result = await sender.send(metrics, undefined);
    if (result.kind !== 'retryable' || patience.over.aborted) return result;
    const nextMs = Math.max(waitMs * (0.75 + Math.random() / 2), result.retryAfterMs ?? 0);
    if (performance.now() + nextMs >= deadline) return result;
    try {
      await sleep(nextMs, undefined, { ref: false, signal: patience.over });
    } catch {
      // Somebody flushes: the wait is over, and so is this push.
      return result;
    }
  }
}

/** How long a push goes on. */
interface Patience {
  readonly timeoutMs: number;
  /** Aborted when somebody waits for the push. */
  readonly over: AbortSignal;
}

function account(result: SendResult, metrics: ResourceMetrics, temporality: TemporalityPreference): void {
  if (result.kind === 'delivered') {
    clearReports(REPORT_KEY);
    return;
  }
  reportOnce(REPORT_KEY, `metrics could not be delivered: ${result.reason}`);
  // Cumulative points that did not get through now are in the next push.
  if (result.kind === 'retryable' && temporality === 'cumulative') return;
  let points = 0;
  for (const scope of metrics.scopeMetrics) for (const metric of scope.metrics) points += metric.dataPoints.length;
  recordDropped('metrics', result.kind === 'refused' ? 'refused' : 'overflow', points);
}
