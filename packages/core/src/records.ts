import { context, type SpanContext, trace } from '@opentelemetry/api';
import { type AnyValue, logs } from '@opentelemetry/api-logs';
import { wallMs } from './clock.ts';
import { safely } from './internal/report.ts';
import { type RecordSink, type RunInfo, type RunLines, type RunRecord, state } from './internal/state.ts';
import { ATTR, type EventName, SCOPE } from './names.ts';
import { severityText } from './severity.ts';
import { recordsAreKept } from './tracer.ts';

/** What differs from record to record; the rest comes from the run. */
export interface RecordContent {
  readonly eventName?: EventName | undefined;
  readonly severity: number;
  readonly body?: string | undefined;
  readonly attributes?: Readonly<Record<string, AnyValue>> | undefined;
  /** Default: the task span's. */
  readonly spanContext?: SpanContext | undefined;
  /** Epoch milliseconds; default: now. */
  readonly timeMs?: number | undefined;
  /** {@link RunRecord.timeNanos} */
  readonly timeNanos?: string | undefined;
  /** {@link RunRecord.isAlone} */
  readonly isAlone?: boolean | undefined;
}

/**
 * Writes one record of a run: to the sinks of the toolkit, which format it later and off the task's path, or, where
 * there is none, through the OTel logs API.
 */
export function emitRecord(run: RunInfo, content: RecordContent): void {
  if (!recordsAreKept()) return;
  const record = runRecord(run, content);
  const { sinks } = state;
  if (sinks.length === 0) safely('emitting a log record', () => emitThroughApi(record));
  for (const sink of sinks) {
    try {
      sink(record);
    } catch (error) {
      reportSink(error);
    }
  }
}

/** What lines that came together have in common, and how they are told. */
export type LinesContent = Pick<
  RunLines,
  'texts' | 'isPlain' | 'isAscii' | 'timeMs' | 'isAlone' | 'severity' | 'attributes'
>;

/** Writes a record for each of many lines, as {@link emitRecord} does for one. */
export function emitLines(run: RunInfo, content: LinesContent): void {
  if (!recordsAreKept()) return;
  const lines = runLines(run, content);
  const { sinks } = state;
  if (sinks.length === 0) {
    for (const record of recordsOf(lines)) safely('emitting a log record', () => emitThroughApi(record));
  }
  for (const sink of sinks) {
    try {
      tellLines(sink, lines);
    } catch (error) {
      reportSink(error);
    }
  }
}

/** Hands lines to a sink, in one piece where it can take them so. */
export function tellLines(sink: RecordSink, lines: RunLines): void {
  if (sink.takeLines !== undefined) sink.takeLines(lines);
  else for (const record of recordsOf(lines)) sink(record);
}

function* recordsOf(lines: RunLines): Generator<RunRecord> {
  const { run, spanContext, timeMs, isAlone, severity, attributes } = lines;
  let sequence = lines.firstSequence;
  for (const body of lines.texts) {
    yield { run, spanContext, sequence, timeMs, isAlone, eventName: undefined, severity, body, attributes };
    sequence += 1;
  }
}

/** The next records of a run, numbered, for a sink. */
export function runLines(run: RunInfo, content: LinesContent): RunLines {
  const firstSequence = run.nextSequence();
  for (let at = 1; at < content.texts.length; at += 1) run.nextSequence();
  return { run, spanContext: run.spanContext, firstSequence, ...content };
}

/** The next record of a run, numbered and timed, for a sink. */
export function runRecord(run: RunInfo, content: RecordContent): RunRecord {
  return {
    run,
    spanContext: content.spanContext ?? run.spanContext,
    sequence: run.nextSequence(),
    timeMs: content.timeMs ?? wallMs(),
    timeNanos: content.timeNanos,
    isAlone: content.isAlone,
    eventName: content.eventName,
    severity: content.severity,
    body: content.body,
    attributes: content.attributes,
  };
}

function reportSink(error: unknown): void {
  safely('a record sink', () => {
    throw error;
  });
}

function emitThroughApi(record: RunRecord): void {
  const { run } = record;
  logs.getLogger(SCOPE.name, SCOPE.version, { schemaUrl: SCOPE.schemaUrl }).emit({
    ...(record.eventName === undefined ? {} : { eventName: record.eventName }),
    ...(record.body === undefined ? {} : { body: record.body }),
    timestamp: record.timeMs,
    severityNumber: record.severity,
    severityText: severityText(record.severity),
    context: trace.setSpanContext(context.active(), record.spanContext),
    attributes: { ...runAttributes(run), [ATTR.TASK_SEQUENCE]: record.sequence, ...record.attributes },
  });
}

/** What stands on every record of a run, its sequence number aside. */
export function runAttributes(run: RunInfo): Record<string, AnyValue> {
  return {
    [ATTR.TASK_ID]: run.id,
    [ATTR.OPERATION]: run.operation,
    [ATTR.TASK_RUN]: run.runId,
    [ATTR.TASK_FILE]: run.file,
    ...run.fields,
  };
}
