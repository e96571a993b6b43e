import { createRequire } from 'node:module';
import { types } from 'node:util';
import { reportOnce, state } from '@taskspan/core/hub';
import type { LibraryEntry } from '@taskspan/instrumentations/libraries';
import { dependenciesOf, findAppPackage } from './app-package.ts';
import type { AwaitedLoad } from './module-watch.ts';

const require = createRequire(import.meta.url);

/** After which a library that the application still means to import would have been. */
const DOUBT_MS = 1000;

const LATE = 'was loaded before taskspan was started: what it had set up by then is not captured';

const REMEDY = 'start the application with "node --import taskspan/register"';

/** Libraries that this process has loaded without their jobs being captured: that must not stay silent. */
export class UnpatchedLibraries {
  readonly #byPackage: ReadonlyMap<string, LibraryEntry>;
  readonly #loads = new Map<string, AwaitedLoad>();
  /** Packages that were hooked as they lay. */
  #late: ReadonlySet<string> = new Set();
  /** Packages of which nobody can tell whether an ES module has imported them already. */
  #doubtful: readonly string[] = [];
  #doubt: NodeJS.Timeout | undefined;

  constructor(byPackage: ReadonlyMap<string, LibraryEntry>) {
    this.#byPackage = byPackage;
  }

  /** A package is being loaded, and the hooks of its instrumentation are there. */
  seen(load: AwaitedLoad): void {
    this.#loads.set(load.name, load);
    this.#doubtful = this.#doubtful.filter((name) => name !== load.name);
  }

  /**
   * The toolkit was started by code of the application, perhaps after the libraries.
   *
   * @param importable packages that are installed as ES modules, of which nobody can tell whether they are loaded
   * @returns packages that CommonJS has loaded, which can be hooked as far as that is possible now
   */
  lateStart(importable: readonly string[]): ReadonlySet<string> {
    const loaded = loadedPackages([...this.#byPackage.keys()]);
    for (const name of loaded) {
      reportOnce(`late.${name}`, `${name} ${LATE}; ${REMEDY}`);
    }
    this.#late = loaded;
    // An application of CommonJS has loaded by `require` what it has loaded.
    if (require.main !== undefined) return loaded;
    const app = findAppPackage();
    const own = app === undefined ? [] : dependenciesOf(app);
    this.#doubtful = importable.filter((name) => own.includes(name) && !loaded.has(name));
    if (this.#doubtful.length > 0) this.#doubt = setTimeout(() => this.#reportDoubtful(), DOUBT_MS).unref();
    return loaded;
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

  #reportDoubtful(): void {
    clearTimeout(this.#doubt);
    if (this.#doubtful.length === 0) return;
    const names = this.#doubtful.join(', ');
    this.#doubtful = [];
    reportOnce('late.imports', `${names}: if imported before taskspan was started, jobs are not captured; ${REMEDY}`);
  }
}

/** Whether `require` gave an ES module for this file. */
function isModule(file: string): boolean {
  return types.isModuleNamespaceObject(require.cache[file]?.exports);
}

/** Which of some packages CommonJS has loaded already, a file of them at least. */
function loadedPackages(names: readonly string[]): ReadonlySet<string> {
  const found = new Set<string>();
  if (names.length === 0) return found;
  const pattern = new RegExp(
    `[\\\\/]node_modules[\\\\/](${names.map((name) => name.replace('/', '[\\\\/]')).join('|')})[\\\\/]`,
  );
  for (const file in require.cache) {
    const name = pattern.exec(file.slice(file.lastIndexOf('node_modules') - 1))?.[1];
    if (name !== undefined) found.add(name.replace('\\', '/'));
  }
  return found;
}
