import { context, ROOT_CONTEXT } from '@opentelemetry/api';
import type { AnyValue } from '@opentelemetry/api-logs';
import { errorFacts, errorStack } from './error-facts.ts';
import { ATTR } from './names.ts';

/** Taken before an application's test replaces it by a fake one. */
const { setImmediate } = globalThis;

/** Those whose stack has not been read yet. */
let waiting: (() => void)[] = [];

/**
 * What a record says of an error. Its stack is read a moment later, or when somebody asks for it: V8 forgets where an
 * error was thrown once its stack is read, and Node shows that line of source when nobody catches the error.
 */
export function exceptionAttributes(error: unknown): Readonly<Record<string, AnyValue>> {
  const { type, message, hasStack } = errorFacts(error);
  const attributes: Record<string, AnyValue> = { [ATTR.EXCEPTION_TYPE]: type, [ATTR.EXCEPTION_MESSAGE]: message };
  if (!hasStack) return attributes;
  const define = (property: PropertyDescriptor): void => {
    Object.defineProperty(attributes, ATTR.EXCEPTION_STACKTRACE, { ...property, enumerable: true, configurable: true });
  };
  let stack: string | undefined;
  const read = (): string | undefined => {
    if (stack === undefined) {
      stack = errorStack(error);
      define({ value: stack, writable: true });
    }
    return stack;
  };
  define({ get: read });
  if (waiting.length === 0) context.with(ROOT_CONTEXT, () => setImmediate(readAll).unref());
  waiting.push(read);
  return attributes;
}

function readAll(): void {
  const all = waiting;
  waiting = [];
  for (const read of all) read();
}
