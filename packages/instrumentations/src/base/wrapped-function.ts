/** A function of a library that is called, with what it is called. */
export interface LibraryCall {
  readonly original: Callable;
  readonly self: unknown;
  readonly args: readonly unknown[];
}

// biome-ignore lint/complexity/noBannedTypes: any function of a foreign library
export type Callable = Function;

/** Takes the place of a call: makes it (or not) and returns what the caller is to get. */
export type Interceptor = (call: LibraryCall) => unknown;

interface Slot {
  /** Who wrapped it, and for what: the same key is never wrapped twice. */
  readonly key: string;
  readonly interceptors: Interceptor[];
}

/** From the global registry: two copies of this package share one wrapping. */
const SLOT = Symbol.for('taskspan.wrapped.v1');

/** Makes the call as the library would. */
export function callThrough({ original, self, args }: LibraryCall): unknown {
  return Reflect.apply(original, self, args);
}

/**
 * Wraps a function so that nobody can tell: name, length, own properties, `AsyncFunction` tag and construction are the
 * original's. Wrapped again for the same key, the interceptor waits in line: the first one acts.
 *
 * @param key library and purpose, such as `bullmq.callProcessJob`
 * @returns the wrapped function, which is the given one when that is wrapped for this key already
 */
export function wrapFunction<F extends Callable>(original: F, key: string, interceptor: Interceptor): F {
  const existing = slotOf(original, key);
  if (existing !== undefined) {
    if (!existing.interceptors.includes(interceptor)) existing.interceptors.push(interceptor);
    return original;
  }
  const slot: Slot = { key, interceptors: [interceptor] };
  return new Proxy(original, {
    apply(target, self, args) {
      const [first] = slot.interceptors;
      return first === undefined ? Reflect.apply(target, self, args) : first({ original: target, self, args });
    },
    get(target, property) {
      return property === SLOT ? slot : Reflect.get(target, property);
    },
  });
}

/** Takes an interceptor out. True when none is left: then the original can come back. */
export function unwrapFunction(wrapped: unknown, key: string, interceptor: Interceptor): boolean {
  const slot = slotOf(wrapped, key);
  if (slot === undefined) return false;
  const at = slot.interceptors.indexOf(interceptor);
  if (at >= 0) slot.interceptors.splice(at, 1);
  return slot.interceptors.length === 0;
}

/** Whether a function is wrapped for this key. */
export function isWrapped(value: unknown, key: string): boolean {
  return slotOf(value, key) !== undefined;
}

function slotOf(value: unknown, key: string): Slot | undefined {
  if (typeof value !== 'function') return undefined;
  const slot = (value as { [SLOT]?: Slot })[SLOT];
  return slot?.key === key ? slot : undefined;
}
