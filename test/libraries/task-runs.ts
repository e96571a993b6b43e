import type { DecodedAttributes, DecodedRecord, DecodedSpan, DecodedValue } from '@taskspan/joblog';
import type { JobLogTree } from '../e2e/harness/job-log-tree.ts';

/** Names of OTLP's numbers. */
const KINDS = ['UNSPECIFIED', 'INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER'] as const;

type SpanKindName = (typeof KINDS)[number];

/** A line that the app logged inside a run. */
interface LogLine {
  readonly severity: string;
  readonly body: DecodedValue;
  readonly attributes: DecodedAttributes;
}

interface SpanReference {
  readonly traceId: string;
  readonly spanId: string;
}

/** A span of an app, with what tests look at by name. */
export interface AppSpan extends SpanReference {
  readonly name: string;
  readonly kind: SpanKindName;
  /** Empty for a root. */
  readonly parentSpanId: string;
  readonly links: readonly SpanReference[];
  readonly attributes: DecodedAttributes;
  readonly isError: boolean;
  /** Name of what made it. */
  readonly scope: string;
  readonly startMs: number;
  readonly endMs: number;
}

/** One run of a task as its records and its span tell it; what is not known (yet) is undefined. */
export interface Run extends SpanReference {
  readonly operation: string;
  readonly taskId: string;
  /** Undefined while it is open. */
  readonly status: string | undefined;
  readonly errorType: string | undefined;
  readonly attempt: number | undefined;
  readonly maxAttempts: number | undefined;
  readonly willRetry: boolean | undefined;
  readonly kind: SpanKindName | undefined;
  /** Of its span: those of the start and those of the end. */
  readonly attributes: DecodedAttributes;
  /** Of `task.started`. */
  readonly startedAttributes: DecodedAttributes;
  /** Of `task.ended` or `task.orphaned`. */
  readonly endedAttributes: DecodedAttributes;
  readonly links: readonly SpanReference[];
  readonly parentSpanId: string | undefined;
  /** `task.started`, `task.step`, ..., in the order in which they were written. */
  readonly events: readonly string[];
  /** Lines of winston, pino, console that carry its id. */
  readonly logLines: readonly LogLine[];
  readonly span: AppSpan | undefined;
  /** Spans of the app in the trace of the run, without its own. */
  readonly below: readonly AppSpan[];
}

/** All spans of a tree, in the order of their start. */
export function spansOf({ spans }: JobLogTree): readonly AppSpan[] {
  return spans.map(appSpan).sort((one, other) => one.startMs - other.startMs);
}

/** All runs of a tree, in the order of their first record. */
export function runsOf(tree: JobLogTree): readonly Run[] {
  const spans = spansOf(tree);
  const records = [...tree.records].sort(byTime);
  const ofRun = new Map<string, DecodedRecord[]>();
  for (const record of records) {
    if (typeof record.attributes['task.run'] !== 'string') continue;
    const key = `${record.attributes['task.id']} ${record.attributes['task.run']}`;
    const own = ofRun.get(key);
    if (own === undefined) ofRun.set(key, [record]);
    else own.push(record);
  }
  return [...ofRun.values()].map((own) => runOf(own, spans));
}

function runOf(records: readonly DecodedRecord[], spans: readonly AppSpan[]): Run {
  const started = records.find(({ eventName }) => eventName === 'task.started');
  const ended = records.find(({ eventName }) => eventName === 'task.ended' || eventName === 'task.orphaned');
  const [first] = records;
  if (first === undefined) throw new Error('a run without a record');
  const spanId = String(first.attributes['task.run']);
  const span = spans.find((candidate) => candidate.spanId === spanId);
  const startedAttributes = started?.attributes ?? {};
  const endedAttributes = ended?.attributes ?? {};
  const all = { ...startedAttributes, ...endedAttributes, ...span?.attributes };
  return {
    operation: String(first.attributes['operation']),
    taskId: String(first.attributes['task.id']),
    traceId: span?.traceId ?? first.traceId,
    spanId,
    status: textOf(endedAttributes['task.status']) ?? (ended?.eventName === 'task.orphaned' ? 'orphaned' : undefined),
    errorType: textOf(endedAttributes['error.type']),
    attempt: numberOf(all['task.attempt']),
    maxAttempts: numberOf(all['task.max_attempts']),
    willRetry: typeof all['task.will_retry'] === 'boolean' ? all['task.will_retry'] : undefined,
    kind: span?.kind,
    attributes: span?.attributes ?? {},
    startedAttributes,
    endedAttributes,
    links: span?.links ?? [],
    parentSpanId: span?.parentSpanId,
    events: records.flatMap(({ eventName }) => (eventName === '' ? [] : [eventName])),
    logLines: records.filter(({ eventName }) => eventName === '').map(logLine),
    span,
    below: spans.filter((other) => other.traceId === span?.traceId && other !== span),
  };
}

function appSpan(span: DecodedSpan): AppSpan {
  const { name, traceId, spanId, parentSpanId, attributes, links, scope, kind, status } = span;
  return {
    name,
    kind: KINDS[kind] ?? 'UNSPECIFIED',
    traceId,
    spanId,
    parentSpanId,
    links: links.map((link) => ({ traceId: link.traceId, spanId: link.spanId })),
    attributes,
    isError: status.code === 2,
    scope: scope.name,
    startMs: Number(span.startTimeUnixNano / 1000n) / 1000,
    endMs: Number(span.endTimeUnixNano / 1000n) / 1000,
  };
}

function logLine({ severityText, body, attributes }: DecodedRecord): LogLine {
  return { severity: severityText, body, attributes };
}

function byTime(one: DecodedRecord, other: DecodedRecord): number {
  if (one.timeUnixNano !== other.timeUnixNano) return one.timeUnixNano < other.timeUnixNano ? -1 : 1;
  return (numberOf(one.attributes['task.sequence']) ?? 0) - (numberOf(other.attributes['task.sequence']) ?? 0);
}

function textOf(value: DecodedValue | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function numberOf(value: DecodedValue | undefined): number | undefined {
  return typeof value === 'number' ? value : undefined;
}
