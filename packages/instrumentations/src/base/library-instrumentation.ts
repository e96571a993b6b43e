import {
  InstrumentationBase,
  type InstrumentationConfig,
  InstrumentationNodeModuleDefinition,
  InstrumentationNodeModuleFile,
} from '@opentelemetry/instrumentation';
import { SCOPE } from '@taskspan/core';
import { reportOnce, safely } from '@taskspan/core/hub';
import { loadCompanions } from './companions.ts';
import { type Exports, type Hook, type Library, type Patch, WHOLE } from './hook.ts';
import { LibraryKit } from './library-kit.ts';
import { noteLibrary } from './library-state.ts';
import { loadedModules } from './loaded-modules.ts';
import { copyExports, patchMember } from './patch-member.ts';
import { isInRange } from './version-range.ts';
import { type Callable, callThrough, type Interceptor, type LibraryCall, wrapFunction } from './wrapped-function.ts';

/** Options of every instrumentation of a job library. */
export interface LibraryConfig extends InstrumentationConfig {
  /**
   * Names a run by the library's own object of the job. The name is a metric label, so it must be bounded: no ids.
   * Undefined: the usual name.
   */
  readonly operation?: ((job: unknown) => string | undefined) | undefined;
  /**
   * `data`: where a library has no slot of its own for the enqueuer's context, it travels under the key `__taskspan`
   * of a job's data, and is taken out before the handler sees them. Workers that are not instrumented see the key.
   * Default: such a library's runs and enqueuers are joined by the job's id alone.
   */
  readonly carrier?: 'data' | undefined;
}

/**
 * An instrumentation made of a {@link Library}: hooks what that describes, in every copy and version that the process
 * loads. A subclass gives the library by its `library` getter and nothing else.
 */
export abstract class LibraryInstrumentation extends InstrumentationBase<LibraryConfig> {
  // Only declared: the base constructor calls init() and enable(), and a field initialiser would erase what they store.
  declare private kit: LibraryKit;
  declare private undo: (() => void)[];
  declare private interceptors: Map<Hook, Interceptor>;

  /** A getter, so that it is there while the base constructor runs. */
  protected abstract get library(): Library;

  constructor(config: LibraryConfig = {}) {
    super(`@taskspan/${(new.target.prototype as LibraryInstrumentation).library.name}`, SCOPE.version, config);
  }

  protected override init(): InstrumentationNodeModuleDefinition[] {
    const { name, owns = [], patches } = this.library;
    this.kit ??= new LibraryKit({
      library: name,
      owns,
      operation: () => this.getConfig().operation,
      enabled: () => this.isEnabled(),
      carriesInData: () => this.getConfig().carrier === 'data',
    });
    this.undo ??= [];
    this.interceptors ??= new Map();
    // Every version is taken in, so that one that is not supported can be named.
    return patches.map((patch) => {
      const apply = (exports: unknown, version?: string): unknown => this.patch(patch, exports, version);
      const unpatch = (): void => {};
      if (patch.file === undefined) {
        return new InstrumentationNodeModuleDefinition(patch.module, ['*'], apply, unpatch);
      }
      const file = new InstrumentationNodeModuleFile(patch.file, ['*'], apply, unpatch);
      return new InstrumentationNodeModuleDefinition(patch.module, ['*'], undefined, undefined, [file]);
    });
  }

  override enable(): void {
    super.enable();
    this.patchLoaded();
  }

  override disable(): void {
    super.disable();
    for (const undo of this.undo.splice(0)) safely(`unpatching ${this.library.name}`, undo);
  }

  /** Hooks what CommonJS has loaded already: prototypes can still be changed, exports that were taken cannot. */
  private patchLoaded(): void {
    for (const patch of this.library.patches) {
      const found = new Map<string | undefined, Hook[]>();
      for (const { exports, version } of loadedModules(patch)) {
        // Of a package's files, most have but some of what its entry has, or nothing.
        const hooks = patch.file === undefined ? patch.hooks.filter((hook) => isThere(hook, exports)) : patch.hooks;
        if (patch.file === undefined && hooks.length === 0) continue;
        found.set(version, [...(found.get(version) ?? []), ...hooks]);
        this.patch({ ...patch, hooks }, exports, version);
      }
      for (const [version, hooks] of found) {
        const missing = patch.hooks.filter((hook) => hook.optional !== true && !hooks.includes(hook));
        if (version !== undefined && !isInRange(version, patch.versions)) continue;
        if (missing.length > 0) this.note(patch, version, [...new Set(missing.map(({ method }) => method))]);
      }
    }
  }

  private patch(patch: Patch, exports: unknown, version: string | undefined): unknown {
    const patched = safely(`hooking ${patch.module}`, () => this.patchSupported(patch, exports, version));
    return patched ?? exports;
  }

