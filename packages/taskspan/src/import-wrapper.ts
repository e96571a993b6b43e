/**
 * What is used of import-in-the-middle, which shows an imported module to hooks by wrapping it. It must be the very copy
 * that the instrumentations use: each copy has hooks of its own.
 */
import { createRequire, type LoadHook, type ResolveHook } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** Called with each wrapped module when that is evaluated, before whoever imported it. */
export type ImportHook = (url: string, namespace: object, specifier: string, format?: string) => void;

/** Its table of hooks, one per copy and thread: the file that every wrapped module imports. */
export interface HookTable {
  readonly importHooks: ImportHook[];
  /** By what each wrapped module was imported. */
  readonly specifiers: Map<string, string>;
}

export interface ImportWrapper {
  readonly resolve: ResolveHook;
  readonly load: LoadHook;
  readonly resolveSync: SyncHook;
  readonly loadSync: SyncHook;
  applyOptions(options: { readonly include: (string | RegExp)[] }): void;
}

/** Either hook of `module.registerHooks`: what it is asked for, the context, and the next hook. */
export type SyncHook = (
  asked: string,
  context: { readonly conditions?: readonly string[] },
  next: (asked: string, context: object) => { readonly url: string },
) => { readonly url: string };

export interface ImportWrapperFactory {
  createHook(meta: { readonly url: string }): ImportWrapper;
}

/** What another thread needs to make a wrapper of the same copy. */
export interface ImportWrapperPlace {
  /** URL of the module with `createHook`. */
  readonly factory: string;
  /** URL beside which the wrapper finds its table of hooks. */
  readonly meta: string;
  /** Names as they are imported, and patterns of URLs. */
  readonly include: readonly (string | RegExp)[];
}

/** One copy of import-in-the-middle. */
export class ImportWrapperCopy {
  readonly folder: string;
  readonly #require: NodeJS.Require;

  /** @param folder where it is installed */
  constructor(folder: string) {
    this.folder = folder;
    this.#require = createRequire(join(folder, 'package.json'));
  }

  /** The copy that a file of some other package gets; throws when there is none. */
  static of(file: string): ImportWrapperCopy {
    return new ImportWrapperCopy(dirname(createRequire(file).resolve('import-in-the-middle')));
  }

  /** Undefined when it is too old, or too new, to have one in this form. */
  hookTable(): HookTable | undefined {
    const table = this.#require('./lib/register.js') as Partial<HookTable>;
    return Array.isArray(table.importHooks) && table.specifiers instanceof Map ? (table as HookTable) : undefined;
  }

  /** Whether it can work in the thread of the application, on this version of Node. */
  worksInThread(): boolean {
    try {
      const { supportsSyncHooks } = this.#require('./supports-sync-hooks.mjs') as { supportsSyncHooks?(): boolean };
      return supportsSyncHooks?.() === true;
    } catch {
      // The older ones did not.
      return false;
    }
  }

  place(include: readonly (string | RegExp)[]): ImportWrapperPlace {
    const url = (name: string): string => pathToFileURL(join(this.folder, name)).href;
    return { factory: url('create-hook.mjs'), meta: url('hook.mjs'), include };
  }

  /** A wrapper for the thread of the application. */
  create(include: readonly (string | RegExp)[]): ImportWrapper {
    const { createHook } = this.#require('./create-hook.mjs') as ImportWrapperFactory;
    const wrapper = createHook({ url: this.place(include).meta });
    wrapper.applyOptions({ include: [...include] });
    return wrapper;
  }
}
