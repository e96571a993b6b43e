import { types } from 'node:util';
import type { AnyValueMap } from '@opentelemetry/api-logs';
import { ATTR } from '@taskspan/core';
import { LIMITS, readSafely } from '@taskspan/core/hub';

/** Whether a value is an error, or what a serializer made of one. */
export function isErrorLike(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return value instanceof Error || types.isNativeError(value) || textOf(value, 'stack') !== undefined;
}

/**
 * The `exception.*` attributes of an error, with the types that `core` gives to errors of runs: its name unless that is
 * `Error`, else its code, else its class. The stack includes those of its causes. Getters that throw leave gaps.
 */
export function exceptionAttributes(error: unknown): AnyValueMap {
  const attributes: AnyValueMap = { [ATTR.EXCEPTION_TYPE]: typeOf(error) };
  const message = textOf(error, 'message');
  if (message !== undefined) attributes[ATTR.EXCEPTION_MESSAGE] = message;
  const stack = stackOf(error);
  if (stack !== undefined) attributes[ATTR.EXCEPTION_STACKTRACE] = stack;
  return attributes;
}

function typeOf(error: unknown): string {
  const name = textOf(error, 'name') ?? textOf(error, 'type');
  if (name !== undefined && name !== '' && name !== 'Error') return name;
  const code = textOf(error, 'code');
  if (code !== undefined && code !== '') return code;
  const made = error instanceof Error || types.isNativeError(error);
  return (made ? textOf(readSafely(error, 'constructor'), 'name') : undefined) ?? 'Error';
}

function stackOf(error: unknown): string | undefined {
  const stacks: string[] = [];
  const seen = new Set<unknown>();
  for (let at: unknown = error; isErrorLike(at) && !seen.has(at) && seen.size < LIMITS.errorDepth; ) {
    seen.add(at);
    const stack = textOf(at, 'stack');
    if (stack !== undefined) stacks.push(stacks.length === 0 ? stack : `Caused by: ${stack}`);
    at = readSafely(at, 'cause');
  }
  return stacks.length === 0 ? undefined : stacks.join('\n');
}

function textOf(value: unknown, key: string): string | undefined {
  const text = readSafely(value, key);
  return typeof text === 'string' ? text : undefined;
}
