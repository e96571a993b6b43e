import type { AnyValue } from '@opentelemetry/api-logs';
import type { ReadableLogRecord } from '@opentelemetry/sdk-logs';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { ATTR } from '@taskspan/core';
import { type RunRecord, safely } from '@taskspan/core/hub';

/** What a `redact` option sees of a log record or a span before it reaches file or exporter. */
export interface RedactableRecord {
  readonly signal: 'logs' | 'spans';
  /**
   * Event name of a log record (fixed; empty for a plain line), or name of a span or of its event, which can be changed
   * unless it is the operation of a task.
   */
  name: string;
  /** Text of a log record; status message of a span. */
  body: string | undefined;
  /** A copy: change it, or return another record. */
  attributes: Record<string, AnyValue>;
}

/**
 * Takes secrets out of what is written down. Change the record, or return another one. When it throws, its texts and
 * attributes are left out altogether: what cannot be checked is not written.
 */
export type Redact = (record: RedactableRecord) => RedactableRecord | undefined;

const FAILED = '[redact failed]';

/** What leads back to the run and says how it went: redaction cannot lose a record. Texts of the application are not here. */
const KEPT: ReadonlySet<string> = new Set([
  ATTR.OPERATION,
  ATTR.TASK_ID,
  ATTR.TASK_RUN,
  ATTR.TASK_FILE,
  ATTR.TASK_SEQUENCE,
  ATTR.TASK_STATUS,
  ATTR.TASK_ATTEMPT,
  ATTR.TASK_MAX_ATTEMPTS,
  ATTR.TASK_DURATION,
  ATTR.TASK_ENQUEUED_AT,
  ATTR.TASK_SCHEDULED_AT,
  ATTR.TASK_PROGRESS,
  ATTR.STEP_INDEX,
  ATTR.STEP_STATUS,
  ATTR.STEP_DURATION,
]);

interface Redacted {
  readonly name: string;
  readonly body: string | undefined;
  readonly attributes: Record<string, AnyValue>;
}

function apply(redact: Redact, record: RedactableRecord): Redacted {
  const own = keptAttributes(record.attributes);
  let done = false;
  const result = safely('the redact option', () => {
    const returned = redact(record) ?? record;
    const checked = { name: returned.name, body: returned.body, attributes: { ...returned.attributes, ...own } };
    done = true;
    return checked;
  });
  if (done && result !== undefined) return result;
  return { name: FAILED, body: record.body === undefined ? undefined : FAILED, attributes: own };
}

function keptAttributes(attributes: Readonly<Record<string, AnyValue>>): Record<string, AnyValue> {
  const kept: Record<string, AnyValue> = {};
  for (const key in attributes) if (KEPT.has(key)) kept[key] = attributes[key];
  return kept;
}

/** A view of `target` in which some properties are others. */
function withProperties<T extends object>(target: T, properties: Readonly<Record<string, unknown>>): T {
  const descriptors: PropertyDescriptorMap = {};
  for (const key in properties) descriptors[key] = { value: properties[key], enumerable: true };
  return Object.create(target, descriptors) as T;
}

export function redactRunRecord(redact: Redact, record: RunRecord): RunRecord {
  const { run } = record;
  const { body, attributes } = apply(redact, {
    signal: 'logs',
    name: record.eventName ?? '',
    body: record.body,
    attributes: { ...run.fields, ...record.attributes },
  });
  // Request, user and repository stand on the run itself: here they are part of what was redacted.
  return { ...record, run: withProperties(run, { fields: undefined }), body, attributes };
}

export function redactLogRecord(redact: Redact, record: ReadableLogRecord): ReadableLogRecord {
  const text = typeof record.body === 'string';
  const { body, attributes } = apply(redact, {
    signal: 'logs',
    name: record.eventName ?? '',
    body: text ? (record.body as string) : record.body === undefined ? undefined : JSON.stringify(record.body),
    attributes: { ...record.attributes },
  });
  return withProperties(record, { body, attributes });
}

export function redactSpan(redact: Redact, span: ReadableSpan): ReadableSpan {
  const { name, body, attributes } = apply(redact, {
    signal: 'spans',
    name: span.name,
    body: span.status.message,
    attributes: { ...(span.attributes as Record<string, AnyValue>) },
  });
  const events = span.events.map((event) => {
    const seen = apply(redact, {
      signal: 'spans',
      name: event.name,
      body: undefined,
      attributes: { ...(event.attributes as Record<string, AnyValue>) },
    });
    return { ...event, name: seen.name, attributes: seen.attributes };
  });
  const { message: _message, ...status } = span.status;
  return withProperties(span, {
    name: span.attributes[ATTR.OPERATION] === span.name ? span.name : name,
    attributes,
    events,
    status: body === undefined ? status : { ...status, message: body },
  });
}
