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
const CORRELATION = ['trace_id', 'span_id', 'trace_flags'];

const host = hostname();

/**
 * The record of a pino line, taken from the finished JSON: what the app's pino redacts never reaches our log. A line
 * that is not JSON becomes the body as it is.
 */
export function pinoRecord(line: PinoLine): LogRecord {
  const { instance, level, json } = line;
  const label = (instance as { levels?: { labels?: Record<number, string> } }).levels?.labels?.[level];
  const severity = { severityNumber: severityOfPinoLevel(label, level), severityText: label ?? String(level) };
  const fields = parseLine(json);
  if (fields === undefined) return { ...severity, body: json.trimEnd() };
  dropKnown(fields, line);
  const { messageKey, errorKey } = keysOf(instance);
  const body = fields[messageKey];
  delete fields[messageKey];
  return { ...severity, ...(body === undefined ? {} : { body }), attributes: withException(fields, errorKey) };
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

/** Level and time, which the record has already, and process and host, which its resource has. */
function dropKnown(fields: AnyValueMap, line: PinoLine): void {
  const levelKey = /^\{"([^"]+)":/.exec(line.json)?.[1];
  if (levelKey !== undefined) delete fields[levelKey];
  const timeKey = typeof line.time === 'string' ? /^,"([^"]+)":/.exec(line.time)?.[1] : undefined;
  if (timeKey !== undefined) delete fields[timeKey];
  if (fields['pid'] === process.pid) delete fields['pid'];
  if (fields['hostname'] === host) delete fields['hostname'];
  for (const key of CORRELATION) delete fields[key];
}

/** An error under pino's error key becomes the exception; what else its serializer kept stays under that key. */
function withException(fields: AnyValueMap, errorKey: string): AnyValueMap {
  const error = fields[errorKey];
  if (typeof error !== 'object' || error === null || Array.isArray(error)) return fields;
  const { type, message, stack, ...rest } = error as AnyValueMap;
  if (typeof stack !== 'string') return fields;
  fields[ATTR.EXCEPTION_STACKTRACE] = stack;
  if (typeof type === 'string') fields[ATTR.EXCEPTION_TYPE] = type;
  if (typeof message === 'string') fields[ATTR.EXCEPTION_MESSAGE] = message;
  if (Object.keys(rest).length === 0) delete fields[errorKey];
  else fields[errorKey] = rest;
  return fields;
}

interface LineKeys {
  readonly messageKey: string;
  readonly errorKey: string;
}

/** The private symbols under which each copy of pino keeps its two keys; known by their descriptions only. */
const keySymbols: Array<{ readonly messageKey: symbol; readonly errorKey: symbol | undefined }> = [];

function keysOf(instance: object): LineKeys {
  const known = keySymbols.find(({ messageKey }) => messageKey in instance) ?? findKeySymbols(instance);
  const read = (symbol: symbol | undefined, otherwise: string): string => {
    const key = symbol === undefined ? undefined : (instance as Record<symbol, unknown>)[symbol];
    return typeof key === 'string' ? key : otherwise;
  };
  return { messageKey: read(known?.messageKey, 'msg'), errorKey: read(known?.errorKey, 'err') };
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
