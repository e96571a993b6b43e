import { types } from 'node:util';
import { diag } from '@opentelemetry/api';
import { state } from './state.ts';

/** Distinct problems remembered; beyond it, new ones are still reported once, at the price of repeating an old one. */
const REPORTS_REMEMBERED = 1000;

/**
 * Warns once per process about a problem that the caller can mend. Never throws.
 *
 * @param key what makes two reports the same
 * @param message what is wrong, with the name of the field and its value
 */
export function reportOnce(key: string, message: string): void {
  if (state.reported.has(key)) return;
  if (state.reported.size >= REPORTS_REMEMBERED) state.reported.clear();
  state.reported.add(key);
  warn(message);
}

/** Forgets what was reported, so that the next report is heard again: the end of an episode, or of a test. */
export function clearReports(key?: string): void {
  if (key === undefined) state.reported.clear();
  else state.reported.delete(key);
}

/** Failures in a row per guarded action; empty while all is well, which keeps the good path at one look-up. */
const failing = new Map<string, number>();

/**
 * Runs `fn` so that nothing it throws reaches the host. The first failure of an episode is reported, with the number
 * of further ones once it works again.
 *
 * @param what names the action in the report
 * @returns what `fn` returned, or undefined when it threw
 */
export function safely<T>(what: string, fn: () => T): T | undefined {
  try {
    const result = fn();
    if (failing.size > 0) recovered(what);
    return result;
  } catch (error) {
    const failures = failing.get(what) ?? 0;
    failing.set(what, failures + 1);
    if (failures === 0) warn(`${what} failed: ${describeValue(error)}`);
    return undefined;
  }
}

function recovered(what: string): void {
  const failures = failing.get(what);
  if (failures === undefined) return;
  failing.delete(what);
  if (failures > 1) warn(`${what} works again after ${failures} failures`);
}

function warn(message: string): void {
  try {
    diag.warn(`taskspan: ${message}`);
    state.warn?.(message);
  } catch {
    // A broken logger is the one thing that cannot be reported.
  }
}

/** A user's hook that answers with a promise gets no answer of its own; if that is rejected, the process must not end. */
export function ignoreRejection(answer: unknown): void {
  // No `instanceof`: a proxy may throw when it is asked.
  if (!types.isPromise(answer)) return;
  Promise.prototype.then.call(answer, undefined, (error: unknown) => reportOnce('hook.rejected', rejected(error)));
}

function rejected(error: unknown): string {
  return `a hook returned a promise that was rejected: ${describeValue(error)}`;
}

/** A short text for any value, also one whose getters throw. */
export function describeValue(value: unknown): string {
  try {
    if (value instanceof Error) return `${value.name}: ${value.message}`.slice(0, 200);
    if (typeof value === 'string') return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value);
    if (typeof value === 'object' && value !== null) return Object.prototype.toString.call(value);
    return String(value).slice(0, 80);
  } catch {
    return 'an unreadable value';
  }
}
