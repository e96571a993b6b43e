import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { reportOnce, safely } from '@taskspan/core/hub';
import { hookImports } from './import-hooks.ts';
import { type HookTable, type ImportHook, ImportWrapperCopy } from './import-wrapper.ts';
import type { ModuleWatch, OnAwaited } from './module-watch.ts';

interface ImportWatchOptions {
  readonly packages: readonly string[];
  /** Called before an importer of one of them goes on, and after the package itself was evaluated. */
  readonly onLoad: OnAwaited;
  /** Sees copies of import-in-the-middle that the application brings. */
  readonly modules: ModuleWatch;
}

const WRAPPER = 'import-in-the-middle';

/** The file of a copy that holds its hooks. */
const THEIR_TABLE = /[\\/]import-in-the-middle[\\/]lib[\\/]register\.js$/;

const { cache } = createRequire(import.meta.url);

/**
 * Waits until an ES module imports one of some packages. Hooks that are made at that moment see the package still.
 *
 * Where a copy of import-in-the-middle that the application brings has wrapped a module, ours leaves it alone and is told.
 */
export class ImportWatch {
  readonly #options: ImportWatchOptions;
  readonly #include: readonly (string | RegExp)[];
  readonly #tables = new Map<string, HookTable>();
  readonly #stops: (() => void)[] = [];

  constructor(options: ImportWatchOptions) {
    this.#options = options;
    const names = options.packages.map((name) => name.replace('.', '\\.')).join('|');
    this.#include = [...options.packages, new RegExp(`/node_modules/(?:${names})/(?!.*/node_modules/)`)];
  }

  /** @param hooked true when somebody has hooked all imports already, with whichever copy */
  begin({ hooked }: { readonly hooked: boolean }): void {
    const { modules } = this.#options;
    const copy = ImportWrapperCopy.own();
    const table = copy?.hookTable();
    if (copy === undefined || table === undefined) {
      reportNotHooked();
      return;
    }
    this.#tables.set(copy.folder, table);
    const hook = this.#hook(table);
    table.importHooks.push(hook);
    this.#stops.push(
      () => remove(table.importHooks, hook),
      modules.await([WRAPPER], ({ file }) => {
        safely(`meeting another ${WRAPPER}`, () => this.#meet(file));
        // There may be a third.
        return false;
      }),
    );
    // Those that were there before us.
    for (const file in cache) if (THEIR_TABLE.test(file)) this.#meet(file);
    if (hooked) return;
    const stop = hookImports(copy, this.#include);
    if (stop === undefined) reportNotHooked();
    else this.#stops.push(stop);
  }

  /** The copy of import-in-the-middle beside which this file lies works too. */
  meet(base: string): void {
    const copy = ImportWrapperCopy.of(base);
    if (copy !== undefined) this.#meet(copy.folder);
  }

  stop(): void {
    for (const stop of this.#stops.splice(0)) stop();
  }

  /** Tells of a module of an awaited package, and shows it to the hooks that are made then. */
  #hook(table: HookTable): ImportHook {
    const awaited = new Set(this.#options.packages);
    return (url, namespace, specifier, format) => {
      const file = url.startsWith('file:')
        ? safely('reading the URL of a module', () => fileURLToPath(url))
        : undefined;
      const name = file === undefined ? undefined : packageOf(file);
      if (file === undefined || name === undefined || !awaited.has(name)) return;
      const before = table.importHooks.length;
      if (this.#options.onLoad({ name, file, by: undefined })) awaited.delete(name);
      // Whoever walks the table right now does not come to those that are new.
      for (const made of table.importHooks.slice(before)) made(url, namespace, specifier, format);
    };
  }

  /** @param file a file of a copy, or its folder */
  #meet(file: string): void {
    const folder = file.slice(0, file.lastIndexOf(WRAPPER) + WRAPPER.length);
    const [ours] = this.#tables.values();
    if (ours === undefined || this.#tables.has(folder)) return;
    const theirs = new ImportWrapperCopy(folder).hookTable();
    if (theirs === undefined) return;
    this.#tables.set(folder, theirs);
    const forward: ImportHook = (url, namespace, specifier, format) => {
      // Older copies keep it in their table only.
      ours.specifiers.set(url, specifier ?? theirs.specifiers.get(url) ?? '');
      for (const hook of [...ours.importHooks]) hook(url, namespace, specifier, format);
    };
    theirs.importHooks.push(forward);
    this.#stops.push(() => remove(theirs.importHooks, forward));
  }
}

function reportNotHooked(): void {
  const where = `this version of ${WRAPPER}, on Node.js ${process.versions.node}`;
  reportOnce('import hooks', `${where}, cannot be used: job libraries that ES modules import are not all captured`);
}

/** The package behind the last `node_modules` of a path. */
function packageOf(file: string): string | undefined {
  const slashed = file.replaceAll('\\', '/');
  const at = slashed.lastIndexOf('/node_modules/');
  return at < 0 ? undefined : /^(?:@[^/]+\/)?[^/]+/.exec(slashed.slice(at + '/node_modules/'.length))?.[0];
}

function remove<T>(list: T[], item: T): void {
  const at = list.indexOf(item);
  if (at >= 0) list.splice(at, 1);
}
