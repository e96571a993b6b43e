/** What a piece of work did, told exactly once. */
export type Settled<T> = { readonly value: T } | { readonly error: unknown };

/**
 * Calls `work` and tells how it settled: at once for a plain value or a throw, later for a thenable. A thenable is
 * adopted exactly once and the derived promise returned; its value and its error reach the caller unchanged.
 */
export function settle<T>(work: () => T, settled: (end: Settled<unknown>) => void): T {
  let value: T;
  try {
    value = work();
  } catch (error) {
    settled({ error });
    throw error;
  }
  // A native promise: one derived promise, no adoption in between.
  if (value instanceof Promise) return value.then(onValue, onError) as T;
  let then: unknown;
  try {
    then = (value as { then?: unknown } | null | undefined)?.then;
  } catch (error) {
    settled({ error });
    return Promise.reject(error) as T;
  }
  if (typeof then === 'function') {
    const adopt = then as (resolve: (value: unknown) => void, reject: (error: unknown) => void) => void;
    return new Promise((resolve, reject) => adopt.call(value, resolve, reject)).then(onValue, onError) as T;
  }
  settled({ value });
  return value;

  function onValue(result: unknown): unknown {
    settled({ value: result });
    return result;
  }
  function onError(error: unknown): never {
    settled({ error });
    throw error;
  }
}
