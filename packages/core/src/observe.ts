import { types } from 'node:util';
import type { Settler } from './settle.ts';

type Then = (this: unknown, resolve?: unknown, reject?: unknown, ...rest: unknown[]) => unknown;

/**
 * Who hears of a rejection. `beside`: somebody else handles the promise anyway, which is handed on as it is. `through`:
 * perhaps nobody does, and then the process must hear of it as it would without us, so a plain promise is replaced by
 * the one that follows it.
 */
export type Observation = 'beside' | 'through';

/**
 * Hears how work of a library settled, and returns what is to be handed on: the very value that was given, but for
 * plain promises that are observed `through`.
 *
 * A thenable that is no promise is not asked by us, for asking may be what makes it work (a query builder runs once for
 * every `then`): we hear what it tells whoever does ask. When nobody has asked by the next turn of the event loop, it
 * counts as a value.
 */
export function observe<T>(value: T, settler: Settler, how: Observation): T {
  if (value === null || (typeof value !== 'object' && typeof value !== 'function')) {
    settler.returned(value);
    return value;
  }
  if (types.isPromise(value)) return observePromise(value, settler, how) as T;
  let then: unknown;
  try {
    then = (value as { then?: unknown }).then;
  } catch (error) {
    settler.threw(error);
    return value;
  }
  if (typeof then !== 'function') settler.returned(value);
  else overhear(value, then as Then, settler);
  return value;
}

function observePromise(promise: Promise<unknown>, settler: Settler, how: Observation): Promise<unknown> {
  // What has members of its own (`cancel`) is looked for by its owner. Symbols are none: where an async context is
  // kept, Node 20 itself puts some on every promise.
  const plain =
    Object.getPrototypeOf(promise) === Promise.prototype && Object.getOwnPropertyNames(promise).length === 0;
  if (how === 'through' && plain) {
    return promise.then(
      (value) => {
        settler.returned(value);
        return value;
      },
      (error: unknown) => {
        settler.threw(error);
        throw error;
      },
    );
  }
  Promise.prototype.then.call(
    promise,
    (value: unknown) => settler.returned(value),
    (error: unknown) => settler.threw(error),
  );
  return promise;
}

/** Wraps the answers that go to whoever calls `then`, on this one object. */
function overhear(thenable: object, then: Then, settler: Settler): void {
  let asked = false;
  const heard: Then = function (this: unknown, resolve, reject, ...rest) {
    asked = true;
    return then.call(
      this,
      (value: unknown) => {
        settler.returned(value);
        return typeof resolve === 'function' ? resolve(value) : value;
      },
      (error: unknown) => {
        settler.threw(error);
        if (typeof reject === 'function') return reject(error);
        throw error;
      },
      ...rest,
    );
  };
  const replaced = Reflect.defineProperty(thenable, 'then', {
    value: heard,
    configurable: true,
    enumerable: Object.prototype.propertyIsEnumerable.call(thenable, 'then'),
    writable: true,
  });
  if (!replaced) {
    // Frozen: when it began is known, when it ended is not.
    settler.returned(thenable);
    return;
  }
  setImmediate(() => {
    if (!asked) settler.returned(thenable);
  });
}
