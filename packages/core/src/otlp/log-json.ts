import type { HrTime, SpanContext } from '@opentelemetry/api';
import type { RunInfo, RunLines, RunRecord } from '../internal/state.ts';
import { LIMITS } from '../limits.ts';
import { ATTR } from '../names.ts';
import { runAttributes } from '../records.ts';
import { severityText } from '../severity.ts';
import { attributeJson, attributesJson, countJson, formatApart, formatted, textJson, valueJson } from './any-value.ts';
import { cutToFit } from './cut-record.ts';
import { hrNanos, msNanos } from './nanos.ts';
import { hasIds } from './trace-ids.ts';

/** What is read of a log record of the logs SDK. */
export interface LogRecordLike {
  readonly hrTime: HrTime;
  readonly hrTimeObserved: HrTime;
  readonly severityNumber?: number | undefined;
  readonly severityText?: string | undefined;
  readonly body?: unknown;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly droppedAttributesCount: number;
  readonly spanContext?: SpanContext | undefined;
  readonly eventName?: string | undefined;
}

/** A text of at most this many UTF-16 units has at most `recordBytes` bytes. */
const SURELY_FITS = Math.floor(LIMITS.recordBytes / 3);

const RUN_KEYS: ReadonlySet<string> = new Set([
  ATTR.TASK_ID,
  ATTR.OPERATION,
  ATTR.TASK_RUN,
  ATTR.TASK_FILE,
  ATTR.TASK_SEQUENCE,
]);

const SEQUENCE_HEAD = `{"key":"${ATTR.TASK_SEQUENCE}","value":{"intValue":"`;

let lastRun: RunInfo | undefined;
let lastRunJson = '';
let lastRunIsAscii = true;

/**
 * `task.id`, `operation`, `task.run`, `task.file`, the fields of the submission, and what stands before the number of
 * the record; formatted once per row of records.
 */
function runJson(run: RunInfo): string {
  if (run !== lastRun) {
    const { value, isAscii } = formatApart(() => `${joinRun(run)},${SEQUENCE_HEAD}`);
    lastRunJson = flat(value);
    lastRunIsAscii = isAscii;
    lastRun = run;
  }
  if (!lastRunIsAscii) formatted.isAscii = false;
  return lastRunJson;
}

function joinRun(run: RunInfo): string {
  const { fields } = run;
  // A field that is named like one of the four that every run has would win, so it goes the long way.
  if (fields !== undefined && Object.keys(fields).some((key) => RUN_KEYS.has(key))) {
    return attributesJson(runAttributes(run));
  }
  const more = fields === undefined ? '' : attributesJson(fields);
  return (
    `${attributeJson(ATTR.TASK_ID, run.id)},${attributeJson(ATTR.OPERATION, run.operation)},` +
    `${attributeJson(ATTR.TASK_RUN, run.runId)},${attributeJson(ATTR.TASK_FILE, run.file)}${more === '' ? '' : `,${more}`}`
  );
}

/** Forgets the run last formatted, so that it can be collected when it has ended: for the end of a row of records. */
export function forgetRun(): void {
  lastRun = undefined;
  lastContext = undefined;
}

/** One `LogRecord` of a run, at most 1 MiB: longer text in it is cut with a mark. */
export function runRecordJson(record: RunRecord): string {
  const json = joinRunRecord(record, record.body, recordAttributes(record));
  if (json.length <= SURELY_FITS || Buffer.byteLength(json) <= LIMITS.recordBytes) return json;
  const content = { body: record.body, attributes: allAttributes(record) };
  return cutToFit(content, LIMITS.recordBytes, (cut) =>
    joinRunRecord(record, cut.body, attributesJson(cut.attributes)),
  );
}

function joinRunRecord(record: RunRecord, body: unknown, attributes: string): string {
  const eventName = record.eventName;
  return (
    timeHead(record.timeNanos ?? msNanos(record.timeMs)) +
    severityHead(record.severity) +
    (body === undefined ? '"body":{}' : `"body":${valueJson(body)}`) +
    `,"attributes":[${attributes}]${idsTail(record.spanContext)}` +
    (eventName === undefined ? '}' : `,"eventName":${textJson(eventName)}}`)
  );
}

function timeHead(time: string): string {
  return time === '0' ? '{' : `{"timeUnixNano":"${time}","observedTimeUnixNano":"${time}",`;
}

/** The `LogRecord` of a line: `head`, its text as in JSON without quotes, `middle`, its number, `tail`. */
export interface RunLinesJson {
  readonly head: string;
  readonly middle: string;
  readonly tail: string;
}

