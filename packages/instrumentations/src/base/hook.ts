import type { Observation } from '@taskspan/core/hub';
import type { Described, EnqueueCall } from './facts.ts';
import type { LibraryKit } from './library-kit.ts';
import type { LibraryCall } from './wrapped-function.ts';

/** What a module exports, or an object of it: read with care, for versions differ. */
export type Exports = Readonly<Record<string, unknown>>;

/** Instead of a method: the function that a module exports as the whole of it. */
export const WHOLE = 'module.exports';

interface HookBase {
  /** The object whose function is wrapped: a prototype, or the exports themselves; several where there are aliases. */
  readonly on: (exports: Exports) => unknown;
  /** Or {@link WHOLE}: then `on` gives the function itself. Only what is loaded afterwards can be hooked so. */
  readonly method: string;
  /** True where some supported versions have no such function. */
  readonly optional?: true;
}

/** Form A: every call of the function is a run. */
export interface RunHook extends HookBase {
  readonly form: 'run';
  /** Undefined: this call is none. */
  readonly describe: (call: LibraryCall, kit: LibraryKit) => Described;
  /** Default `beside`; `through` where the application gets the promise and perhaps handles no rejection. */
  readonly observation?: Observation;
}

/** Form B: the function is handed a handler, and every call of that is a run. */
interface HandlerHook extends HookBase {
  readonly form: 'handler';
  /** Position of the handler in the arguments; undefined (or no function there): nothing to wrap. */
  readonly handlerAt: (call: LibraryCall) => number | undefined;
  /** One run of the handler, which `registration` registered. */
  readonly describe: (run: LibraryCall, registration: LibraryCall, kit: LibraryKit) => Described;
  /** Default `beside`; `through` where the library does not handle a rejection of the handler. */
  readonly observation?: Observation;
}

/** A call that puts jobs into a queue. */
export interface EnqueueHook extends HookBase {
  readonly form: 'enqueue';
  /** Undefined: this call enqueues nothing that is to be seen. */
  readonly describe: (call: LibraryCall, kit: LibraryKit) => EnqueueCall | undefined;
}

/**
 * Everything else (forms C and D, lifecycle): does the call itself, by `kit.call(call)`, and before or after it what
 * there is to do. Whatever it throws of its own is held back, and the call made.
 */
export interface AroundHook extends HookBase {
  readonly form: 'around';
  readonly around: (call: LibraryCall, kit: LibraryKit) => unknown;
}

export type Hook = RunHook | HandlerHook | EnqueueHook | AroundHook;

/** One module of a library, and what is hooked there. */
export interface Patch {
  /** Package name as it is imported. */
  readonly module: string;
  /** Inner file, such as `pg-boss/src/manager.js`; default: the package's entry. */
  readonly file?: string;
  /** Bounds such as `>=1.91 <7`. */
  readonly versions: string;
  readonly hooks: readonly Hook[];
  /** Replaces the whole of what the module exports, where that is itself the function. */
  readonly replace?: (exports: unknown, kit: LibraryKit) => unknown;
  /**
   * Packages that this one imports and that must be hooked first: loaded from where it lies, as soon as it is seen
   * (on Node 20 what is imported below `require` of an ES module is not seen).
   */
  readonly companions?: readonly string[];
}

/** Everything that there is to know of one library: data and translation, no spans. */
export interface Library {
  /** As in `TASKSPAN_INSTRUMENTATIONS`. */
  readonly name: string;
  readonly patches: readonly Patch[];
  /** Libraries below it whose ticks are its own runs. */
  readonly owns?: readonly string[];
}

/** A member of a module's exports, also when the module was given as `default` (CommonJS seen from an ES module). */
export function exported(exports: Exports, name: string): unknown {
  return exports[name] ?? (exports['default'] as Exports | undefined)?.[name];
}

/** The prototype of an exported class. */
export function prototypeOf(name: string): (exports: Exports) => unknown {
  return (exports) => (exported(exports, name) as { prototype?: unknown } | undefined)?.prototype;
}

/** The function that a module is, also when the module was given as `default`; for hooks of {@link WHOLE}. */
export function wholeOf(exports: Exports): unknown {
  return typeof exports === 'function' ? exports : exports['default'];
}
