import { createRequire } from 'node:module';
import { types } from 'node:util';
import { reportOnce, state } from '@taskspan/core/hub';
import type { LibraryEntry } from '@taskspan/instrumentations/libraries';
import { dependenciesOf, findAppPackage } from './app-package.ts';
import type { AwaitedLoad } from './module-watch.ts';

const require = createRequire(import.meta.url);

/** After which a library that the application still means to import would have been. */
const DOUBT_MS = 1000;

const LATE =
  'was loaded before taskspan was started: jobs set up by then, or through functions taken from it, are not all captured';

const REMEDY = 'start the application with "node --import taskspan/register"';

/** Where that is the case already. */
const ORDER = 'load taskspan/register before whatever loads it';

const DOUBT = 'was not seen being loaded: what imported it before taskspan was started is not captured';

export interface UnpatchedOptions {
  /** True when what is only in doubt is not printed: it stands among the libraries of the process all the same. */
  readonly quiet: boolean;
  /** Called when there is more to be known of libraries, because there is nothing to be known of some. */
  readonly onDoubt: () => void;
}

/** Libraries that this process has loaded without their jobs being captured: that must not stay silent. */
export class UnpatchedLibraries {
  readonly #byPackage: ReadonlyMap<string, LibraryEntry>;
  readonly #options: UnpatchedOptions;
  readonly #loads = new Map<string, AwaitedLoad>();
  /** Packages that were hooked as they lay. */
  #late: ReadonlySet<string> = new Set();
  /** Packages of which nobody can tell whether an ES module has imported them already. */
  #doubtful: readonly string[] = [];
  #doubt: NodeJS.Timeout | undefined;

  constructor(byPackage: ReadonlyMap<string, LibraryEntry>, options: UnpatchedOptions) {
    this.#byPackage = byPackage;
    this.#options = options;
  }

  /** A package is being loaded, and the hooks of its instrumentation are there. */
  seen(load: AwaitedLoad): void {
    this.#loads.set(load.name, load);
    state.libraries.delete(this.#doubtKey(load.name));
    this.#doubtful = this.#doubtful.filter((name) => name !== load.name);
  }

  /**
   * CommonJS has loaded some of them before the toolkit was started.
   *
   * @param preloaded true when Node has started the toolkit before the application
   */
  late(loaded: ReadonlySet<string>, preloaded: boolean): void {
    for (const name of loaded) {
      reportOnce(`late.${name}`, `${name} ${LATE}; ${preloaded ? ORDER : REMEDY}`);
    }
    this.#late = loaded;
  }

  /**
   * The toolkit was started by code of the application, perhaps after the libraries.
   *
   * @param importable packages that are installed as ES modules, of which nobody can tell whether they are loaded
   */
  lateStart(importable: readonly string[]): void {
    // An application of CommonJS has loaded by `require` what it has loaded.
    if (require.main !== undefined) return;
    const app = findAppPackage();
    const own = app === undefined ? [] : dependenciesOf(app);
    this.#doubtful = importable.filter((name) => own.includes(name) && !this.#late.has(name));
    if (this.#doubtful.length > 0) this.#doubt = setTimeout(() => this.#reportDoubtful(), DOUBT_MS).unref();
  }

  /** Says what is not captured, as far as it is known by now. */
  report(): void {
    const { libraries } = state;
    for (const [key, one] of libraries) {
      if (this.#late.has(one.module) && one.hooked && one.reason === undefined)
        libraries.set(key, { ...one, reason: LATE });
    }
    for (const [name, { file }] of this.#loads) {
      const library = this.#byPackage.get(name)?.name ?? name;
      const known = [...libraries.values()].some((one) => one.module === name || one.library === library);
      if (known || !isModule(file)) continue;
      const reason = `its inner files cannot be hooked when it is loaded by require() on Node ${process.versions.node}`;
      libraries.set(`${library} ${name} `, { library, module: name, version: undefined, hooked: false, reason });
      reportOnce(`unpatched.${name}`, `${name}: ${reason}; its jobs are not captured. Import it, or use Node 24`);
    }
  }

  /** The process ends: what is in doubt remains so. */
  end(): void {
    this.report();
    this.#reportDoubtful();
  }

  stop(): void {
    clearTimeout(this.#doubt);
  }

  #doubtKey(module: string): string {
    return `${this.#byPackage.get(module)?.name ?? module} ${module} doubt`;
  }

  #reportDoubtful(): void {
    clearTimeout(this.#doubt);
    if (this.#doubtful.length === 0) return;
    const names = this.#doubtful.join(', ');
    for (const module of this.#doubtful) {
      const library = this.#byPackage.get(module)?.name ?? module;
      // Hooked it is, for whoever imports it from now on.
      state.libraries.set(this.#doubtKey(module), { library, module, version: undefined, hooked: true, reason: DOUBT });
    }
    this.#doubtful = [];
    if (!this.#options.quiet) {
      reportOnce('late.imports', `${names}: if imported before taskspan was started, jobs are not captured; ${REMEDY}`);
    }
    this.#options.onDoubt();
  }
}

/** Whether `require` gave an ES module for this file. */
function isModule(file: string): boolean {
  return types.isModuleNamespaceObject(require.cache[file]?.exports);
}
