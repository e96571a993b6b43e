import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { RUN_CHANNEL } from '@taskspan/core';
import { safely } from '@taskspan/core/hub';
import { LIBRARIES, type LibraryEntry, type LibrarySwitch } from '@taskspan/instrumentations/libraries';
import { currentLocation } from './app-package.ts';
import type { ImportWatch } from './import-watch.ts';
import { installedPackages } from './installed-package.ts';
import { loadedPackages } from './loaded-packages.ts';
import { type AwaitedLoad, type ModuleWatch, packageOf } from './module-watch.ts';
import type { OfficialPackage } from './official-package.ts';
import type { Switchable } from './official-set.ts';
import type { knownOperations, Operations } from './operations.ts';
import type { Pipeline } from './pipeline.ts';
import type { UnpatchedLibraries } from './unpatched-libraries.ts';

export interface LibraryLoadingOptions {
  /** Libraries that are on. */
  readonly names: readonly string[];
  readonly operations: Operations | undefined;
  readonly pipeline: Pick<Pipeline, 'tracerProvider' | 'meterProvider' | 'loggerProvider'>;
  readonly modules: ModuleWatch;
  /** False: the application may have loaded anything already. */
  readonly beforeApplication: boolean;
  /** Official instrumentations that the application has; they capture what we only adopt. */
  readonly official: OfficialPackage | undefined;
  /** True when what ES modules import is hooked for those already. */
  readonly importsHooked: boolean;
  /** True when what is only in doubt is not printed. */
  readonly quiet: boolean;
  /** Called a little after something was loaded. */
  readonly onChange: () => void;
}

// Loaded when there is something to do for them: most applications have none of the libraries.
const load = createRequire(import.meta.url);
const loadImportWatch = (): { ImportWatch: typeof ImportWatch } => load('./import-watch.js');
const loadOperations = (): { knownOperations: typeof knownOperations } => load('./operations.js');
const loadUnpatched = (): { UnpatchedLibraries: typeof UnpatchedLibraries } => load('./unpatched-libraries.js');

type Instrumentation = LibrarySwitch & Partial<Omit<Switchable, 'disable'>>;

/** So that a process that loads many libraries at its start looks at them once. */
const CHANGE_DELAY_MS = 250;

/**
 * Enables the instrumentation of each library when the application is about to load it, and not before: an application
 * without any of them pays for a look into its `node_modules`, and the search for a name in what it requires.
 */
export class LibraryLoading {
  readonly #options: LibraryLoadingOptions;
  readonly #operations: Operations;
  readonly #entries: readonly LibraryEntry[];
  readonly #byPackage: ReadonlyMap<string, LibraryEntry>;
  readonly #enabled = new Map<LibraryEntry, Instrumentation | undefined>();
  readonly #stops: (() => void)[] = [];
  #unpatchedIfAny: UnpatchedLibraries | undefined;
  #change: NodeJS.Timeout | undefined;
  #ended = false;

