import { TraceFlags } from '@opentelemetry/api';
import type { ReadableSpan, SpanProcessor } from '@opentelemetry/sdk-trace-base';
import { spanSize } from '@taskspan/core/hub';
import type { ExitRest, ExitSource } from './exit/exit-source.ts';
import { ExportQueue } from './export-queue.ts';
import { OtlpSender } from './otlp/otlp-sender.ts';
import type { OtlpTarget } from './otlp-config.ts';
import type { LazySpool } from './spool/lazy-spool.ts';

/** Sizes and times of an export processor. */
export interface ExportProcessorOptions {
  /** Longest wait before an item is sent, in milliseconds. Default 1000. */
  readonly delayMs?: number | undefined;
  /** Bound of what waits or is in flight, in bytes. Default 64 MiB. */
  readonly maxBytes?: number | undefined;
  /** Where requests go that cannot be delivered now; undefined: they wait in memory. */
  readonly spool?: LazySpool | undefined;
  /** Wait after the first failed request, in milliseconds; doubled by each further one in a row. Default 1000. */
  readonly backoffMs?: number | undefined;
}

/** Sends every sampled span that ends; spans that are only recorded for metrics stay here. */
export class SpanExportProcessor implements SpanProcessor, ExitSource {
  readonly #queue: ExportQueue<ReadableSpan>;
  readonly #sender: OtlpSender<'traces'>;

  constructor(target: OtlpTarget, options: ExportProcessorOptions = {}) {
    const sender = new OtlpSender('traces', target);
    this.#sender = sender;
    this.#queue = new ExportQueue<ReadableSpan>({
      ...options,
      signal: 'spans',
      outlet: {
        ready: (spans) => sender.ready(spans[0]?.resource),
        encode: (spans) => sender.encode(spans, spans.length),
        post: (body, onAccepted) => sender.post(body, onAccepted),
        receiver: sender.receiver,
      },
      sizeOf: spanSize,
    });
  }

  /** Estimated bytes that wait in memory, those in flight included. */
  get bytesInMemory(): number {
    return this.#queue.bytes;
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

  /** For exit handlers, see `ExitSource`. */
  takeRest(deadlineMs: number): ExitRest {
    const isAnswered = this.#sender.settleSync(deadlineMs);
    const tryNow = isAnswered && this.#queue.isHealthy;
    return { signal: 'spans', target: this.#sender.target, tryNow, items: this.#queue.takeRest() };
  }

  /** Tries to deliver what is left for `timeoutMs` at most (default 3 s); the rest is put on disk, or counted as lost. */
  async shutdown(timeoutMs?: number): Promise<void> {
    await this.#queue.shutdown(timeoutMs);
    await this.#sender.close();
  }
}
