import { createRequire } from 'node:module';
import type { Resource } from '@opentelemetry/resources';
import type { IMetricReader, ScopeMetrics } from '@opentelemetry/sdk-metrics';
import { SCOPE } from '@taskspan/core';
import type { ExitSource, LazySpool, LogExportProcessor, SpanExportProcessor } from '@taskspan/delivery';
import type { DeliveryConfig } from '@taskspan/delivery/config';

/** Where requests wait that cannot be delivered. */
export interface SpoolPlace {
  /** The folder of the toolkit, absolute; it exists. */
  readonly directory: string;
  /** What they may take, in bytes; above 0. */
  readonly maxBytes: number;
  /** `service.name`: what its processes leave, its processes send. */
  readonly service: string;
}

export interface OtlpExportOptions {
  readonly delivery: DeliveryConfig;
  readonly spool: SpoolPlace | undefined;
}

/** What the exporters need of the process. */
export interface OtlpExportSources {
  readonly resource: () => Resource;
  /** All metrics of this toolkit as they are; undefined when no run was counted yet. */
  readonly totals: () => ScopeMetrics | undefined;
}

const require = createRequire(import.meta.url);

/** True when anything is sent through OTLP. */
export function exportsAny({ traces, logs, metrics }: DeliveryConfig): boolean {
  return traces !== undefined || logs !== undefined || metrics !== undefined;
}

/** What leaves this process through OTLP. Most processes send nothing, so the package that does it is loaded here. */
export class OtlpExport {
  readonly spans: SpanExportProcessor | undefined;
  readonly logs: LogExportProcessor | undefined;
  readonly #delivery: typeof import('@taskspan/delivery') = require('@taskspan/delivery');
  readonly #config: DeliveryConfig;
  readonly #spool: LazySpool | undefined;
  readonly #from: OtlpExportSources;
  readonly #sources: ExitSource[] = [];
  #pushes = false;

  constructor({ delivery, spool }: OtlpExportOptions, from: OtlpExportSources) {
    const { LazySpool, LogExportProcessor, SpanExportProcessor } = this.#delivery;
    const { traces, logs, spanDelayMs, logDelayMs } = delivery;
    this.#config = delivery;
    this.#from = from;
    this.#spool = spool && new LazySpool(spool);
    if (traces !== undefined) {
      this.spans = new SpanExportProcessor(traces, { delayMs: spanDelayMs, spool: this.#spool });
      this.#sources.push(this.spans);
    }
    if (logs !== undefined) {
      const more = { resource: from.resource(), scope: SCOPE, spool: this.#spool };
      this.logs = new LogExportProcessor(logs, { delayMs: logDelayMs, ...more });
      this.#sources.push(this.logs);
    }
  }

  /** The reader that pushes metrics, with the SDK that it needs; undefined when none are pushed. */
  createMetricPush(): IMetricReader | undefined {
    const { metrics, metricIntervalMs: intervalMs, temporality } = this.#config;
    if (metrics === undefined) return undefined;
    const { resource, totals } = this.#from;
    const push = this.#delivery.createMetricPush(metrics, {
      intervalMs,
      temporality,
      spool: this.#spool,
      totals: () => ({ resource: resource(), scopeMetrics: [totals() ?? []].flat() }),
    });
    this.#pushes = true;
    this.#sources.push(push);
    return push;
  }

  /** Looks from now on for what processes that are gone could not deliver. */
  watchSpool(): void {
    this.#spool?.watch();
  }

  /** For exit handlers: sends within a second what is left, or puts it on disk. */
  flushSync(): void {
    // A process may end before metrics were set up. Of deltas there is nothing to say then.
    const { metrics, temporality } = this.#config;
    const hasLast = !this.#pushes && metrics !== undefined && temporality === 'cumulative';
    if (hasLast && this.#from.totals() !== undefined) this.createMetricPush();
    this.#delivery.flushAtExit(this.#sources, this.#spool);
  }

  /** Sends what is left, puts on disk what cannot be sent, and gives that to the next process. Never rejects. */
  async shutdown(): Promise<void> {
    await Promise.all([this.spans?.shutdown(), this.logs?.shutdown()]);
    await this.#spool?.close();
  }
}
