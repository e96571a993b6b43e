import * as nodeModule from 'node:module';
import { fileURLToPath } from 'node:url';
import { reportOnce, safely } from '@taskspan/core/hub';
import {
  type HookTable,
  type ImportHook,
  type ImportWrapper,
  ImportWrapperCopy,
  type SyncHook,
} from './import-wrapper.ts';
import type { ModuleWatch, OnAwaited } from './module-watch.ts';

/** Present from Node 22.15 and 24 on. */
interface SyncHooks {
  registerHooks?(hooks: { readonly resolve: SyncHook; readonly load: SyncHook }): { deregister?(): void };
}

export interface ImportWatchOptions {
  readonly packages: readonly string[];
  /** Called before an importer of one of them goes on, and after the package itself was evaluated. */
  readonly onLoad: OnAwaited;
  /** A file of the package whose copy of import-in-the-middle counts. */
  readonly base: string;
  /** Sees copies of import-in-the-middle that the application brings. */
  readonly modules: ModuleWatch;
}

const WRAPPER = 'import-in-the-middle';

/** Functions that only tell one copy's hooks of what another copy has wrapped. */
const forwarders = new WeakSet<ImportHook>();

/** The loader thread is asked once: what it does cannot be taken back. */
let threadHooked = false;

/**
 * Waits until an ES module imports one of some packages. Hooks that are made at that moment see the package still.
 *
 * Where several copies of import-in-the-middle are at work in one process, a module is wrapped by one of them: each is
 * told of what the others wrap.
 */
export class ImportWatch {
  readonly #options: ImportWatchOptions;
  readonly #include: readonly (string | RegExp)[];
  readonly #tables = new Map<string, HookTable>();
  readonly #stops: (() => void)[] = [];

  constructor(options: ImportWatchOptions) {
    this.#options = options;
    const names = options.packages.map((name) => name.replace('.', '\\.')).join('|');
    this.#include = [...options.packages, new RegExp(`/node_modules/(?:${names})/`)];
  }

  /** @param hooked true when somebody has hooked all imports already, with whichever copy */
  begin({ hooked }: { readonly hooked: boolean }): void {
    const { base, modules } = this.#options;
    const copy = ImportWrapperCopy.of(base);
    const table = copy.hookTable();
    if (table === undefined) {
      reportOnce(
        'import hooks',
        `this version of ${WRAPPER} is not understood: what ES modules import is not captured`,
      );
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
    if (!hooked) this.#hookImports(copy);
  }

  /** The copy of import-in-the-middle beside which this file lies works too. */
  meet(base: string): void {
    this.#meet(ImportWrapperCopy.of(base).folder);
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

  #hookImports(copy: ImportWrapperCopy): void {
    const { registerHooks } = nodeModule as SyncHooks;
    if (registerHooks !== undefined && copy.worksInThread()) {
      const hooks = registerHooks(this.#lazyHooks(copy));
      this.#stops.push(() => hooks.deregister?.());
    } else if (Number.parseInt(process.versions.node, 10) >= 26) {
      reportOnce('import hooks', `this version of ${WRAPPER} is too old for this version of Node.js; update it`);
    } else if (!threadHooked) {
      threadHooked = true;
      const data = copy.place(this.#include);
      nodeModule.register('./import-hooks-thread.js', { parentURL: import.meta.url, data });
    }
  }

  /** Nothing of the wrapper, a parser among it, is loaded before one of the packages is imported. */
  #lazyHooks(copy: ImportWrapperCopy): { readonly resolve: SyncHook; readonly load: SyncHook } {
    let wrapper: ImportWrapper | undefined;
    let failed = false;
    return {
      resolve: (specifier, context, next) => {
        if (wrapper !== undefined) return wrapper.resolveSync(specifier, context, next);
        const resolved = next(specifier, context);
        // `require` has hooks of its own.
        if (failed || context.conditions?.includes('require') === true || !this.#includes(specifier, resolved.url)) {
          return resolved;
        }
        wrapper = safely('loading the hooks of imports', () => copy.create(this.#include));
        failed = wrapper === undefined;
        return wrapper === undefined ? resolved : wrapper.resolveSync(specifier, context, next);
      },
      load: (url, context, next) => (wrapper === undefined ? next(url, context) : wrapper.loadSync(url, context, next)),
    };
  }

  #includes(specifier: string, url: string): boolean {
    return this.#include.some((one) => (typeof one === 'string' ? one === specifier : one.test(url)));
  }

  /** @param file a file of a copy, or its folder */
  #meet(file: string): void {
    const marker = `${WRAPPER}`;
    const folder = file.slice(0, file.lastIndexOf(marker) + marker.length);
    if (this.#tables.has(folder)) return;
    const table = new ImportWrapperCopy(folder).hookTable();
    if (table === undefined) return;
    for (const known of this.#tables.values()) {
      this.#forward(known, table);
      this.#forward(table, known);
    }
    this.#tables.set(folder, table);
  }

  #forward(from: HookTable, to: HookTable): void {
    const forward: ImportHook = (url, namespace, specifier, format) => {
      to.specifiers.set(url, specifier);
      for (const hook of [...to.importHooks]) {
        if (!forwarders.has(hook)) hook(url, namespace, specifier, format);
      }
    };
    forwarders.add(forward);
    from.importHooks.push(forward);
    this.#stops.push(() => remove(from.importHooks, forward));
  }
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
