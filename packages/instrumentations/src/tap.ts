/**
 * One patch per target, however many bridges want to listen: two bridges, or two copies of this package, share the
 * patch through a symbol on the target, and the first of them listens. A line is never captured twice.
 */
interface TapSlot<T> {
  readonly taps: T[];
  /** Puts the target back as it was; false when somebody has wrapped our patch, which then only passes through. */
  readonly restore: () => boolean;
}

type Target = Record<PropertyKey, unknown>;

// biome-ignore lint/complexity/noBannedTypes: any function of a foreign library
type Fn = Function;

/**
 * Adds a listener to a target, and patches it first when it is not patched yet. Again with the same listener: no effect.
 *
 * @param key symbol from the global registry that names the patch and its version
 * @param options `install` patches the target, reads listeners from `taps[0]` at each call, and returns how to undo it
 */
export function attachTap<T>(
  target: object,
  key: symbol,
  options: { readonly tap: T; readonly install: (taps: readonly T[]) => () => boolean },
): void {
  const { tap, install } = options;
  let slot = ownSlot<T>(target, key);
  if (slot === undefined) {
    const taps: T[] = [];
    slot = { taps, restore: install(taps) };
    Object.defineProperty(target, key, { value: slot, configurable: true });
  }
  if (!slot.taps.includes(tap)) slot.taps.push(tap);
}

/** Removes a listener; the last one takes the patch with it. */
export function detachTap<T>(target: object, key: symbol, tap: T): void {
  const slot = ownSlot<T>(target, key);
  if (slot === undefined) return;
  const at = slot.taps.indexOf(tap);
  if (at >= 0) slot.taps.splice(at, 1);
  if (slot.taps.length === 0 && slot.restore()) Reflect.deleteProperty(target, key);
}

/** The listener that hears a target now. */
export function firstTap<T>(target: object, key: symbol): T | undefined {
  return ownSlot<T>(target, key)?.taps[0];
}

function ownSlot<T>(target: object, key: symbol): TapSlot<T> | undefined {
  if (!Object.hasOwn(target, key)) return undefined;
  return (target as Target)[key] as TapSlot<T>;
}

/**
 * Replaces a method, own or inherited, by one of the same name and length.
 *
 * @returns a function that restores the target, or returns false when the method has been replaced again since
 */
export function patchMethod(target: object, name: PropertyKey, make: (original: Fn) => Fn): () => boolean {
  const original = (target as Target)[name];
  if (typeof original !== 'function') return () => true;
  const before = Object.getOwnPropertyDescriptor(target, name);
  const replacement = make(original);
  Object.defineProperties(replacement, {
    name: { value: original.name, configurable: true },
    length: { value: original.length, configurable: true },
  });
  const shape = before ?? { writable: true, configurable: true, enumerable: false };
  Object.defineProperty(target, name, {
    value: replacement,
    writable: shape.writable ?? true,
    configurable: shape.configurable ?? true,
    enumerable: shape.enumerable ?? false,
  });
  return () => {
    if (Object.getOwnPropertyDescriptor(target, name)?.value !== replacement) return false;
    if (before === undefined) Reflect.deleteProperty(target, name);
    else Object.defineProperty(target, name, before);
    return true;
  };
}

/** Restores several patches together: when one is wrapped by somebody, all stay, for they work together. */
export function restoreAll(
  target: object,
  names: readonly PropertyKey[],
  undo: ReadonlyArray<() => boolean>,
): () => boolean {
  const patched = names.map((name) => Object.getOwnPropertyDescriptor(target, name)?.value as unknown);
  return () => {
    const untouched = names.every((name, at) => Object.getOwnPropertyDescriptor(target, name)?.value === patched[at]);
    if (!untouched) return false;
    for (const one of undo) one();
    return true;
  };
}
