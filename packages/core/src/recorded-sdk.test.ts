/** A real SDK in memory for the tests of this package: real spans, real log records, and everything that `diag` warns of. */
import assert from 'node:assert/strict';
import { context, DiagLogLevel, diag, propagation, trace } from '@opentelemetry/api';
import { logs } from '@opentelemetry/api-logs';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } from '@opentelemetry/core';
import {
  InMemoryLogRecordExporter,
  LoggerProvider,
  type ReadableLogRecord,
  SimpleLogRecordProcessor,
} from '@opentelemetry/sdk-logs';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
  type SpanProcessor,
  type TracerConfig,
} from '@opentelemetry/sdk-trace-base';
import { afterEach, describe, it } from 'mocha';
import { clearReports } from './internal/report.ts';
import { type RunRecord, state } from './internal/state.ts';
import { RunStampLogProcessor, RunStampSpanProcessor } from './stamp.ts';

export interface RecordingOptions extends Omit<TracerConfig, 'spanProcessors'> {
  /** `sink` (default): records as the toolkit's packages get them; `sdk`: through the OTel logs SDK; `none`. */
  readonly records?: 'sink' | 'sdk' | 'none';
  readonly spans?: boolean;
  readonly processors?: readonly SpanProcessor[];
}

/** What was recorded so far. */
export interface Recording {
  readonly records: RunRecord[];
  readonly warnings: string[];
  spans(): ReadableSpan[];
  /** The one span of this name. */
  span(name: string): ReadableSpan;
  logs(): readonly ReadableLogRecord[];
  /** Event names of the records, `-` for plain lines. */
  events(): string[];
  /** The one record of this event. */
  record(eventName: string): RunRecord;
}

/** Registers an SDK in memory; {@link stopRecording} takes it away. */
export function startRecording(options: RecordingOptions = {}): Recording {
  const { records: kind = 'sink', spans = true, processors = [], ...config } = options;
  const warnings = heardWarnings();
  const spanExporter = new InMemorySpanExporter();
  if (spans) {
    const spanProcessors = [new RunStampSpanProcessor(), ...processors, new SimpleSpanProcessor(spanExporter)];
    trace.setGlobalTracerProvider(new BasicTracerProvider({ ...config, spanProcessors }));
  }
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(
    new CompositePropagator({ propagators: [new W3CTraceContextPropagator(), new W3CBaggagePropagator()] }),
  );
  const records: RunRecord[] = [];
  const exporter = new InMemoryLogRecordExporter();
  if (kind === 'sink') state.sinks.push((record) => records.push(record));
  if (kind === 'sdk') {
    const logProcessors = [new RunStampLogProcessor(), new SimpleLogRecordProcessor({ exporter })];
    logs.setGlobalLoggerProvider(new LoggerProvider({ processors: logProcessors }));
  }
  return {
    records,
    warnings,
    spans: () => spanExporter.getFinishedSpans(),
    span: (name) =>
      only(
        spanExporter.getFinishedSpans().filter((span) => span.name === name),
        `span ${name}`,
      ),
    logs: () => exporter.getFinishedLogRecords(),
    events: () => records.map((record) => record.eventName ?? '-'),
    record: (eventName) =>
      only(
        records.filter((record) => record.eventName === eventName),
        `record ${eventName}`,
      ),
  };
}

/** Collects what `diag` warns of, with nothing else registered. */
export function heardWarnings(): string[] {
  const warnings: string[] = [];
  const silent = (): void => {};
  const warn = (message: string): void => void warnings.push(message);
  diag.setLogger(
    { verbose: silent, debug: silent, info: silent, warn, error: warn },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
  return warnings;
}

/** Takes every registered piece away and forgets what the process remembers. */
export function stopRecording(): void {
  trace.disable();
  context.disable();
  propagation.disable();
  logs.disable();
  diag.disable();
  state.sinks.length = 0;
  state.runObservers.length = 0;
  state.openRuns.clear();
  state.orphans.clear();
  state.missed.clear();
  state.dropped.clear();
  state.fileNamer = undefined;
  state.warn = undefined;
  clearReports();
}

export function only<T>(found: readonly T[], what: string): T {
  assert.equal(found.length, 1, `${found.length} of ${what}, not one`);
  return found[0] as T;
}

describe('the SDK of the tests', () => {
  afterEach(stopRecording);

  it('records nothing once it is taken away', () => {
    const seen = startRecording();
    stopRecording();
    trace.getTracer('x').startSpan('gone').end();
    assert.deepEqual(seen.spans(), []);
  });
});
