import type { AnyValue } from '@opentelemetry/api-logs';
import { attributeKey, toldField } from '../entry/field-key.ts';
import type { JobLogLevel } from '../entry/job-log-entry.ts';
import { parseLevelWord } from '../entry/level.ts';

/** A line that a logger printed as JSON. */
export interface LoggerLine {
  readonly level: JobLogLevel;
  readonly message: string;
  /** All that the line says beside these two, by the attributes that carry it. */
  readonly attributes: Readonly<Record<string, AnyValue>>;
}

/**
 * Where loggers put their level: pino, bunyan, winston, structlog, zap and slog `level`, Python's json loggers `levelname`
 * or `level`, Google Cloud `severity`, the Elastic Common Schema `log.level`, Serilog `@l`.
 */
const LEVEL_KEYS = ['level', 'levelname', 'severity', 'log.level', '@l'] as const;
/** Where they put the message; structlog's is `event`. */
const MESSAGE_KEYS = ['msg', 'message', 'event', '@m', '@mt'] as const;

/** Words that only single loggers have: npm levels, syslog, Go, .NET, java.util.logging. */
const WORDS: Readonly<Record<string, JobLogLevel>> = {
  silly: 'DEBUG',
  finest: 'DEBUG',
  finer: 'DEBUG',
  fine: 'DEBUG',
  http: 'INFO',
  information: 'INFO',
  informational: 'INFO',
  config: 'INFO',
  success: 'INFO',
  err: 'ERROR',
  alert: 'ERROR',
  crit: 'ERROR',
  emerg: 'ERROR',
  emergency: 'ERROR',
  severe: 'ERROR',
  panic: 'ERROR',
  dpanic: 'ERROR',
};

/** What is looked at of a line's end before it is parsed. */
const TAIL_CHARS = 16;

/**
 * Reads what a logger printed.
 *
 * @returns undefined for a line that is not the JSON of an object with a level and a message as loggers have them
 */
export function readLoggerLine(line: string): LoggerLine | undefined {
  const value = parseObject(line);
  if (value === undefined) return undefined;
  const levelKey = LEVEL_KEYS.find((key) => levelOf(value[key]) !== undefined);
  const messageKey = MESSAGE_KEYS.find((key) => typeof value[key] === 'string');
  if (levelKey === undefined || messageKey === undefined) return undefined;
  const level = levelOf(value[levelKey]);
  const message = value[messageKey];
  if (level === undefined || typeof message !== 'string') return undefined;
  const attributes: Record<string, AnyValue> = {};
  for (const key of Object.keys(value)) {
    if (key === levelKey || key === messageKey) continue;
    const name = attributeKey('log', toldField(key));
    const field = value[key] as AnyValue;
    // Assigning to that name would change the object's prototype.
    if (name === '__proto__') Object.defineProperty(attributes, name, { value: field, enumerable: true });
    else attributes[name] = field;
  }
  return { level, message, attributes };
}

function parseObject(line: string): Readonly<Record<string, unknown>> | undefined {
  if (!/\}\s*$/.test(line.slice(-TAIL_CHARS))) return undefined;
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function levelOf(value: unknown): JobLogLevel | undefined {
  if (typeof value === 'number') return levelOfNumber(value);
  if (typeof value !== 'string' || value === '') return undefined;
  const word = value.toLowerCase();
  if (Object.hasOwn(WORDS, word)) return WORDS[word];
  // The numbers of a request's level are none of a logger's.
  return /^\d/.test(word) ? undefined : parseLevelWord(word);
}

/** pino's and bunyan's numbers: 10 trace, 20 debug, 30 info, 40 warn, 50 error, 60 fatal; others lie between them. */
function levelOfNumber(level: number): JobLogLevel | undefined {
  if (!(level >= 1 && level <= 100)) return undefined;
  if (level < 30) return 'DEBUG';
  if (level < 40) return 'INFO';
  return level < 50 ? 'WARN' : 'ERROR';
}
