import { types } from 'node:util';
import { type Callable, type Interceptor, isWrapped, unwrapFunction, wrapFunction } from './wrapped-function.ts';

type Target = Record<string, unknown>;

/** What became of a patch. */
export interface MemberPatch {
  /** `read-only`: the object (a module's namespace) cannot be changed; the caller has to hand out a copy. */
  readonly result: 'patched' | 'read-only';
  /** The function that stands there now, or should. */
  readonly replacement: Callable;
  /** Takes the interceptor out, and puts the original back when nobody else has wrapped it since. */
  undo(): void;
}

/**
 * Wraps a method of an object, own or inherited.
 *
 * @returns undefined when the object has no such function
 */
export function patchMember(
  target: object,
  member: string,
  { key, interceptor }: { readonly key: string; readonly interceptor: Interceptor },
): MemberPatch | undefined {
  const original = (target as Target)[member];
  if (typeof original !== 'function') return undefined;
  const known = isWrapped(original, key);
  const replacement = wrapFunction(original, key, interceptor);
  const before = Object.getOwnPropertyDescriptor(target, member);
  const placed = known || place(target, member, replacement);
  return {
    result: placed ? 'patched' : 'read-only',
    replacement,
    undo: () => {
      const last = unwrapFunction(replacement, key, interceptor);
      if (!last || known || (target as Target)[member] !== replacement) return;
      if (before === undefined) Reflect.deleteProperty(target, member);
      else place(target, member, original);
    },
  };
}

/** False where the object refuses: namespaces of ES modules, and getters of compiled re-exports. */
function place(target: object, member: string, value: Callable): boolean {
  // Namespaces that module hooks hand out are proxies that take a bare value only.
  if (types.isProxy(target)) return Reflect.defineProperty(target, member, { value });
  const before = Object.getOwnPropertyDescriptor(target, member);
  if (before === undefined) {
    return Reflect.defineProperty(target, member, { value, writable: true, configurable: true, enumerable: false });
  }
  if ('value' in before) return Reflect.defineProperty(target, member, { ...before, value });
  const { enumerable = true } = before;
  return Reflect.defineProperty(target, member, { value, writable: true, configurable: true, enumerable });
}

/** A copy of a module's exports in which some are replaced: what is handed out where the exports are read-only. */
export function copyExports(exports: object, replaced: ReadonlyMap<string, Callable>): object {
  const copy = Object.create(Object.getPrototypeOf(exports) as object | null) as object;
  for (const member of Reflect.ownKeys(exports)) {
    const descriptor = Object.getOwnPropertyDescriptor(exports, member);
    if (descriptor === undefined) continue;
    const replacement = typeof member === 'string' ? replaced.get(member) : undefined;
    const { enumerable = true } = descriptor;
    Object.defineProperty(
      copy,
      member,
      replacement === undefined
        ? { enumerable, configurable: true, get: () => Reflect.get(exports, member) as unknown }
        : { enumerable, configurable: true, writable: true, value: replacement },
    );
  }
  return copy;
}
