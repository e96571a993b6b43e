/**
 * The global slots of the OpenTelemetry API: who fills them, and who gives way. We register before the app has begun,
 * so an SDK that the app registers later would be refused by the API and lose its spans; here it replaces us instead.
 *
 * All copies keep their globals in one object per major version, marked with the version that made it. Reading needs a
 * minor not below the reader's own, registering needs exactly the same version. So the mark stands at the highest
 * version that is known, and at a copy's own while that copy registers.
 */
import type { ContextManager, MeterProvider, TextMapPropagator, TracerProvider } from '@opentelemetry/api';
import type { LoggerProvider } from '@opentelemetry/api-logs';
import { safely } from '@taskspan/core/hub';
import { type ApiCopies, type ApiCopy, type ApiModule, chooseRegistrar, majorOf } from './api-copies.ts';
import { LateTracerProvider } from './late-tracer.ts';

export interface Providers {
  readonly tracerProvider?: TracerProvider;
  readonly contextManager?: ContextManager;
  readonly propagator?: TextMapPropagator;
  readonly meterProvider?: MeterProvider;
  readonly loggerProvider?: LoggerProvider;
}

export type Slot = 'trace' | 'context' | 'propagation' | 'metrics' | 'logs';
const SLOTS: readonly Slot[] = ['trace', 'context', 'propagation', 'metrics', 'logs'];

/** What is ours of the global slots. */
export interface Registration {
  readonly slots: readonly Slot[];
  /** Makes all tracers that were handed out under our registration work for another provider. */
  handOver(provider: TracerProvider): void;
}

/** Somebody else has registered after us. */
export interface Yielded {
  /** The first slot that was given away; the others follow without a further call. */
  readonly slot: Slot;
  /** Version and folder of the API copy that was used. */
  readonly version: string;
  readonly folder: string;
}

export interface YieldOptions {
  /** What `registerGlobals` returned. */
  readonly registration: Registration;
  /** Called once, at the first registration that is not ours. */
  readonly onYield: (event: Yielded) => void;
}

export interface YieldHandle {
  /** Frees the slots that are still ours, and takes back what was changed in the copies. */
  release(): void;
}

/** The object in which all copies of a major keep their globals. */
interface ApiGlobals extends Partial<Record<string, unknown>> {
  version: string;
}
const slots = globalThis as unknown as Record<symbol, unknown>;
/** `@opentelemetry/api-logs` keeps its one slot apart; `api` has one too from 1.10 on. */
const LOGS_KEY = Symbol.for('io.opentelemetry.js.api.logs');
const apiKey = (major: number): symbol => Symbol.for(`opentelemetry.js.api.${major}`);

/**
 * Which slots are taken, to be asked before we register: an SDK that was there earlier keeps them.
 *
 * @param major of the API, 1 today
 */
export function takenSlots(major = 1): readonly Slot[] {
  const globals = slots[apiKey(major)] as ApiGlobals | undefined;
  return SLOTS.filter((slot) => globals?.[slot] !== undefined || (slot === 'logs' && slots[LOGS_KEY] !== undefined));
}

/**
 * Registers the given providers in all slots that are free, so that every known copy can read them.
 *
 * @returns which slots are now ours
 */
export function registerGlobals(copies: ApiCopies, providers: Providers): Registration {
  const registrar = chooseRegistrar(copies);
  const api = registrar?.modules[0];
  if (registrar === undefined || api === undefined) return { slots: [], handOver: () => undefined };
  const taken = takenSlots(majorOf(registrar.version));
  const mark = new VersionMark(registrar.version);
  const late = providers.tracerProvider && new LateTracerProvider(providers.tracerProvider);
  const { contextManager, propagator, meterProvider, loggerProvider } = providers;
  const registrations: Record<Slot, (() => unknown) | undefined> = {
    trace: late && (() => api.trace.setGlobalTracerProvider(late.provider)),
    context: contextManager && (() => api.context.setGlobalContextManager(contextManager)),
    propagation: propagator && (() => api.propagation.setGlobalPropagator(propagator)),
    metrics: meterProvider && (() => api.metrics.setGlobalMeterProvider(meterProvider)),
    logs:
      loggerProvider &&
      (() => {
        copies.logs[0]?.modules[0]?.logs.setGlobalLoggerProvider(loggerProvider);
        return api.logs?.setGlobalLoggerProvider(loggerProvider) ?? true;
      }),
  };
  const ours = SLOTS.filter((slot) => {
    const register = registrations[slot];
    return register !== undefined && !taken.includes(slot) && mark.during(registrar.version, register) !== false;
  });
  return { slots: ours, handOver: (provider) => late?.switchTo(provider) };
}

/**
 * From now on whoever registers in a slot that is ours gets it. Tracers that were handed out before
 * follow; the provider that we had registered is not shut down. Slots of others stay as the API has it: refused.
 */
export function yieldToLaterSdk(copies: ApiCopies, options: YieldOptions): YieldHandle {
  const registrar = chooseRegistrar(copies);
  if (registrar === undefined) return { release: () => undefined };
  const yielding = new Yielding(registrar, options);
  for (const copy of copies.api) {
    if (majorOf(copy.version) !== majorOf(registrar.version)) continue;
    for (const api of copy.modules) yielding.watchApi(copy, api);
  }
  for (const copy of copies.logs) {
    for (const { logs } of copy.modules) yielding.watchLogs(copy, logs);
  }
  return { release: () => yielding.release() };
}

/** What to tell the user at the first yield. */
export function describeYield({ version, folder }: Yielded): string {
  return (
    `the application registers an OpenTelemetry SDK of its own (@opentelemetry/api ${version} in ${folder}), which now ` +
    "has the global slots; tasks keep their own provider. To have both in one, use the pieces of 'taskspan/sdk', and leave taskspan/register out"
  );
}

