import type { InstrumentationScope } from '@opentelemetry/core';
import type { Resource } from '@opentelemetry/resources';
import type { LogRecordProcessor, ReadableLogRecord } from '@opentelemetry/sdk-logs';
import type { RunRecord } from '@taskspan/core/hub';
import { ExportQueue } from './export-queue.ts';
import { logBytes, runRecordBytes } from './item-size.ts';
import type { OtlpTarget } from './otlp-config.ts';
import { OtlpSender } from './otlp-sender.ts';
import { runLogRecord } from './run-log-record.ts';
import type { ExportProcessorOptions } from './span-export-processor.ts';

export interface LogExportOptions extends ExportProcessorOptions {
  /** Resource of the records that come through `sink`. */
  readonly resource: Resource;
  /** Scope of the records that come through `sink`. */
  readonly scope: InstrumentationScope & { readonly attributes?: Readonly<Record<string, string | number | boolean>> };
}

/** A record waits as it came: turning it into OTLP is not the task's work. */
type Waiting = { readonly log: ReadableLogRecord } | { readonly record: RunRecord };

/** Sends log records: those of the logs SDK, and through `sink` those of runs, which no SDK needs to have seen. */
export class LogExportProcessor implements LogRecordProcessor {
  /** For `state.sinks`; bound to this processor. */
  readonly sink: (record: RunRecord) => void;
  readonly #queue: ExportQueue<Waiting>;
  readonly #sender: OtlpSender<'logs'>;

  constructor(target: OtlpTarget, options: LogExportOptions) {
    const { resource, scope, ...queueOptions } = options;
    const sender = new OtlpSender('logs', target);
    const queue = new ExportQueue<Waiting>({
      ...queueOptions,
      signal: 'logs',
      send: (waiting) => {
        const records = waiting.map((item) => ('log' in item ? item.log : runLogRecord(item.record, resource, scope)));
        return sender.send(records, records[0]?.resource);
      },
      sizeOf: (item) => ('log' in item ? logBytes(item.log) : runRecordBytes(item.record)),
    });
    this.#sender = sender;
    this.#queue = queue;
    this.sink = (record) => queue.enqueue({ record });
  }

  onEmit(log: ReadableLogRecord): void {
    this.#queue.enqueue({ log });
  }

  /** Waits until what was emitted so far is delivered or refused, or an attempt failed; 10 s at most. Never rejects. */
  async forceFlush(limit?: { readonly timeoutMillis?: number }): Promise<void> {
    await this.#queue.forceFlush(limit?.timeoutMillis);
  }

  /** Tries to deliver what is left for `timeoutMs` at most (default 3 s); counts the rest as lost. */
  async shutdown(timeoutMs?: number): Promise<void> {
    await this.#queue.shutdown(timeoutMs);
    await this.#sender.close();
  }
}
