/**
 * Bytes that a waiting item takes, about: those of its memory before its texts, measured on Node 20, and its texts with
 * what stands around them in OTLP-JSON. Cheap rather than exact, because it runs where a span ends.
 */
import type { RunLines, RunRecord } from '../internal/state.ts';
import { EVENT } from '../names.ts';
import type { LogRecordLike } from './log-json.ts';
import type { SpanLike } from './span-json.ts';

const RECORD_BYTES = 400;
const SPAN_BYTES = 1600;
/** An event or a link of a span. */
const EVENT_BYTES = 300;
/** The type and the frames of an exception, and what stands around them. */
const EXCEPTION_BYTES = 2000;
/** A key's punctuation, and a number or boolean. */
const ATTRIBUTE_BYTES = 16;
/** Values nested deeper weigh nothing. */
const DEEPEST = 8;
/** Nested values looked at in one item: what contains itself twice has no end in practice. */
const MOST_NODES = 10_000;

let nodesLeft = 0;

/**
 * Estimated bytes of a record of a run, without the run's own attributes: these are in memory once per run, and written
 * out only when the record is formatted.
 */
export function runRecordSize({ eventName, body, attributes }: RunRecord): number {
  nodesLeft = MOST_NODES;
  let size = RECORD_BYTES;
  if (body !== undefined) size += body.length;
  // A stack is not read to be measured; it begins with the message, which is the body.
  if (eventName === EVENT.EXCEPTION) size += EXCEPTION_BYTES + 2 * (body?.length ?? 0);
  else if (attributes !== undefined) size += mapSize(attributes, 0);
  return size;
}

/** What a line of output takes in a file beside its text, about. */
const LINE_BYTES = 600;

/** Estimated bytes of lines, as they are written: these are what a loud program makes most of. */
export function runLinesSize({ texts }: RunLines): number {
  let size = LINE_BYTES * texts.length;
  for (const text of texts) size += text.length;
  return size;
}

/** Estimated bytes of a record of the logs SDK. */
export function logRecordSize({ body, attributes }: LogRecordLike): number {
  nodesLeft = MOST_NODES;
  return RECORD_BYTES + valueSize(body, 0) + mapSize(attributes, 0);
}

/** Estimated bytes of a span. */
export function spanSize({ name, attributes, events, links }: SpanLike): number {
  nodesLeft = MOST_NODES;
  let size = SPAN_BYTES + valueSize(name, 0) + mapSize(attributes, 0);
  for (const event of events) size += EVENT_BYTES + valueSize(event.name, 0) + mapSize(event.attributes, 0);
  for (const link of links) size += EVENT_BYTES + mapSize(link.attributes, 0);
  return size;
}

function mapSize(map: object | undefined, depth: number): number {
  let size = 0;
  for (const key in map) {
    size += key.length + ATTRIBUTE_BYTES + valueSize((map as Readonly<Record<string, unknown>>)[key], depth);
  }
  return size;
}

function valueSize(value: unknown, depth: number): number {
  if (typeof value === 'string') return value.length;
  if (typeof value !== 'object' || value === null || depth >= DEEPEST) return 0;
  if (value instanceof Uint8Array) return value.byteLength;
  if (--nodesLeft < 0) return 0;
  if (!Array.isArray(value)) return mapSize(value, depth + 1);
  let size = 0;
  for (const item of value) size += ATTRIBUTE_BYTES + valueSize(item, depth + 1);
  return size;
}
