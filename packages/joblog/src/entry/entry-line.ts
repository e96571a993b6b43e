/**
 * A line that a program of a run printed, read as an entry: the JSON of `taskspan.v1.JobLogEntry` with the names of the
 * proto or in lowerCamelCase, as printers of protobuf's JSON in any language write it, or with the content in
 * `content` and the event called `job_event`.
 */
import type { EntryContent } from './entry-content.ts';
import type {
  JobEvent,
  JobLogLevel,
  JobLogMessage,
  JobManifest,
  JobMetricPoint,
  JsonDouble,
  OutputRef,
} from './job-log-entry.ts';
import { parseLevelWord } from './level.ts';
import { LAST_INSTANT, nanosText, parseNanosText, secondsNanos } from './nanos-text.ts';

/** What the line says; its content is complete: what it left out is empty, the level INFO, a value 0. */
export interface ParsedEntry extends EntryContent {
  /** Nanoseconds since the epoch; undefined when the line does not say. */
  readonly timeNanos: bigint | undefined;
  readonly jobId: string;
  readonly outputs: readonly OutputRef[];
  /** 0 when the line does not say. */
  readonly sequenceNumber: number;
}

/**
 * Reads a line as an entry.
 *
 * @returns undefined for everything that is not the JSON of an entry with exactly one content, such as JSON with any
 * key of its own: that is a line of text. Never throws.
 */
export function parseEntryLine(line: string): ParsedEntry | undefined {
  if (!mayBeEntry(line)) return undefined;
  try {
    return parsedEntry(JSON.parse(line));
  } catch (error) {
    // JSON that is none, JSON that is no entry, and JSON that is nested deeper than the stack allows.
    if (error instanceof SyntaxError || error === NOT_AN_ENTRY || error instanceof RangeError) return undefined;
    throw error;
  }
}

/** Cheap, for each line of a loud program: only what names a content is worth parsing. */
function mayBeEntry(line: string): boolean {
  return /^\s*\{/.test(line) && /"(?:log|metric|event|manifest|job_event|jobEvent)"/.test(line);
}

type Json = Readonly<Record<string, unknown>>;

/**
 * Thrown on the way down: the line is JSON, and no entry. One for all: a loud program may print nothing else, and what
 * is slow about an error is to make it.
 */
const NOT_AN_ENTRY = new Error('the line is no entry');

function parsedEntry(json: unknown): ParsedEntry {
  const { content: wrapped, ...fields } = fieldsOf(json, ENTRY_KEYS);
  const content = wrapped === undefined ? {} : fieldsOf(wrapped, CONTENT_KEYS);
  const { timestamp, job_id: jobId, outputs, sequence_number: sequence, ...others } = fields;
  return {
    timeNanos: instantOf(timestamp),
    jobId: textOf(jobId),
    outputs: refsOf(outputs),
    sequenceNumber: sequenceOf(sequence),
    ...onlyContent([...Object.entries(others), ...Object.entries(content)]),
  };
}

const CONTENT_KEYS = ['log', 'metric', 'event', 'job_event', 'manifest'] as const;
const ENTRY_KEYS = ['timestamp', 'job_id', 'outputs', 'sequence_number', 'content', ...CONTENT_KEYS] as const;

/** The content of the one key that is left. */
function onlyContent(left: readonly (readonly [string, unknown])[]): EntryContent {
  const [only, ...others] = left;
  if (only === undefined || others.length > 0) throw NOT_AN_ENTRY;
  const [key, value] = only;
  switch (key) {
    case 'log':
      return { log: logOf(value) };
    case 'metric':
      return { metric: metricOf(value) };
    case 'manifest':
      return { manifest: manifestOf(value) };
    default:
      return { event: eventOf(value) };
  }
}

function logOf(value: unknown): JobLogMessage {
  const { level, message, fields } = fieldsOf(value, ['level', 'message', 'fields']);
  return { level: levelOf(level), message: textOf(message), fields: textsOf(fields) };
}

function levelOf(value: unknown): JobLogLevel {
  if (value === undefined) return 'INFO';
  const level = typeof value === 'string' || typeof value === 'number' ? parseLevelWord(value) : undefined;
  if (level === undefined) throw NOT_AN_ENTRY;
  return level;
}

function metricOf(value: unknown): JobMetricPoint {
  const { name, value: point, labels, unit } = fieldsOf(value, ['name', 'value', 'labels', 'unit']);
  return { name: nameOf(name), value: doubleOf(point), labels: textsOf(labels), unit: textOf(unit) };
}

function eventOf(value: unknown): JobEvent {
  const { event_type: type, job_label: label, metadata } = fieldsOf(value, ['event_type', 'job_label', 'metadata']);
  return { event_type: nameOf(type), job_label: textOf(label), metadata: textsOf(metadata) };
}

function manifestOf(value: unknown): JobManifest {
  const { outputs, inputs, start_time, end_time, metadata } = fieldsOf(value, MANIFEST_KEYS);
  return {
    outputs: refsOf(outputs),
    inputs: refsOf(inputs),
    start_time: instantTextOf(start_time),
    end_time: instantTextOf(end_time),
    metadata: textsOf(metadata),
  };
}

const MANIFEST_KEYS = ['outputs', 'inputs', 'start_time', 'end_time', 'metadata'] as const;

/** The fields of a message under their names in the proto; what is null is left out, as protobuf's JSON has it. */
function fieldsOf<K extends string>(json: unknown, keys: readonly K[]): Readonly<Partial<Record<K, unknown>>> {
  if (!isJson(json)) throw NOT_AN_ENTRY;
  const known: ReadonlySet<string> = new Set(keys);
  const fields: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(json)) {
    const name = key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    if (!known.has(name) || Object.hasOwn(fields, name)) throw NOT_AN_ENTRY;
    if (value !== null) fields[name] = value;
  }
  return fields as Partial<Record<K, unknown>>;
}