  constructor(options: LibraryLoadingOptions) {
    this.#options = options;
    this.#operations = options.operations === undefined ? {} : loadOperations().knownOperations(options.operations);
    this.#entries = LIBRARIES.filter(
      ({ name, kind }) => options.names.includes(name) && !(kind === 'adopted' && options.official !== undefined),
    );
    this.#byPackage = new Map(this.#entries.flatMap((entry) => entry.packages.map((name) => [name, entry] as const)));
  }

  get #unpatched(): UnpatchedLibraries {
    this.#unpatchedIfAny ??= new (loadUnpatched().UnpatchedLibraries)(this.#byPackage, {
      quiet: this.#options.quiet,
      onDoubt: () => this.#noted(),
    });
    return this.#unpatchedIfAny;
  }

  begin(): void {
    const packages = [...this.#byPackage.keys()];
    const { modules, beforeApplication } = this.#options;
    // A process or thread that a library starts, and its command line, run a file of its own: that asks for those beside
    // it by paths in which the package has no name.
    const [, program] = process.argv;
    const own = program === undefined ? undefined : packageOf(realPath(program));
    if (own !== undefined) this.#enablePackage(own);
    if (packages.length > 0) this.#stops.push(modules.await(packages, (load) => this.#onLoad(load)));
    this.#awaitCarriers();
    const hooked = this.#awaitImports(packages);
    // Another module that Node loads before the application, or the application itself, may have come first.
    const loaded = loadedPackages(packages);
    if (loaded.size > 0) this.#unpatched.late(loaded, beforeApplication);
    for (const name of loaded) this.#enablePackage(name);
    if (!beforeApplication) this.#unpatched.lateStart(hooked);
    if (loaded.size > 0 || !beforeApplication) this.#changed();
  }

  /** The process ends: says which libraries were loaded without being captured. */
  end(): void {
    this.#unpatchedIfAny?.end();
  }

  yieldToLaterSdk(): void {
    for (const [entry, instrumentation] of this.#enabled) {
      if (entry.kind !== 'adopted') continue;
      safely(`disabling ${entry.name}`, () => instrumentation?.disable());
      // It stays in the list, so that it is not enabled again.
      this.#enabled.set(entry, undefined);
    }
  }

  disable(): void {
    this.#ended = true;
    clearTimeout(this.#change);
    this.#unpatchedIfAny?.stop();
    for (const stop of this.#stops.splice(0)) safely('awaiting no more libraries', stop);
    for (const [{ name }, instrumentation] of this.#enabled) {
      safely(`disabling ${name}`, () => instrumentation?.disable());
    }
    this.#enabled.clear();
  }

  #onLoad(load: AwaitedLoad): boolean {
    this.#enablePackage(load.name);
    this.#unpatched.seen(load);
    this.#changed();
    return true;
  }

  #enablePackage(name: string): void {
    const entry = this.#byPackage.get(name);
    if (entry === undefined) return;
    // Before it: what the library takes from Node when it is loaded is to be ours by then.
    this.#enableCarriers();
    this.#enable(entry);
  }

  #enable(entry: LibraryEntry): void {
    if (this.#ended || this.#enabled.has(entry)) return;
    this.#enabled.set(entry, undefined);
    safely(`the instrumentation ${entry.name}`, () => {
      const { pipeline } = this.#options;
      const Instrumentation = entry.load();
      const instrumentation: Instrumentation = new Instrumentation({
        enabled: false,
        operation: this.#operations[entry.name],
      });
      // Spans of tasks are ours to keep, whoever holds the global provider.
      instrumentation.setTracerProvider?.(pipeline.tracerProvider);
      instrumentation.setMeterProvider?.(pipeline.meterProvider);
      instrumentation.setLoggerProvider?.(pipeline.loggerProvider);
      instrumentation.enable();
      this.#enabled.set(entry, instrumentation);
    });
  }

  /** They have work to do inside of runs only: the first one, or what leads to runs, brings them. */
  #awaitCarriers(): void {
    const carriers = this.#entries.filter(({ kind }) => kind === 'carrier');
    if (carriers.length === 0) return;
    const onRun = (): void => {
      stop();
      this.#enableCarriers();
    };
    const stop = (): void => void unsubscribe(RUN_CHANNEL, onRun);
    subscribe(RUN_CHANNEL, onRun);
    const builtins = carriers.map(({ name }) => name.replace('-', '_'));
    this.#stops.push(
      stop,
      // The application may keep what it takes from there; what other packages take is no matter of runs.
      this.#options.modules.await(builtins, ({ by }) => {
        if (by === undefined || /[\\/]node_modules[\\/]/.test(by)) return false;
        this.#enableCarriers();
        return true;
      }),
    );
  }

  #enableCarriers(): void {
    for (const entry of this.#entries) {
      if (entry.kind === 'carrier') this.#enable(entry);
    }
  }

  /** @returns packages that may be imported as ES modules, which are hooked from now on */
  #awaitImports(packages: readonly string[]): readonly string[] {
    const { official, modules, importsHooked } = this.#options;
    const found = installedPackages(packages, currentLocation());
    const importable = found === 'unknown' ? packages : found.filter(isImportable).map(({ name }) => name);
    if (importable.length === 0) return [];
    const imports = new (loadImportWatch().ImportWatch)({
      packages,
      onLoad: (load) => this.#onLoad(load),
      modules,
    });
    this.#stops.push(() => imports.stop());
    safely('hooking imports', () => {
      imports.begin({ hooked: importsHooked });
      if (official?.base !== undefined) imports.meet(official.base);
    });
    return importable;
  }

  #changed(): void {
    if (this.#change !== undefined || this.#ended) return;
    this.#change = setTimeout(() => {
      this.#change = undefined;
      this.#unpatchedIfAny?.report();
      this.#noted();
    }, CHANGE_DELAY_MS).unref();
  }

  #noted(): void {
    if (!this.#ended) safely('noting libraries', this.#options.onChange);
  }
}

/** Behind the links of package managers. */
function realPath(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    // No file, as with `--eval`.
    return file;
  }
}

/**
 * Where another loader is at work, what it makes of CommonJS is nobody's guess: then all are taken for ES modules. Else
 * CommonJS files are seen without hooks of imports, which cost the start of a thread on Node 20.
 */
function isImportable({ format }: { readonly format: string }): boolean {
  return format !== 'commonjs' || hasOtherLoader();
}

function hasOtherLoader(): boolean {
  const flags = [...process.execArgv, ...(process.env['NODE_OPTIONS'] ?? '').split(' ')];
  return flags.some((flag) => /^--(experimental-)?loader\b/.test(flag));
}
