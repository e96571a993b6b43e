/** The entry of a record: how readers show it. `recordOf` goes the other way. */
import { ATTR, EVENT, MANIFEST_METADATA_PREFIX, METRIC_LABEL_PREFIX } from '@taskspan/core';
import type { DecodedRecord, DecodedValue } from '../decode.ts';
import { attributeText } from './attribute-text.ts';
import {
  type EntryContent,
  EVENT_NAME_FIELD,
  EVENT_PREFIX,
  isForeignEvent,
  LABEL_FIELD,
  MESSAGE_FIELD,
} from './entry-content.ts';
import { type FieldOwner, fieldKey } from './field-key.ts';
import type {
  JobEvent,
  JobLogEntry,
  JobLogMessage,
  JobManifest,
  JobMetricPoint,
  JsonDouble,
  OutputRef,
} from './job-log-entry.ts';
import { jsonDouble } from './json-double.ts';
import { levelOfSeverity } from './level.ts';
import { nanosText, secondsNanos } from './nanos-text.ts';

/** The entry that a record of any writer is. Never throws. */
export function entryOf(record: DecodedRecord): JobLogEntry {
  const { attributes } = record;
  return {
    timestamp: nanosText(recordNanos(record)),
    job_id: textOf(attributes[ATTR.TASK_ID]),
    outputs: refs(attributes[ATTR.TASK_OUTPUTS]),
    sequence_number: sequenceOf(attributes[ATTR.TASK_SEQUENCE]),
    ...contentOfRecord(record),
  };
}

/** When it happened, in nanoseconds since the epoch: where its writer did not say, when it was seen. */
export function recordNanos(record: DecodedRecord): bigint {
  const nanos = record.timeUnixNano > 0n ? record.timeUnixNano : record.observedTimeUnixNano;
  return nanos > 0n && nanos <= LAST_NANOS ? nanos : 0n;
}

/** OTLP has 64 bits for it; a line can say anything. */
const LAST_NANOS = 2n ** 64n - 1n;

function contentOfRecord(record: DecodedRecord): EntryContent {
  const { eventName } = record;
  if (eventName === EVENT.METRIC) return { metric: metricOf(record) };
  if (eventName === EVENT.MANIFEST) return { manifest: manifestOf(record) };
  if (eventName.startsWith(EVENT_PREFIX)) return { event: eventOf(record) };
  return { log: logOf(record) };
}

function logOf({ severityNumber, severityText, eventName, body, attributes }: DecodedRecord): JobLogMessage {
  const fields = fieldsOf('log', attributes);
  return {
    level: levelOfSeverity(severityNumber, severityText),
    message: attributeText(body),
    fields: isForeignEvent(eventName) ? { ...fields, [EVENT_NAME_FIELD]: eventName } : fields,
  };
}

function metricOf({ attributes }: DecodedRecord): JobMetricPoint {
  return {
    name: textOf(attributes[ATTR.METRIC_NAME]),
    value: doubleOf(attributes[ATTR.METRIC_VALUE]),
    labels: unprefixed(METRIC_LABEL_PREFIX, attributes),
    unit: textOf(attributes[ATTR.METRIC_UNIT]),
  };
}

function eventOf({ eventName, body, attributes }: DecodedRecord): JobEvent {
  const isCustom = eventName === EVENT.CUSTOM;
  const metadata = fieldsOf(isCustom ? 'customEvent' : 'ownEvent', attributes);
  return {
    event_type: isCustom ? textOf(attributes[ATTR.EVENT_TYPE]) : eventName.slice(EVENT_PREFIX.length),
    job_label: textOf(attributes[ATTR.TASK_LABEL]),
    metadata: body === null ? metadata : { ...metadata, [MESSAGE_FIELD]: attributeText(body) },
  };
}

function manifestOf({ attributes }: DecodedRecord): JobManifest {
  const metadata = unprefixed(MANIFEST_METADATA_PREFIX, attributes);
  const label = attributes[ATTR.TASK_LABEL];
  return {
    outputs: refs(attributes[ATTR.MANIFEST_OUTPUTS]),
    inputs: refs(attributes[ATTR.MANIFEST_INPUTS]),
    start_time: instantText(attributes[ATTR.MANIFEST_START]),
    end_time: instantText(attributes[ATTR.MANIFEST_END]),
    metadata: label === undefined ? metadata : { ...metadata, [LABEL_FIELD]: attributeText(label) },
  };
}

function textOf(value: DecodedValue | undefined): string {
  return value === undefined ? '' : attributeText(value);
}

function refs(value: DecodedValue | undefined): readonly OutputRef[] {
  if (value === undefined || value === null) return [];
  const list: readonly DecodedValue[] = Array.isArray(value) ? value : [value];
  return list.map((item) => ({ str: attributeText(item) }));
}

function sequenceOf(value: DecodedValue | undefined): number {
  const sequence = typeof value === 'boolean' ? 0 : Number(textOf(value));
  return Number.isSafeInteger(sequence) && sequence > 0 ? sequence : 0;
}

function doubleOf(value: DecodedValue | undefined): JsonDouble {
  const text = textOf(value);
  return jsonDouble(text === '' ? Number.NaN : Number(text));
}

function instantText(value: DecodedValue | undefined): string {
  const nanos = typeof value === 'number' || typeof value === 'string' ? secondsNanos(value) : undefined;
  return nanos === undefined ? '' : nanosText(nanos);
}

function fieldsOf(owner: FieldOwner, attributes: DecodedRecord['attributes']): Readonly<Record<string, string>> {
  const fields: Record<string, string> = {};
  for (const key of Object.keys(attributes)) {
    const field = fieldKey(owner, key);
    if (field !== undefined) setText(fields, field, attributes[key]);
  }
  return fields;
}

function unprefixed(prefix: string, attributes: DecodedRecord['attributes']): Readonly<Record<string, string>> {
  const texts: Record<string, string> = {};
  for (const key of Object.keys(attributes)) {
    if (key.startsWith(prefix)) setText(texts, key.slice(prefix.length), attributes[key]);
  }
  return texts;
}

function setText(texts: Record<string, string>, key: string, attribute: DecodedValue = null): void {
  const value = attributeText(attribute);
  // Assigned, this one key would change the prototype.
  if (key === '__proto__')
    Object.defineProperty(texts, key, { value, enumerable: true, configurable: true, writable: true });
  else texts[key] = value;
}
