import { types } from 'node:util';
import { SpanKind } from '@opentelemetry/api';
import type { AnyValue } from '@opentelemetry/api-logs';
import { cutText } from './cut-text.ts';
import { isArray, readSafely } from './error-facts.ts';
import { describeValue, reportOnce, safely } from './internal/report.ts';
import { LIMITS } from './limits.ts';
import { ATTR, SUBMISSION_FIELDS } from './names.ts';
import type { TaskOptions, TaskRecord } from './task.ts';

export const UNKNOWN_OPERATION = 'unknown';

/** A label of every metric: never empty, always a string, bounded in length. */
export function normaliseOperation(value: unknown): string {
  if (typeof value === 'string' && value !== '') {
    if (value.length <= LIMITS.operationChars) return value;
    reportOnce('operation.length', `operation of ${value.length} characters is cut to ${LIMITS.operationChars}`);
    return cutText(value, LIMITS.operationChars).text;
  }
  reportOnce('operation', `operation must be a non-empty string, got ${describeValue(value)}; it counts as unknown`);
  return UNKNOWN_OPERATION;
}

/** Epoch milliseconds of a Date or a number; undefined for none and for 0, and (reported) for anything else. */
export function normaliseInstant(field: string, value: unknown): number | undefined {
  if (value === undefined || value === null) return undefined;
  const ms = types.isDate(value) ? Date.prototype.getTime.call(value) : value;
  if (typeof ms === 'number' && Number.isFinite(ms)) return ms === 0 ? undefined : ms;
  reportOnce(field, `${field} must be a Date or epoch milliseconds, got ${describeValue(value)}; it is ignored`);
  return undefined;
}

/** A whole number from 1; undefined (reported) for anything else. */
export function normaliseCount(field: string, value: unknown): number | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 1) return value;
  reportOnce(field, `${field} must be a whole number from 1, got ${describeValue(value)}; it is ignored`);
  return undefined;
}

export function normaliseKind(value: unknown): SpanKind.INTERNAL | SpanKind.CONSUMER {
  if (value === undefined || value === null || value === SpanKind.INTERNAL) return SpanKind.INTERNAL;
  if (value === SpanKind.CONSUMER) return SpanKind.CONSUMER;
  reportOnce(
    'kind',
    `kind must be SpanKind.INTERNAL or SpanKind.CONSUMER, got ${describeValue(value)}; INTERNAL is used`,
  );
  return SpanKind.INTERNAL;
}

/** Text of a field that must be a string; undefined (reported) for anything else. */
export function normaliseText(field: string, value: unknown): string | undefined {
  if (value === undefined || value === null || typeof value === 'string') return value ?? undefined;
  reportOnce(field, `${field} must be a string, got ${describeValue(value)}; it is ignored`);
  return undefined;
}

export function normaliseOutputs(value: unknown): string[] | undefined {
  if (value === undefined || value === null) return undefined;
  if (!isArray(value)) {
    reportOnce('outputs', `outputs must be an array of strings, got ${describeValue(value)}; it is ignored`);
    return undefined;
  }
  return safely('reading outputs', () =>
    Array.from(value, (one) => normaliseText('outputs[]', one)).filter((one) => one !== undefined),
  );
}

export function normaliseSignal(value: unknown): AbortSignal | undefined {
  if (value === undefined || value === null) return undefined;
  // Also signals of older polyfills, which are no instances of the global class.
  const aborted = readSafely(value, 'aborted');
  const listen = readSafely(value, 'addEventListener');
  if (typeof aborted === 'boolean' && typeof listen === 'function') return value as AbortSignal;
  reportOnce('signal', `signal must be an AbortSignal, got ${describeValue(value)}; it is ignored`);
  return undefined;
}

/** One of a fixed list of words, or undefined (reported). */
export function normaliseChoice<T extends string>(field: string, value: unknown, choices: readonly T[]): T | undefined {
  if (value === undefined || value === null) return undefined;
  const found = choices.find((choice) => choice === value);
  if (found === undefined) {
    reportOnce(field, `${field} must be one of ${choices.join(', ')}, got ${describeValue(value)}; it is ignored`);
  }
  return found;
}

