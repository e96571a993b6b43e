import { context, ROOT_CONTEXT } from '@opentelemetry/api';
import { logs } from '@opentelemetry/api-logs';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import type { ReadableLogRecord } from '@opentelemetry/sdk-logs';
import { InMemoryLogRecordExporter, LoggerProvider, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs';
import { runTask } from '@taskspan/core';
import { RunStampLogProcessor } from '@taskspan/core/hub';

export interface RecordedLines {
  /** What the bridges emitted so far; the records of the run itself left out. */
  lines(): ReadableLogRecord[];
  /** Runs `work` inside a run, and returns the lines captured meanwhile. */
  inRun(work: () => unknown): Promise<ReadableLogRecord[]>;
  stop(): Promise<void>;
}

/** An in-memory logs SDK in the global slot, with the context manager and the stamp that the real set-up has. */
export function recordLines(): RecordedLines {
  const exporter = new InMemoryLogRecordExporter();
  const provider = new LoggerProvider({
    processors: [new RunStampLogProcessor(), new SimpleLogRecordProcessor({ exporter })],
  });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  logs.setGlobalLoggerProvider(provider);
  const lines = (): ReadableLogRecord[] =>
    exporter.getFinishedLogRecords().filter((record) => record.instrumentationScope.name !== 'taskspan');
  return {
    lines,
    async inRun(work) {
      exporter.reset();
      await context.with(ROOT_CONTEXT, () => runTask('test', async () => await work(), { id: 'run-1' }));
      return lines();
    },
    async stop() {
      await provider.shutdown();
      logs.disable();
      context.disable();
    },
  };
}
