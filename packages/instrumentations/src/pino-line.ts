import { hostname } from 'node:os';
import type { AnyValueMap, LogRecord } from '@opentelemetry/api-logs';
import { ATTR } from '@taskspan/core';
import { severityOfPinoLevel } from './severity.ts';

/** One call of pino's `asJson`: the line that it made, and from what. */
export interface PinoLine {
  /** The logger, or one of its children. */
  readonly instance: object;
  /** Level number. */
  readonly level: number;
  /** The piece of the line that holds the time, as the logger's `timestamp` option made it; perhaps empty. */
  readonly time: unknown;
  /** The finished line: mapped, formatted, serialised and redacted as the app wants it. */
  readonly json: string;
}

/** Fields of the official log correlation: every record has its trace context already. */
const CORRELATION = new Set(['trace_id', 'span_id', 'trace_flags']);

const host = hostname();

/**
 * The record of a pino line, taken from the finished JSON: what the app's pino redacts never reaches our log. A line
 * that is not JSON becomes the body as it is.
 */
export function pinoRecord(line: PinoLine): LogRecord {
  const { instance, level, json } = line;
  const label = (instance as { levels?: { labels?: Record<number, string> } }).levels?.labels?.[level];
  const severityNumber = severityOfPinoLevel(label, level);
  const severityText = label ?? String(level);
  const fields = parseLine(json);
  if (fields === undefined) return { severityNumber, severityText, body: json.trimEnd() };
  const { messageKey, errorKey } = keysOf(instance);
  const attributes = attributesOf(fields, line, messageKey);
  withException(attributes, errorKey);
  return { severityNumber, severityText, body: fields[messageKey], attributes };
}

function parseLine(json: string): AnyValueMap | undefined {
  try {
    const fields: unknown = JSON.parse(json);
    return typeof fields === 'object' && fields !== null && !Array.isArray(fields)
      ? (fields as AnyValueMap)
      : undefined;
  } catch {
    // A `formatters` or `timestamp` option of the app may make lines that are not JSON.
    return undefined;
  }
}

/** All but message, level and time, which the record has by itself, and process and host, which its resource has. */
function attributesOf(fields: AnyValueMap, line: PinoLine, messageKey: string): AnyValueMap {
  const levelKey = firstKey(line.json, 1);
  const timeKey = typeof line.time === 'string' ? firstKey(line.time, 1) : undefined;
  const attributes: AnyValueMap = {};
  for (const key in fields) {
    if (key === messageKey || key === levelKey || key === timeKey || CORRELATION.has(key)) continue;
    const value = fields[key];
    if ((key === 'pid' && value === process.pid) || (key === 'hostname' && value === host)) continue;
    attributes[key] = value;
  }
  return attributes;
}

/** The JSON key that begins at a position of a text, without its quotes. */
function firstKey(text: string, at: number): string | undefined {
  const end = text.indexOf('"', at + 1);
  return text[at] === '"' && text[end + 1] === ':' ? text.slice(at + 1, end) : undefined;
}

/** An error under pino's error key becomes the exception; what else its serializer kept stays under that key. */
function withException(attributes: AnyValueMap, errorKey: string): void {
  const error = attributes[errorKey];
  if (typeof error !== 'object' || error === null || Array.isArray(error)) return;
  const { type, message, stack, ...rest } = error as AnyValueMap;
  if (typeof stack !== 'string') return;
  if (Object.keys(rest).length === 0) delete attributes[errorKey];
  else attributes[errorKey] = rest;
  attributes[ATTR.EXCEPTION_STACKTRACE] = stack;
  if (typeof type === 'string') attributes[ATTR.EXCEPTION_TYPE] = type;
  if (typeof message === 'string') attributes[ATTR.EXCEPTION_MESSAGE] = message;
}

interface LineKeys {
  readonly messageKey: string;
  readonly errorKey: string;
}

/** The private symbols under which each copy of pino keeps its two keys; known by their descriptions only. */
const keySymbols: Array<{ readonly messageKey: symbol; readonly errorKey: symbol | undefined }> = [];

function keysOf(instance: object): LineKeys {
  const known = keySymbols.find(({ messageKey }) => messageKey in instance) ?? findKeySymbols(instance);
  return {
    messageKey: readKey(instance, known?.messageKey) ?? 'msg',
    errorKey: readKey(instance, known?.errorKey) ?? 'err',
  };
}

function readKey(instance: object, symbol: symbol | undefined): string | undefined {
  const key = symbol === undefined ? undefined : (instance as Record<symbol, unknown>)[symbol];
  return typeof key === 'string' ? key : undefined;
}

function findKeySymbols(instance: object): (typeof keySymbols)[number] | undefined {
  for (let at: object | null = instance; at !== null; at = Object.getPrototypeOf(at) as object | null) {
    const symbols = Object.getOwnPropertySymbols(at);
    const messageKey = symbols.find((symbol) => symbol.description === 'pino.messageKey');
    if (messageKey === undefined) continue;
    const found = { messageKey, errorKey: symbols.find((symbol) => symbol.description === 'pino.errorKey') };
    keySymbols.push(found);
    return found;
  }
  return undefined;
}