/** A function, or undefined (reported). */
export function normaliseFunction<T>(field: string, value: T): T | undefined {
  if (value === undefined || value === null || typeof value === 'function') return value ?? undefined;
  reportOnce(field, `${field} must be a function, got ${describeValue(value)}; it is ignored`);
  return undefined;
}

/** True for keys that belong to the toolkit: callers cannot set them. */
function isReserved(key: string): boolean {
  return key === ATTR.OPERATION || key.startsWith('task.') || key === '__proto__';
}

/**
 * The caller's attributes in the shape that spans and records take: strings, numbers, booleans and arrays of them.
 * Everything else becomes text; reserved keys and unreadable values are reported and left out.
 */
export function normaliseAttributes(field: string, value: unknown): Record<string, AnyValue> | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'object' || isArray(value)) {
    reportOnce(field, `${field} must be an object, got ${describeValue(value)}; it is ignored`);
    return undefined;
  }
  const normalised: Record<string, AnyValue> = {};
  safely(`reading ${field}`, () => {
    for (const key of Object.keys(value)) {
      const one = normaliseAttribute(field, key, () => (value as Record<string, unknown>)[key]);
      if (one !== undefined) normalised[key] = one;
    }
  });
  return normalised;
}

/** One attribute value; undefined when it has none that can be kept. */
export function normaliseAttribute(field: string, key: string, read: () => unknown): AnyValue {
  if (isReserved(key) || key === '') {
    reportOnce(`${field}.${key.slice(0, 80)}`, `${field}.${describeValue(key)} belongs to the toolkit; it is ignored`);
    return undefined;
  }
  try {
    const value = read();
    // Most are text or numbers, and need no path to be named by.
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
    return attributeValue(value, `${field}.${key}`);
  } catch {
    reportOnce(`${field}.unreadable`, `${field}.${describeValue(key)} cannot be read; it is ignored`);
    return undefined;
  }
}

function attributeValue(value: unknown, path: string): AnyValue {
  switch (typeof value) {
    case 'bigint':
      return value.toString();
    case 'undefined':
      return undefined;
    case 'object':
      if (value === null) return undefined;
      if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString();
      if (isHomogeneous(value)) return [...value];
      return JSON.stringify(value) ?? describeValue(value);
    default:
      reportOnce(path.slice(0, 120), `${path.slice(0, 120)} is a ${typeof value}; it is ignored`);
      return undefined;
  }
}

/** Span attributes take arrays of one primitive type only. */
function isHomogeneous(value: object): value is (string | number | boolean)[] {
  if (!Array.isArray(value)) return false;
  const type = typeof value[0];
  if (value.length > 0 && type !== 'string' && type !== 'number' && type !== 'boolean') return false;
  // `every` would skip holes.
  return !value.includes(undefined) && value.every((one) => typeof one === type);
}

/** The attributes given at submission that every record of the run repeats, with those of the surrounding run below them. */
export function submissionFields(
  attributes: Readonly<Record<string, AnyValue>> | undefined,
  outer: Readonly<Record<string, AnyValue>> | undefined,
): Readonly<Record<string, AnyValue>> | undefined {
  if (attributes === undefined) return outer;
  let fields: Record<string, AnyValue> | undefined;
  for (const key of SUBMISSION_FIELDS) {
    const value = attributes[key];
    if (value === undefined) continue;
    fields ??= { ...outer };
    fields[key] = value;
  }
  return fields ?? outer;
}

const OPTION_KEYS: readonly (keyof TaskOptions)[] = [
  'id',
  'attributes',
  'kind',
  'attempt',
  'maxAttempts',
  'deadline',
  'signal',
  'enqueuedAt',
  'scheduledAt',
  'outputs',
  'label',
  'logger',
  'carrier',
  'relation',
  'acceptableErrors',
  'outcome',
];

/** Options some of which throw when read: a plain object with those that do not. */
export function readableOptions(options: unknown): TaskOptions {
  return Object.fromEntries(OPTION_KEYS.map((key) => [key, readSafely(options, key)]));
}

/** A caller's task record; undefined for null, and (reported) for what is not an object. */
export function normaliseTaskRecord(field: string, value: unknown): TaskRecord | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'object') return value as TaskRecord;
  reportOnce(field, `${field} must be an object, got ${describeValue(value)}; it is ignored`);
  return undefined;
}