  private patchSupported(patch: Patch, exports: unknown, version: string | undefined): unknown {
    const { name } = this.library;
    if (version !== undefined && !isInRange(version, patch.versions)) {
      this.refuse(patch, version);
      return exports;
    }
    for (const companion of patch.companions ?? []) loadCompanions(patch.module, companion);
    if (patch.replace !== undefined) {
      noteLibrary({ library: name, module: patch.module, version, hooked: true });
      return patch.replace(exports, this.kit);
    }
    const missing: string[] = [];
    const replaced = new Map<string, Callable>();
    let whole: Callable | undefined;
    for (const hook of patch.hooks) {
      const targets = targetsOf(hook, exports as Exports);
      if (hook.method === WHOLE) {
        const original = whole ?? targets.find((target): target is Callable => typeof target === 'function');
        if (original === undefined) missing.push(hook.method);
        else whole = wrapFunction(original, `${this.library.name}.${WHOLE}`, this.interceptor(hook));
        continue;
      }
      const found = targets.map((target) => this.hook(hook, target, { exports, replaced }));
      if (!found.includes(true) && hook.optional !== true) missing.push(hook.method);
    }
    this.note(patch, version, missing);
    if (whole !== undefined) return whole;
    return replaced.size === 0 ? exports : copyExports(exports as object, replaced);
  }

  /** A range that another patch of the same module covers is no refusal. */
  private refuse(patch: Patch, version: string): void {
    const { name, patches } = this.library;
    const covered = patches.some((other) => other.module === patch.module && isInRange(version, other.versions));
    if (covered) return;
    const ranges = [...new Set(patches.filter((one) => one.module === patch.module).map((one) => one.versions))];
    const reason = `version ${version} is not supported (${ranges.join(' or ')})`;
    noteLibrary({ library: name, module: patch.module, version, hooked: false, reason });
    reportOnce(`${name}.version`, `${patch.module} ${version}: ${reason}; its jobs are not captured`);
  }

  private note(patch: Patch, version: string | undefined, missing: readonly string[]): void {
    const { name } = this.library;
    if (missing.length === 0) {
      noteLibrary({ library: name, module: patch.module, version, hooked: true });
      return;
    }
    const reason = `${missing.join(', ')} not found where it is looked for`;
    noteLibrary({ library: name, module: patch.module, version, hooked: false, reason });
    reportOnce(`${name}.hook`, `${patch.module} ${version ?? ''}: ${reason}; its jobs are not all captured`);
  }

  /** @returns whether the function is there */
  private hook(
    hook: Hook,
    target: object,
    { exports, replaced }: { readonly exports: unknown; readonly replaced: Map<string, Callable> },
  ): boolean {
    const key = `${this.library.name}.${hook.method}`;
    const patched = patchMember(target, hook.method, { key, interceptor: this.interceptor(hook) });
    if (patched === undefined) return false;
    if (patched.result === 'patched') this.undo.push(patched.undo);
    else if (target === exports) replaced.set(hook.method, patched.replacement);
    else return false;
    return true;
  }

  private interceptor(hook: Hook): Interceptor {
    const known = this.interceptors.get(hook);
    if (known !== undefined) return known;
    const made = interceptorOf(hook, this.kit);
    const interceptor: Interceptor = (call) => (this.isEnabled() ? made(call) : callThrough(call));
    this.interceptors.set(hook, interceptor);
    return interceptor;
  }
}

function isThere(hook: Hook, exports: unknown): boolean {
  return (safely(`looking for ${hook.method}`, () => targetsOf(hook, exports as Exports)) ?? []).some(
    (target) => typeof (target as Exports)[hook.method] === 'function',
  );
}

function targetsOf(hook: Hook, exports: Exports): object[] {
  const found = hook.on(exports);
  const all: unknown[] = Array.isArray(found) ? found : [found];
  return [...new Set(all)].filter(
    (target): target is object => (typeof target === 'object' && target !== null) || typeof target === 'function',
  );
}

/** Form by form: what happens when a hooked function is called. */
function interceptorOf(hook: Hook, kit: LibraryKit): Interceptor {
  switch (hook.form) {
    case 'run':
      return (call) => kit.run(call, () => hook.describe(call, kit), hook.observation);
    case 'enqueue':
      return (call) => kit.enqueue(call, () => hook.describe(call, kit));
    case 'handler':
      return (call) => callThrough(withWrappedHandler(call, hook, kit));
    case 'around':
      return (call) => around(call, hook, kit);
    default:
      return hook satisfies never;
  }
}

function withWrappedHandler(call: LibraryCall, hook: Extract<Hook, { form: 'handler' }>, kit: LibraryKit): LibraryCall {
  const at = safely(`finding the handler of ${hook.method}`, () => hook.handlerAt(call));
  if (at === undefined || typeof call.args[at] !== 'function') return call;
  const args = [...call.args];
  args[at] = kit.wrapHandler(call.args[at], (run) => hook.describe(run, call, kit), hook.observation);
  return { ...call, args };
}

/** What the hook throws before it has made the call is ours; from then on it is the library's. */
function around(call: LibraryCall, hook: Extract<Hook, { form: 'around' }>, kit: LibraryKit): unknown {
  let made: { readonly threw: boolean; readonly value: unknown } | undefined;
  const watched: LibraryCall = {
    ...call,
    original: function once(this: unknown, ...args: unknown[]): unknown {
      try {
        const value: unknown = Reflect.apply(call.original, this, args);
        made = { threw: false, value };
        return value;
      } catch (error) {
        made = { threw: true, value: error };
        throw error;
      }
    },
  };
  try {
    return hook.around(watched, kit);
  } catch (error) {
    if (made?.threw === true) throw made.value;
    safely(`the hook of ${hook.method}`, () => {
      throw error;
    });
    return made === undefined ? callThrough(call) : made.value;
  }
}