/** What the records of lines that came together have in common, for {@link runRecordJson} written out many times. */
export function runLinesJson({ run, spanContext, timeMs, severity, attributes = {} }: RunLines): RunLinesJson {
  const own = Object.entries(attributes).filter(([key]) => !RUN_KEYS.has(key) && run.fields?.[key] === undefined);
  const ownJson = attributesJson(Object.fromEntries(own));
  return {
    head: `${timeHead(msNanos(timeMs))}${severityHead(severity)}"body":{"stringValue":"`,
    middle: `"},"attributes":[${runJson(run)}`,
    tail: `"}}${ownJson === '' ? '' : `,${ownJson}`}]${idsTail(spanContext)}}`,
  };
}

const severityHeads: string[] = [];

/** Number and text of a severity, each before a comma. */
function severityHead(severity: number): string {
  const known = severityHeads[severity];
  if (known !== undefined) return known;
  const text = severityText(severity);
  const head = severityNumberJson(severity) + (text === '' ? '' : `"severityText":"${text}",`);
  if (text !== '') severityHeads[severity] = head;
  return head;
}

/** Before a comma; 0, which is "unspecified", is left out, as is what is no number of an enum. */
function severityNumberJson(severity: number): string {
  return severity !== 0 && (severity | 0) === severity ? `"severityNumber":${severity},` : '';
}

/** The run's attributes, the number of the record, and its own; what it says itself goes before the run's. */
function recordAttributes(record: RunRecord): string {
  const { run, attributes } = record;
  const head = `${runJson(run)}${record.sequence}"}}`;
  if (attributes === undefined) return head;
  let json = head;
  for (const key of Object.keys(attributes)) {
    const value = attributes[key];
    if (run.fields !== undefined && Object.hasOwn(run.fields, key)) {
      if (run.fields[key] === value) continue;
      return attributesJson(allAttributes(record));
    }
    if (RUN_KEYS.has(key)) return attributesJson(allAttributes(record));
    json += `,${attributeJson(key, value)}`;
  }
  return json;
}

function allAttributes(record: RunRecord): Readonly<Record<string, unknown>> {
  return { ...runAttributes(record.run), [ATTR.TASK_SEQUENCE]: record.sequence, ...record.attributes };
}

let lastContext: SpanContext | undefined;
let lastIds = '';

/** Flags and ids, each after a comma; nothing for a record outside any trace. Remembered, as records come in rows. */
function idsTail(context: SpanContext | undefined): string {
  if (context === undefined) return '';
  if (context === lastContext) return lastIds;
  lastContext = context;
  if (!hasIds(context)) {
    lastIds = '';
    return '';
  }
  const flags = context.traceFlags & 0xff;
  lastIds = flat(
    `${flags === 0 ? '' : `,"flags":${flags}`},"traceId":"${context.traceId}","spanId":"${context.spanId}"`,
  );
  return lastIds;
}

/** V8 keeps a joined text as a tree until someone looks into it; one that is used often is cheaper in one piece. */
function flat(text: string): string {
  text.charCodeAt(0);
  return text;
}

/** One `LogRecord` of the logs SDK, at most 1 MiB. */
export function logRecordJson(record: LogRecordLike): string {
  const { body, attributes, severityText: text = '', eventName = '' } = record;
  const json = joinLogRecord(record, { body, text, eventName }, attributes);
  if (json.length <= SURELY_FITS || Buffer.byteLength(json) <= LIMITS.recordBytes) return json;
  return cutToFit({ body: { text, eventName, body }, attributes }, LIMITS.recordBytes, (cut) => {
    // When nothing else can be kept, what stands for the body is a mark.
    const left = typeof cut.body === 'string' ? { body: cut.body, text: '', eventName: '' } : (cut.body as LogTexts);
    return joinLogRecord(record, left, cut.attributes);
  });
}

/** What of a log record may be too long, its attributes aside. */
interface LogTexts {
  readonly body: unknown;
  readonly text: string;
  readonly eventName: string;
}

function joinLogRecord(record: LogRecordLike, texts: LogTexts, own: Readonly<Record<string, unknown>>): string {
  const time = hrNanos(record.hrTime);
  const observed = hrNanos(record.hrTimeObserved);
  const attributes = attributesJson(own);
  return (
    `{${time === '0' ? '' : `"timeUnixNano":"${time}",`}${observed === '0' ? '' : `"observedTimeUnixNano":"${observed}",`}` +
    severityNumberJson(record.severityNumber ?? 0) +
    (texts.text === '' ? '' : `"severityText":${textJson(texts.text)},`) +
    `"body":${valueJson(texts.body)}` +
    (attributes === '' ? '' : `,"attributes":[${attributes}]`) +
    countJson('droppedAttributesCount', record.droppedAttributesCount) +
    idsTail(record.spanContext) +
    (texts.eventName === '' ? '}' : `,"eventName":${textJson(texts.eventName)}}`)
  );
}

/** True when body or attributes hold an object: its owner may change it before the record is formatted. */
export function holdsObjects({ body, attributes }: LogRecordLike): boolean {
  if (typeof body === 'object' && body !== null) return true;
  for (const key in attributes) {
    const value = attributes[key];
    if (typeof value === 'object' && value !== null) return true;
  }
  return false;
}