/** What to tell the user when somebody was there before us. */
export function describeEarlierSdk(taken: readonly Slot[]): string {
  return (
    `an OpenTelemetry SDK was registered earlier (${taken.join(', ')}), so nothing is set up here; ` +
    "plug the pieces of 'taskspan/sdk' into that SDK, or load taskspan/register first"
  );
}

/** Keeps the version mark of the globals. */
class VersionMark {
  readonly #highest: string;
  readonly #key: symbol;

  constructor(highest: string) {
    this.#highest = highest;
    this.#key = apiKey(majorOf(highest));
  }

  /** Runs a registration while the mark says this version, then puts it back to the highest. */
  during<T>(version: string, register: () => T): T {
    this.globals().version = version;
    try {
      return register();
    } finally {
      this.globals().version = this.#highest;
    }
  }

  /** The object, made if need be. One that 1.10 made has a read-only mark: a copy of it takes its place. */
  globals(): ApiGlobals {
    const found = slots[this.#key] as ApiGlobals | undefined;
    if (found !== undefined && Object.getOwnPropertyDescriptor(found, 'version')?.writable) return found;
    const made: ApiGlobals = { ...found, version: this.#highest };
    slots[this.#key] = made;
    return made;
  }
}

/** A function of a singleton that was put in front of another, to be taken back. */
type Patchable = Record<string, unknown>;

class Yielding {
  readonly #mark: VersionMark;
  readonly #options: YieldOptions;
  /** What our slots held when we had registered; a slot that holds something else is no longer ours. */
  readonly #ours = new Map<Slot, unknown>();
  readonly #oursInApiLogs: unknown;
  readonly #takeBack: (() => void)[] = [];
  #told = false;

  constructor(registrar: ApiCopy, options: YieldOptions) {
    this.#mark = new VersionMark(registrar.version);
    this.#options = options;
    const globals = this.#mark.globals();
    for (const slot of options.registration.slots) this.#ours.set(slot, globals[slot]);
    this.#oursInApiLogs = options.registration.slots.includes('logs') ? slots[LOGS_KEY] : undefined;
  }

  watchApi(copy: ApiCopy, api: ApiModule): void {
    this.#watch(copy, api.trace, 'setGlobalTracerProvider', 'trace');
    this.#watch(copy, api.context, 'setGlobalContextManager', 'context');
    this.#watch(copy, api.propagation, 'setGlobalPropagator', 'propagation');
    this.#watch(copy, api.metrics, 'setGlobalMeterProvider', 'metrics');
    if (api.logs !== undefined) this.#watch(copy, api.logs, 'setGlobalLoggerProvider', 'logs');
    // Nobody is replaced there, but the equality of versions is asked for all the same.
    this.#watch(copy, api.diag, 'setLogger', undefined);
  }

  #watch(copy: ApiCopy, singleton: object, method: string, slot: Slot | undefined): void {
    this.#patch(singleton, method, (original, args) => {
      const globals = this.#mark.globals();
      const previous = slot === undefined ? undefined : globals[slot];
      const yields = slot !== undefined && previous !== undefined && previous === this.#ours.get(slot);
      if (yields) delete globals[slot];
      const result = this.#mark.during(copy.version, original);
      if (!yields) return result;
      if (result === false) {
        globals[slot] = previous;
        return result;
      }
      this.#ours.delete(slot);
      if (slot === 'trace') this.#handOver(previous, args[0] as TracerProvider);
      this.#tell(slot, copy);
      return result;
    });
  }

  /** Tracers and proxies of ours that somebody holds follow, whichever copy they come from. */
  #handOver(proxy: unknown, provider: TracerProvider): void {
    this.#options.registration.handOver(provider);
    const setDelegate = (proxy as Patchable)['setDelegate'];
    if (typeof setDelegate === 'function') Reflect.apply(setDelegate, proxy, [provider]);
  }

  watchLogs(copy: ApiCopy<unknown>, logs: object): void {
    this.#patch(logs, 'setGlobalLoggerProvider', (original) => {
      const yields = this.#oursInApiLogs !== undefined && slots[LOGS_KEY] === this.#oursInApiLogs;
      if (yields) delete slots[LOGS_KEY];
      const result = original();
      if (yields) this.#tell('logs', copy);
      return result;
    });
  }

  /** Puts a function of ours before a method of a singleton, as an own property that can be deleted again. */
  #patch(singleton: object, method: string, replace: (original: () => unknown, args: unknown[]) => unknown): void {
    const target = singleton as Patchable;
    const own = Object.hasOwn(target, method);
    const original = target[method];
    if (typeof original !== 'function') return;
    const patched = function (this: unknown, ...args: unknown[]): unknown {
      return replace(() => Reflect.apply(original, this, args), args);
    };
    target[method] = patched;
    this.#takeBack.push(() => {
      if (target[method] !== patched) return;
      if (own) target[method] = original;
      else delete target[method];
    });
  }

  #tell(slot: Slot, { version, folder }: ApiCopy<unknown>): void {
    if (this.#told) return;
    this.#told = true;
    safely('reporting a later SDK', () => this.#options.onYield({ slot, version, folder }));
  }

  release(): void {
    for (const takeBack of this.#takeBack.splice(0)) takeBack();
    const globals = this.#mark.globals();
    for (const [slot, value] of this.#ours) if (globals[slot] === value) delete globals[slot];
    if (this.#oursInApiLogs !== undefined && slots[LOGS_KEY] === this.#oursInApiLogs) delete slots[LOGS_KEY];
  }
}
