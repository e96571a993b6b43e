/**
 * The Collector's dialect of OTLP-JSON, as text: 64-bit integers and non-finite doubles as strings, enums as numbers,
 * ids as hex, zero fields left out, lone surrogates replaced. Built by joining strings: a run's record is formatted in
 * well under a microsecond, which JSON.stringify of an equal object tree is not.
 * Source: opentelemetry-proto, "JSON Protobuf Encoding", and the output of the Collector's file exporter (pdata 1.61).
 */
import { DOUBLE_ATTRIBUTES } from '../names.ts';

/** Values nested deeper become the empty value: a cycle must end somewhere, and nobody reads them. */
export const DEEPEST = 32;
/**
 * Nested values of one attribute; an object that contains itself twice has no end in practice. So many take more than
 * a record may have, so that leaving out further ones loses nothing that would have been kept.
 */
const MOST_NODES = 400_000;
/** Keys remembered in their formatted form; beyond it the memory is emptied and filled again. */
const KEYS_REMEMBERED = 2048;
/** Shorter texts are looked through char by char, which beats a regular expression there. */
const SHORT_TEXT = 64;
const NEEDS_ESCAPE = /[^\x20-\x7e]|["\\]/;
const NOT_ASCII = /[\u0080-\uffff]/;
const INT64_MAX = 2n ** 63n - 1n;
const INT64_MIN = -(2n ** 63n);

/**
 * False once anything beyond ASCII was formatted; whoever formats sets it to true before. Pure ASCII is copied into
 * bytes several times as fast.
 */
export const formatted: { isAscii: boolean } = { isAscii: true };

/** Formats something by itself, whatever is being formatted around it, and tells whether it is pure ASCII. */
export function formatApart<T>(format: () => T): { readonly value: T; readonly isAscii: boolean } {
  const wasAscii = formatted.isAscii;
  formatted.isAscii = true;
  try {
    const value = format();
    return { value, isAscii: formatted.isAscii };
  } finally {
    formatted.isAscii = wasAscii;
  }
}

/** A JSON string of valid Unicode, quotes included. */
export function textJson(text: string): string {
  // What is declared as text may be anything in an application without types.
  if (typeof text !== 'string') return textJson(String(text));
  return isPlain(text) ? `"${text}"` : escaped(text);
}

/** True for printable ASCII without quotes and backslashes: it stands in JSON as it is. */
function isPlain(text: string): boolean {
  const { length } = text;
  if (length > SHORT_TEXT) return !NEEDS_ESCAPE.test(text);
  for (let at = 0; at < length; at += 1) {
    const unit = text.charCodeAt(at);
    if (unit < 0x20 || unit > 0x7e || unit === 0x22 || unit === 0x5c) return false;
  }
  return true;
}

function escaped(text: string): string {
  // In every Node that is supported; the type library of ES2023 does not know it yet.
  const json = JSON.stringify((text as string & { toWellFormed(): string }).toWellFormed());
  if (formatted.isAscii && NOT_ASCII.test(json)) formatted.isAscii = false;
  return json;
}

/** What stands before the value of an attribute. */
interface KeyHead {
  /** `{"key":"…","value":` */
  readonly any: string;
  /** The same with `{"stringValue":"`: fewer joints make shorter work. */
  readonly text: string;
  /** The short text last seen under the key, and its whole `KeyValue`: a run's ids come in rows. */
  lastValue: string | undefined;
  lastJson: string;
}

const keyHeads = new Map<string, KeyHead>();
const LONGEST_KEY = 256;

function keyHead(key: string): KeyHead {
  const known = keyHeads.get(key);
  if (known !== undefined) return known;
  const any = key === '' ? '{"value":' : `{"key":${textJson(key)},"value":`;
  const head = { any, text: `${any}{"stringValue":"`, lastValue: undefined, lastJson: '' };
  // Formatting one that is not ASCII must be seen each time; a long one would be kept for nothing.
  if (key.length > LONGEST_KEY || NOT_ASCII.test(key)) return head;
  if (keyHeads.size >= KEYS_REMEMBERED) keyHeads.clear();
  keyHeads.set(key, head);
  return head;
}

/** One `KeyValue`. */
export function attributeJson(key: string, value: unknown): string {
  const head = keyHead(key);
  if (typeof value === 'string') {
    if (value === head.lastValue) return head.lastJson;
    if (!isPlain(value)) return `${head.any}{"stringValue":${escaped(value)}}}`;
    const json = `${head.text}${value}"}}`;
    if (value.length > SHORT_TEXT) return json;
    head.lastValue = value;
    head.lastJson = json;
    return json;
  }
  if (typeof value === 'number' && DOUBLE_ATTRIBUTES.has(key))
    return `${head.any}{"doubleValue":${doubleJson(value)}}}`;
  return `${head.any}${valueJson(value, 0)}}`;
}

/** The `KeyValue`s of a map, joined by commas, without brackets; empty for an empty map. */
export function attributesJson(attributes: Readonly<Record<string, unknown>>): string {
  let json = '';
  for (const key of Object.keys(attributes)) {
    json = json === '' ? attributeJson(key, attributes[key]) : `${json},${attributeJson(key, attributes[key])}`;
  }
  return json;
}

/** Any value as an `AnyValue`. What OTLP cannot say, and what is nested too deep, is the empty value. */
export function valueJson(value: unknown, depth = 0): string {
  switch (typeof value) {
    case 'string':
      return `{"stringValue":${textJson(value)}}`;
    case 'number':
      // Beyond 2^53 an integer is a double by nature; -0 is no integer.
      return Number.isSafeInteger(value) && !Object.is(value, -0)
        ? `{"intValue":"${value}"}`
        : `{"doubleValue":${doubleJson(value)}}`;
    case 'boolean':
      return value ? '{"boolValue":true}' : '{"boolValue":false}';
    case 'bigint':
      return value > INT64_MAX || value < INT64_MIN ? `{"stringValue":"${value}"}` : `{"intValue":"${value}"}`;
    case 'object':
      return value === null || depth >= DEEPEST ? '{}' : objectJson(value, depth);
    default:
      return '{}';
  }
}

let nodesLeft = MOST_NODES;

function objectJson(value: object, depth: number): string {
  if (depth === 0) nodesLeft = MOST_NODES;
  if (value instanceof Uint8Array) {
    const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    return `{"bytesValue":"${bytes.toString('base64')}"}`;
  }
  let values = '';
  if (Array.isArray(value)) {
    for (const item of value) {
      if (--nodesLeft < 0) break;
      const one = valueJson(item, depth + 1);
      values = values === '' ? one : `${values},${one}`;
    }
    return values === '' ? '{"arrayValue":{}}' : `{"arrayValue":{"values":[${values}]}}`;
  }
  for (const [key, item] of Object.entries(value)) {
    if (--nodesLeft < 0) break;
    const one = `${keyHead(key).any}${valueJson(item, depth + 1)}}`;
    values = values === '' ? one : `${values},${one}`;
  }
  return values === '' ? '{"kvlistValue":{}}' : `{"kvlistValue":{"values":[${values}]}}`;
}

/** A double: finite ones as numbers, the others by the names that protobuf gives them. */
export function doubleJson(value: number): string {
  if (value - value === 0) return Object.is(value, -0) ? '-0' : `${value}`;
  return `"${value}"`;
}

/** A count after a comma; zero is left out, and whatever is no count. */
export function countJson(name: string, count: number | undefined): string {
  return count !== undefined && Number.isSafeInteger(count) && count > 0 ? `,"${name}":${count}` : '';
}
