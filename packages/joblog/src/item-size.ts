import type { ReadableLogRecord } from '@opentelemetry/sdk-logs';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import type { RunRecord } from '@taskspan/core/hub';

/** Bytes of memory that a record or span takes before its texts, measured on Node 20. */
const RECORD_BYTES = 400;
const SPAN_BYTES = 1600;
const EVENT_BYTES = 300;
/** Deeper values are not measured. */
const DEEPEST = 4;

/** Estimated bytes that a waiting record of a run keeps in memory. */
export function runRecordSize(record: RunRecord): number {
  const { body, attributes } = record;
  let size = RECORD_BYTES;
  if (body !== undefined) size += body.length;
  if (attributes !== undefined) size += mapSize(attributes, 0);
  return size;
}

/** Likewise for a record of the logs SDK. */
export function logRecordSize(record: ReadableLogRecord): number {
  return RECORD_BYTES + valueSize(record.body, 0) + mapSize(record.attributes, 0);
}

/** Likewise for a span. */
export function spanSize(span: ReadableSpan): number {
  let size = SPAN_BYTES + mapSize(span.attributes, 0);
  for (const event of span.events) size += EVENT_BYTES + mapSize(event.attributes ?? {}, 0);
  return size + span.links.length * EVENT_BYTES;
}

function mapSize(map: Readonly<Record<string, unknown>>, depth: number): number {
  let size = 0;
  for (const key in map) size += 16 + valueSize(map[key], depth);
  return size;
}

function valueSize(value: unknown, depth: number): number {
  if (typeof value === 'string') return value.length;
  if (typeof value !== 'object' || value === null) return 8;
  if (value instanceof Uint8Array) return value.byteLength;
  if (depth >= DEEPEST) return 16;
  return mapSize(value as Readonly<Record<string, unknown>>, depth + 1);
}
