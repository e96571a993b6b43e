/**
 * What an item weighs in the queue: about what it takes in a request, in bytes. Cheap rather than exact, because it
 * runs where a span ends.
 */
import type { ReadableLogRecord } from '@opentelemetry/sdk-logs';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import type { RunRecord } from '@taskspan/core/hub';

/** Ids, times, flags and the punctuation around them. */
const SPAN_BYTES = 200;
const RECORD_BYTES = 150;
const EVENT_BYTES = 60;
const LINK_BYTES = 100;
/** A key's punctuation, and a number or boolean. */
const ATTRIBUTE_BYTES = 16;
/** Values nested deeper weigh nothing: they are not sent either. */
const DEEPEST = 8;

/** Bytes of a span, roughly. */
export function spanBytes(span: ReadableSpan): number {
  let bytes = SPAN_BYTES + span.name.length + mapBytes(span.attributes);
  for (const event of span.events) bytes += EVENT_BYTES + event.name.length + mapBytes(event.attributes);
  for (const link of span.links) bytes += LINK_BYTES + mapBytes(link.attributes);
  return bytes;
}

/** Bytes of a log record, roughly. */
export function logBytes(record: ReadableLogRecord): number {
  return RECORD_BYTES + valueBytes(record.body) + mapBytes(record.attributes);
}

/**
 * Bytes of a record of a run, roughly, without the run's own attributes: these are in memory once per run, and written
 * out only when a request is made.
 */
export function runRecordBytes({ body, attributes }: RunRecord): number {
  return RECORD_BYTES + (body?.length ?? 0) + mapBytes(attributes);
}

function mapBytes(map: object | undefined, depth = 0): number {
  let bytes = 0;
  for (const key in map) {
    bytes += key.length + ATTRIBUTE_BYTES + valueBytes((map as Record<string, unknown>)[key], depth);
  }
  return bytes;
}

function valueBytes(value: unknown, depth = 0): number {
  if (typeof value === 'string') return value.length;
  if (typeof value !== 'object' || value === null || depth >= DEEPEST) return 0;
  if (value instanceof Uint8Array) return value.byteLength;
  if (!Array.isArray(value)) return mapBytes(value, depth + 1);
  let bytes = 0;
  for (const item of value) bytes += ATTRIBUTE_BYTES + valueBytes(item, depth + 1);
  return bytes;
}
