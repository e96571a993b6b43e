import type { LogRecordProcessor, ReadableLogRecord } from '@opentelemetry/sdk-logs';
import type { RunRecord } from '@taskspan/core/hub';
import type { ExitRest, ExitSource } from './exit/exit-source.ts';
import { ExportQueue } from './export-queue.ts';
import { OtlpSender } from './otlp/otlp-sender.ts';
import { refuse } from './otlp/refused-item.ts';
import { type LogBatch, settledLog, type WaitingLog, waitingLogSize } from './otlp/waiting-log.ts';
import type { OtlpTarget } from './otlp-config.ts';
import type { ExportProcessorOptions } from './span-export-processor.ts';

export interface LogExportOptions extends ExportProcessorOptions {
  /** Resource of the records that come through `sink`. */
  readonly resource: LogBatch['resource'];
  /** Scope of the records that come through `sink`. */
  readonly scope: LogBatch['scope'];
}

/** Sends log records: those of the logs SDK, and through `sink` those of runs, which no SDK needs to have seen. */
export class LogExportProcessor implements LogRecordProcessor, ExitSource {
  /** For `state.sinks`; bound to this processor. */
  readonly sink: (record: RunRecord) => void;
  readonly #queue: ExportQueue<WaitingLog>;
  readonly #sender: OtlpSender<'logs'>;

  constructor(target: OtlpTarget, options: LogExportOptions) {
    const { resource, scope, ...queueOptions } = options;
    const sender = new OtlpSender('logs', target);
    const queue = new ExportQueue<WaitingLog>({
      ...queueOptions,
      signal: 'logs',
      outlet: {
        ready: (items) => sender.ready(resourceOf(items[0]) ?? resource),
        encode: (items) => sender.encode({ items, resource, scope }, items.length),
        post: (body, onAccepted) => sender.post(body, onAccepted),
        receiver: sender.receiver,
      },
      sizeOf: waitingLogSize,
    });
    this.#sender = sender;
    this.#queue = queue;
    this.sink = (record) => queue.enqueue({ record });
  }

  onEmit(log: ReadableLogRecord): void {
    try {
      this.#queue.enqueue(settledLog(log));
    } catch (error) {
      refuse('logs', error);
    }
  }

  /** Waits until what was emitted so far is delivered or refused, or an attempt failed; 10 s at most. Never rejects. */
  async forceFlush(limit?: { readonly timeoutMillis?: number }): Promise<void> {
    await this.#queue.forceFlush(limit?.timeoutMillis);
  }

  /** For exit handlers, see `ExitSource`. */
  takeRest(deadlineMs: number): ExitRest {
    const isAnswered = this.#sender.settleSync(deadlineMs);
    const tryNow = isAnswered && this.#queue.isHealthy;
    return { signal: 'logs', target: this.#sender.target, tryNow, items: this.#queue.takeRest() };
  }

  /** Tries to deliver what is left for `timeoutMs` at most (default 3 s); the rest is put on disk, or counted as lost. */
  async shutdown(timeoutMs?: number): Promise<void> {
    await this.#queue.shutdown(timeoutMs);
    await this.#sender.close();
  }
}

function resourceOf(item: WaitingLog | undefined): LogBatch['resource'] | undefined {
  return item !== undefined && 'log' in item ? item.log.resource : undefined;
}
