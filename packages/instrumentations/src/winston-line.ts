import { createRequire } from 'node:module';
import { stripVTControlCharacters } from 'node:util';
import type { AnyValueMap, LogRecord } from '@opentelemetry/api-logs';
import { exceptionAttributes, isErrorLike } from './exception-attributes.ts';
import { plainValue } from './plain-value.ts';
import { severityOfWinstonLevel } from './severity.ts';
import type { WinstonLine } from './winston-logger.ts';

type Info = Readonly<Record<PropertyKey, unknown>>;

const LEVEL = Symbol.for('level');
const SPLAT = Symbol.for('splat');

/** Field that the transport turns into the event name of its record. */
const EVENT_NAME = 'otel.event.name';

/** The official transport as a pure translator: what it would emit for a line. Loaded with the first captured line. */
let translator: ((info: Info) => LogRecord) | undefined;

/** Level of a line as winston sees it: the symbol, which no format colours, else the field. */
export function winstonLevel(info: object): string {
  const level = (info as Info)[LEVEL] ?? (info as Info)['level'];
  return typeof level === 'string' ? level : '';
}

/** The first error among the positional arguments of a line that is not formatted yet. */
export function positionalError(info: object): unknown {
  const splat = (info as Info)[SPLAT];
  return Array.isArray(splat) ? splat.find(isErrorLike) : undefined;
}

/**
 * The record of a formatted winston line: level, message and attributes as `@opentelemetry/winston-transport` has them,
 * with severities for the app's own levels too, without colours, and with an exception only where there was an error.
 *
 * @throws what a getter of the line throws
 */
export function winstonRecord(line: WinstonLine, formatted: object): LogRecord {
  const info = formatted as Info;
  translator ??= loadTranslator();
  const record = translator(info);
  return {
    severityNumber: record.severityNumber ?? severityOfWinstonLevel(line.level, line.logger.levels ?? {}),
    severityText: record.severityText ?? line.level,
    body: bodyOf(record.body),
    attributes: attributesOf(info, record, exceptionOf(info, line.error)),
    timestamp: line.timeMs,
    context: line.context,
  };
}

function loadTranslator(): (info: Info) => LogRecord {
  const require = createRequire(import.meta.url);
  const { OpenTelemetryTransportV3 } =
    require('@opentelemetry/winston-transport') as typeof import('@opentelemetry/winston-transport');
  const transport = new OpenTelemetryTransportV3();
  let record: LogRecord | undefined;
  let problem: unknown;
  transport.on('warn', (error: unknown) => {
    problem = error;
  });
  // The transport emits through the logger of its own scope; ours takes the record instead.
  Object.assign(transport, {
    _logger: {
      emit(emitted: LogRecord) {
        record = emitted;
      },
    },
  });
  return (info) => {
    record = undefined;
    problem = undefined;
    transport.log(info, () => {});
    if (record === undefined) throw problem ?? new Error('@opentelemetry/winston-transport emitted nothing');
    return record;
  };
}

/** The error of a line, if any. The transport takes any text or named object among the arguments for one. */
function exceptionOf(info: Info, positional: unknown): unknown {
  for (const key of ['err', 'error']) {
    const value = info[key];
    if (isErrorLike(value)) return value;
  }
  if (positional !== undefined) return positional;
  if (info instanceof Error) return info;
  const { stack, message, code } = info;
  if (typeof stack !== 'string') return undefined;
  // What format.errors({ stack: true }) leaves of an error. A stack begins with the name.
  const name = /^([\w$.]+)(?=:|\n|$)/.exec(stack)?.[1];
  return { name, message: typeof message === 'string' ? stripVTControlCharacters(message) : message, stack, code };
}

function bodyOf(body: LogRecord['body']): LogRecord['body'] {
  if (typeof body === 'string') return stripVTControlCharacters(body);
  if (isErrorLike(body)) return String((body as unknown as Info)['message']);
  return plainValue(body);
}

function attributesOf(info: Info, record: LogRecord, exception: unknown): AnyValueMap {
  const attributes: AnyValueMap = {};
  const translated = record.attributes ?? {};
  for (const key in translated) {
    const value = plainValue(translated[key]);
    if (value !== undefined) attributes[key] = value;
  }
  // Event names are for records of the toolkit: a line of the app must not pass for the end of its run.
  if (record.eventName !== undefined) attributes[EVENT_NAME] = record.eventName;
  for (const key of ['err', 'error']) {
    // The transport leaves these out when they look like an exception to it.
    if (key in info && info[key] !== exception && !(key in attributes)) attributes[key] = plainValue(info[key]);
  }
  if (exception === undefined) return attributes;
  if (attributes['stack'] === (exception as Info)['stack']) delete attributes['stack'];
  return Object.assign(attributes, exceptionAttributes(exception));
}
