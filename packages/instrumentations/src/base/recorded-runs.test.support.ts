/** A real SDK in memory for the tests of job libraries: task spans, PRODUCER spans, log records, missed runs, warnings. */
import {
  type Attributes,
  context,
  DiagLogLevel,
  diag,
  type Link,
  propagation,
  SpanKind,
  trace,
} from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { clearReports, type RunRecord, RunStampSpanProcessor, state } from '@taskspan/core/hub';

/** One run as its span tells it. */
interface RecordedRun {
  readonly operation: string;
  readonly id: string;
  readonly status: string;
  readonly errorType: string | undefined;
  readonly kind: SpanKind;
  readonly attributes: Attributes;
  readonly links: readonly Link[];
  readonly span: ReadableSpan;
  /** Attributes of `task.started`. */
  readonly started: Readonly<Record<string, unknown>>;
  /** Bodies of the lines in its log. */
  readonly lines: readonly string[];
}

export interface RecordedRuns {
  /** Ended runs, in the order of their ends. */
  runs(): RecordedRun[];
  /** The one run that ended; throws when there are more or none. */
  run(): RecordedRun;
  /** PRODUCER spans. */
  enqueues(): ReadableSpan[];
  /** `operation reason` of every missed run. */
  missed(): string[];
  readonly records: readonly RunRecord[];
  readonly warnings: readonly string[];
  stop(): void;
}

/** Registers the SDK; `stop()` takes it away. */
export function recordRuns(): RecordedRuns {
  const exporter = new InMemorySpanExporter();
  const records: RunRecord[] = [];
  const warnings: string[] = [];
  const sink = (record: RunRecord): void => void records.push(record);
  const silent = (): void => {};
  const hear = (message: string): void => void warnings.push(message);
  trace.setGlobalTracerProvider(
    new BasicTracerProvider({ spanProcessors: [new RunStampSpanProcessor(), new SimpleSpanProcessor(exporter)] }),
  );
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  diag.setLogger(
    { error: hear, warn: hear, info: silent, debug: silent, verbose: silent },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
  state.sinks.push(sink);
  state.missed.clear();
  state.orphans.clear();
  clearReports();
  const runs = (): RecordedRun[] =>
    exporter
      .getFinishedSpans()
      .filter((span) => span.attributes['task.status'] !== undefined)
      .map((span) => asRun(span, records));
  return {
    runs,
    run() {
      const [first, ...others] = runs();
      if (first === undefined || others.length > 0) throw new Error(`${runs().length} runs ended, not one`);
      return first;
    },
    enqueues: () => exporter.getFinishedSpans().filter((span) => span.kind === SpanKind.PRODUCER),
    missed: () =>
      [...state.missed].flatMap(([operation, reasons]) =>
        [...reasons].flatMap(([reason, count]) => Array.from({ length: count }, () => `${operation} ${reason}`)),
      ),
    records,
    warnings,
    stop() {
      state.sinks.splice(state.sinks.indexOf(sink), 1);
      trace.disable();
      context.disable();
      propagation.disable();
      diag.disable();
      state.missed.clear();
      state.orphans.clear();
      clearReports();
    },
  };
}

function asRun(span: ReadableSpan, records: readonly RunRecord[]): RecordedRun {
  const { attributes } = span;
  const own = records.filter((record) => record.run.runId === span.spanContext().spanId);
  const errorType = attributes['error.type'];
  return {
    operation: String(attributes['operation']),
    id: String(attributes['task.id']),
    status: String(attributes['task.status']),
    errorType: errorType === undefined ? undefined : String(errorType),
    kind: span.kind,
    attributes,
    links: span.links,
    span,
    started: own.find((record) => record.eventName === 'task.started')?.attributes ?? {},
    lines: own.filter((record) => record.eventName === undefined).map((record) => record.body ?? ''),
  };
}
