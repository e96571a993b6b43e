/** Hears how a piece of work settled, exactly once. */
export interface Settler {
  returned(value: unknown): void;
  threw(error: unknown): void;
}

/**
 * Tells how work settled: at once for a plain value, later for a thenable. A thenable is adopted exactly once and the
 * derived promise returned; its value and its error reach the caller unchanged.
 *
 * @param value what the work returned
 */
export function settle<T>(value: T, settler: Settler): T {
  if (value === null || (typeof value !== 'object' && typeof value !== 'function')) {
    settler.returned(value);
    return value;
  }
  let then: unknown;
  try {
    // A native promise: one derived promise, no adoption in between.
    if (value instanceof Promise) return derive(value, settler) as T;
    then = (value as { then?: unknown }).then;
  } catch (error) {
    // Whoever awaits it meets the same error; whoever does not must not meet a rejected promise instead.
    settler.threw(error);
    return value;
  }
  if (typeof then !== 'function') {
    settler.returned(value);
    return value;
  }
  const adopt = then as (resolve: (value: unknown) => void, reject: (error: unknown) => void) => void;
  return derive(new Promise((resolve, reject) => adopt.call(value, resolve, reject)), settler) as T;
}

function derive(promise: Promise<unknown>, settler: Settler): Promise<unknown> {
  return promise.then(
    (value) => {
      settler.returned(value);
      return value;
    },
    (error) => {
      settler.threw(error);
      throw error;
    },
  );
}
