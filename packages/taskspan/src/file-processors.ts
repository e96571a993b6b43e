import type { LogRecordProcessor, ReadableLogRecord } from '@opentelemetry/sdk-logs';
import type { ReadableSpan, SpanProcessor } from '@opentelemetry/sdk-trace-base';
import type { JobLogWriter } from '@taskspan/joblog/writer';

/** Writes ended spans into the files of their runs. */
export class FileSpanProcessor implements SpanProcessor {
  readonly #writer: JobLogWriter;

  constructor(writer: JobLogWriter) {
    this.#writer = writer;
  }

  onStart(): void {
    // A span is written when it ends.
  }

  onEnd(span: ReadableSpan): void {
    this.#writer.onSpanEnd(span);
  }

  forceFlush(): Promise<void> {
    return this.#writer.forceFlush();
  }

  shutdown(): Promise<void> {
    return this.#writer.forceFlush();
  }
}

/** Writes log records into the files of their runs. */
export class FileLogProcessor implements LogRecordProcessor {
  readonly #writer: JobLogWriter;

  constructor(writer: JobLogWriter) {
    this.#writer = writer;
  }

  onEmit(record: ReadableLogRecord): void {
    this.#writer.onLog(record);
  }

  forceFlush(): Promise<void> {
    return this.#writer.forceFlush();
  }

  shutdown(): Promise<void> {
    return this.#writer.shutdown();
  }
}
