import { types } from 'node:util';
import { LIMITS } from './limits.ts';

/** What a thrown value tells at once, read once and safely: getters of foreign errors may throw. */
export interface ErrorFacts {
  readonly type: string;
  readonly message: string;
  /** Whether there is a stack to be read: see {@link errorStack}. */
  readonly hasStack: boolean;
}

const TYPE_CHARS = 256;

function isError(value: unknown): value is Error {
  try {
    return value instanceof Error || types.isNativeError(value);
  } catch {
    // A proxy may refuse even this question; then it is no error that could be read.
    return false;
  }
}

/** Reads a property of any value; undefined when that throws. */
export function readSafely(value: unknown, key: PropertyKey): unknown {
  if (value === null || (typeof value !== 'object' && typeof value !== 'function')) return undefined;
  try {
    return (value as Record<PropertyKey, unknown>)[key];
  } catch {
    return undefined;
  }
}

function readText(value: unknown, key: PropertyKey): string | undefined {
  const text = readSafely(value, key);
  return typeof text === 'string' && text !== '' ? text : undefined;
}

/**
 * `error.type` of a thrown value, never its message (OTel semantic conventions, attribute `error.type`): the `name`
 * unless it is `Error`; else the `code` if that is a string; else the constructor's name; for anything but errors the
 * `typeof`, `null` for null.
 */
export function errorType(error: unknown): string {
  if (!isError(error)) return error === null ? 'null' : typeof error;
  const name = readText(error, 'name');
  if (name !== undefined && name !== 'Error') return name.slice(0, TYPE_CHARS);
  const code = readText(error, 'code');
  if (code !== undefined) return code.slice(0, TYPE_CHARS);
  return (readText(readSafely(error, 'constructor'), 'name') ?? 'Error').slice(0, TYPE_CHARS);
}

/** Message of a thrown value; a text that says so when it cannot be read. */
export function errorMessage(error: unknown): string {
  if (isError(error)) {
    const message = readSafely(error, 'message');
    return typeof message === 'string' ? message : '(unreadable message)';
  }
  if (typeof error === 'string') return error;
  try {
    if (typeof error === 'object' && error !== null) {
      const message = readText(error, 'message');
      return message ?? JSON.stringify(error) ?? Object.prototype.toString.call(error);
    }
    return String(error);
  } catch {
    return '(unreadable value)';
  }
}

/** Stack of an error, followed by those of its `cause` chain and of an AggregateError's errors, each once. */
export function errorStack(error: unknown): string | undefined {
  if (!isError(error)) return undefined;
  const seen = new Set<unknown>();
  const parts: string[] = [];
  collectStacks(error, '', { seen, parts });
  return parts.join('\n');
}

function collectStacks(error: unknown, prefix: string, into: { seen: Set<unknown>; parts: string[] }): void {
  if (into.seen.has(error) || into.parts.length >= LIMITS.errorDepth) return;
  into.seen.add(error);
  const own = readText(error, 'stack') ?? `${errorType(error)}: ${errorMessage(error)}`;
  into.parts.push(prefix + own);
  const aggregated = readSafely(error, 'errors');
  if (isArray(aggregated)) {
    // Never more than can be kept; one by one, because reading one may throw.
    for (let index = 0; index < LIMITS.errorDepth && index < lengthOf(aggregated); index += 1) {
      collectStacks(readSafely(aggregated, index), 'Aggregated: ', into);
    }
  }
  const cause = readSafely(error, 'cause');
  if (cause !== undefined && cause !== null) collectStacks(cause, 'Caused by: ', into);
}

function lengthOf(list: readonly unknown[]): number {
  const length = readSafely(list, 'length');
  return typeof length === 'number' ? length : 0;
}

/** `Array.isArray` throws for a revoked proxy. */
export function isArray(value: unknown): value is unknown[] {
  try {
    return Array.isArray(value);
  } catch {
    return false;
  }
}

export function errorFacts(error: unknown): ErrorFacts {
  return { type: errorType(error), message: errorMessage(error), hasStack: isError(error) };
}
