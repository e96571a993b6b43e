import { TraceFlags } from '@opentelemetry/api';
import type { ReadableSpan, SpanProcessor } from '@opentelemetry/sdk-trace-base';
import { spanSize } from '@taskspan/core/hub';
import { ExportQueue } from './export-queue.ts';
import type { OtlpTarget } from './otlp-config.ts';
import { OtlpSender } from './otlp-sender.ts';

/** Sizes and times of an export processor. */
export interface ExportProcessorOptions {
  /** Longest wait before an item is sent, in milliseconds. Default 1000. */
  readonly delayMs?: number;
  /** Bound of what waits or is in flight, in bytes. Default 64 MiB. */
  readonly maxBytes?: number;
  /** Wait after the first failed request, in milliseconds; doubled by each further one in a row. Default 1000. */
  readonly backoffMs?: number;
}

/** Sends every sampled span that ends; spans that are only recorded for metrics stay here. */
export class SpanExportProcessor implements SpanProcessor {
  readonly #queue: ExportQueue<ReadableSpan>;
  readonly #sender: OtlpSender<'traces'>;

  constructor(target: OtlpTarget, options: ExportProcessorOptions = {}) {
    const sender = new OtlpSender('traces', target);
    this.#sender = sender;
    this.#queue = new ExportQueue<ReadableSpan>({
      ...options,
      signal: 'spans',
      send: (spans) => sender.send(spans, spans[0]?.resource),
      sizeOf: spanSize,
    });
  }

  onStart(): void {
    // A span is of interest once it ends.
  }

  onEnd(span: ReadableSpan): void {
    if ((span.spanContext().traceFlags & TraceFlags.SAMPLED) !== 0) this.#queue.enqueue(span);
  }

  /** Waits until what ended so far is delivered or refused, or an attempt failed; 10 s at most. Never rejects. */
  async forceFlush(limit?: { readonly timeoutMillis?: number }): Promise<void> {
    await this.#queue.forceFlush(limit?.timeoutMillis);
  }

  /** Tries to deliver what is left for `timeoutMs` at most (default 3 s); counts the rest as lost. */
  async shutdown(timeoutMs?: number): Promise<void> {
    await this.#queue.shutdown(timeoutMs);
    await this.#sender.close();
  }
}
