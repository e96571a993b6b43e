import type { SpanContext } from '@opentelemetry/api';
import type { ReadableLogRecord } from '@opentelemetry/sdk-logs';
import { ATTR } from '@taskspan/core';
import { LIMITS, type RunInfo, type RunRecord, runAttributes } from '@taskspan/core/hub';
import { cutToFit } from './cut-record.ts';
import { attributeJson, attributesJson, hasIds, hrNanos, msNanos, textJson, valueJson } from './otlp-json.ts';

const SEVERITY_TEXTS = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'];
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

/**
 * `task.id`, `operation`, `task.run`, `task.file`, the fields of the submission, and what stands before the number of
 * the record; formatted once per row of records.
 */
function runJson(run: RunInfo): string {
  if (run !== lastRun) {
    const { fields } = run;
    // The four that every run has; a field that is named like one of them would win, so it goes the long way.
    lastRunJson =
      fields !== undefined && Object.keys(fields).some((key) => RUN_KEYS.has(key))
        ? attributesJson(runAttributes(run))
        : joinRun(run, fields);
    lastRunJson = flat(`${lastRunJson},${SEQUENCE_HEAD}`);
    lastRun = run;
  }
  return lastRunJson;
}

function joinRun(run: RunInfo, fields: RunInfo['fields']): string {
  const more = fields === undefined ? '' : attributesJson(fields);
  return (
    `${attributeJson(ATTR.TASK_ID, run.id)},${attributeJson(ATTR.OPERATION, run.operation)},` +
    `${attributeJson(ATTR.TASK_RUN, run.runId)},${attributeJson(ATTR.TASK_FILE, run.file)}${more === '' ? '' : `,${more}`}`
  );
}

/** Forgets the run last seen, so that a run that ended can be collected. */
export function forgetRun(): void {
  lastRun = undefined;
  lastContext = undefined;
}

/** One `LogRecord` of a run, at most 1 MiB: longer text in it is cut with a mark. */
export function runRecordJson(record: RunRecord): string {
  const json = joinRunRecord(record);
  if (json.length <= SURELY_FITS || Buffer.byteLength(json) <= LIMITS.recordBytes) return json;
  return cutToFit({ body: record.body, attributes: record.attributes ?? {} }, LIMITS.recordBytes, (cut) =>
    joinRunRecord({
      ...record,
      body: cut.body as string | undefined,
      attributes: cut.attributes as RunRecord['attributes'],
    }),
  );
}

function joinRunRecord(record: RunRecord): string {
  const { severity } = record;
  const time = msNanos(record.timeMs);
  const eventName = record.eventName;
  return (
    (time === '0' ? '{' : `{"timeUnixNano":"${time}","observedTimeUnixNano":"${time}",`) +
    severityHead(severity) +
    (record.body === undefined ? '"body":{}' : `"body":${valueJson(record.body)}`) +
    `,"attributes":[${recordAttributes(record)}]${idsTail(record.spanContext)}` +
    (eventName === undefined ? '}' : `,"eventName":${textJson(eventName)}}`)
  );
}

const severityHeads: string[] = [];

/** Number and text of a severity, each before a comma. */
function severityHead(severity: number): string {
  const known = severityHeads[severity];
  if (known !== undefined) return known;
  const text = SEVERITY_TEXTS[Math.floor((severity - 1) / 4)];
  const head =
    text === undefined ? `"severityNumber":${severity},` : `"severityNumber":${severity},"severityText":"${text}",`;
  if (text !== undefined) severityHeads[severity] = head;
  return severity === 0 ? '' : head;
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
      return overriddenAttributes(record);
    }
    if (RUN_KEYS.has(key)) return overriddenAttributes(record);
    json += `,${attributeJson(key, value)}`;
  }
  return json;
}

function overriddenAttributes(record: RunRecord): string {
  const { run, sequence } = record;
  return attributesJson({ ...runAttributes(run), [ATTR.TASK_SEQUENCE]: sequence, ...record.attributes });
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
  const flags = context.traceFlags === 0 ? '' : `,"flags":${context.traceFlags}`;
  lastIds = flat(`${flags},"traceId":"${context.traceId}","spanId":"${context.spanId}"`);
  return lastIds;
}

/** V8 keeps a joined text as a tree until someone looks into it; one that is used often is cheaper in one piece. */
function flat(text: string): string {
  text.charCodeAt(0);
  return text;
}

/** One `LogRecord` of the logs SDK, at most 1 MiB. */
export function logRecordJson(record: ReadableLogRecord): string {
  const json = joinLogRecord(record, record.body, record.attributes);
  if (json.length <= SURELY_FITS || Buffer.byteLength(json) <= LIMITS.recordBytes) return json;
  return cutToFit({ body: record.body, attributes: record.attributes }, LIMITS.recordBytes, (cut) =>
    joinLogRecord(record, cut.body, cut.attributes),
  );
}

function joinLogRecord(record: ReadableLogRecord, body: unknown, own: Readonly<Record<string, unknown>>): string {
  const time = hrNanos(record.hrTime);
  const observed = hrNanos(record.hrTimeObserved);
  const { severityNumber = 0, severityText = '', eventName = '', droppedAttributesCount: dropped } = record;
  const attributes = attributesJson(own);
  return (
    `{${time === '0' ? '' : `"timeUnixNano":"${time}",`}${observed === '0' ? '' : `"observedTimeUnixNano":"${observed}",`}` +
    (severityNumber === 0 ? '' : `"severityNumber":${severityNumber},`) +
    (severityText === '' ? '' : `"severityText":${textJson(severityText)},`) +
    `"body":${valueJson(body)}` +
    (attributes === '' ? '' : `,"attributes":[${attributes}]`) +
    (dropped === 0 ? '' : `,"droppedAttributesCount":${dropped}`) +
    idsTail(record.spanContext) +
    (eventName === '' ? '}' : `,"eventName":${textJson(eventName)}}`)
  );
}