function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function textOf(value: unknown): string {
  if (value === undefined) return '';
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw NOT_AN_ENTRY;
}

/** A metric or an event without a name says nothing. */
function nameOf(value: unknown): string {
  const name = textOf(value);
  if (name === '') throw NOT_AN_ENTRY;
  return name;
}

/** Values that are no texts are written as such: programs put numbers there all the time. */
function textsOf(value: unknown): Readonly<Record<string, string>> {
  if (value === undefined) return {};
  if (!isJson(value)) throw NOT_AN_ENTRY;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]): [string, string] => [
      key,
      typeof item === 'string' ? item : JSON.stringify(item),
    ]),
  );
}

/** `{"str": ...}`, `{"path": ...}` as the first programs wrote it, or the text alone. */
function refsOf(value: unknown): readonly OutputRef[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw NOT_AN_ENTRY;
  return value.map((item: unknown) => {
    if (typeof item === 'string') return { str: item };
    const { str, path } = fieldsOf(item, ['str', 'path']);
    if (str !== undefined && path !== undefined) throw NOT_AN_ENTRY;
    return { str: textOf(str ?? path) };
  });
}

function doubleOf(value: unknown): JsonDouble {
  if (value === undefined) return 0;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  if (value === 'NaN' || value === 'Infinity' || value === '-Infinity') return value;
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : Number.NaN;
  if (!Number.isFinite(number)) throw NOT_AN_ENTRY;
  return number;
}

function sequenceOf(value: unknown): number {
  const number = value === undefined ? 0 : Number(textOf(value));
  if (!Number.isSafeInteger(number) || number < 0) throw NOT_AN_ENTRY;
  return number;
}

/** RFC 3339, or Unix time as a number or digits. */
function instantOf(value: unknown): bigint | undefined {
  if (value === undefined || value === '') return undefined;
  const nanos =
    typeof value === 'number' ? unixNanos(value) : (parseNanosText(textOf(value)) ?? unixNanos(textOf(value)));
  if (nanos === undefined) throw NOT_AN_ENTRY;
  return nanos;
}

/** Seconds, or what clocks of other languages count: by its size nobody can take one for another before the year 5138. */
function unixNanos(value: number | string): bigint | undefined {
  const digits = /^\d{12,19}$/.exec(String(value))?.[0];
  if (digits === undefined) return secondsNanos(value);
  const factor = digits.length < 15 ? 1_000_000n : digits.length < 18 ? 1000n : 1n;
  const nanos = BigInt(digits) * factor;
  return nanos <= LAST_INSTANT ? nanos : undefined;
}

function instantTextOf(value: unknown): string {
  const nanos = instantOf(value);
  return nanos === undefined ? '' : nanosText(nanos);
}
