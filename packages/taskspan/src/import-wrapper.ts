/**
 * What is used of import-in-the-middle, which shows an imported module to hooks by wrapping it. It must be the very copy
 * that the instrumentations use: each copy has hooks of its own.
 */
import { existsSync } from 'node:fs';
import * as nodeModule from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** Called with each wrapped module when that is evaluated, before whoever imported it. */
export type ImportHook = (url: string, namespace: object, specifier?: string, format?: string) => void;

/** Its table of hooks, one per copy and thread: the file that every wrapped module imports. */
export interface HookTable {
  readonly importHooks: ImportHook[];
  /** By what each wrapped module was imported. */
  readonly specifiers: Map<string, string>;
}

export interface Resolved {
  readonly url: string;
  readonly format?: string | null | undefined;
  readonly shortCircuit?: boolean | undefined;
}

export interface Loaded {
  readonly source?: unknown;
  readonly format?: string | null | undefined;
  readonly shortCircuit?: boolean | undefined;
}

interface ResolveContext {
  readonly conditions?: readonly string[];
  readonly parentURL?: string | undefined;
}

/** What a resolve hook of Node is called with: the specifier, its context, the hook below. */
export type ResolveArguments<Answer> = readonly [
  specifier: string,
  context: ResolveContext,
  next: (specifier: string, context?: ResolveContext) => Answer,
];

/** What a load hook of Node is called with: the URL, its context, the hook below. */
export type LoadArguments<Answer> = readonly [
  url: string,
  context: object,
  next: (url: string, context?: object) => Answer,
];

/** Hooks of module loading that wrap what is imported. */
export interface ImportWrapper {
  resolve(...args: ResolveArguments<Promise<Resolved>>): Promise<Resolved>;
  load(...args: LoadArguments<Promise<Loaded>>): Promise<Loaded>;
  resolveSync(...args: ResolveArguments<Resolved>): Resolved;
  loadSync(...args: LoadArguments<Loaded>): Loaded;
  applyOptions?(options: { readonly include?: (string | RegExp)[] }): void;
}

export interface ImportWrapperFactory {
  createHook(meta: { readonly url: string }): ImportWrapper;
}

/** What another thread needs to make a wrapper of the same copy. */
export interface ImportWrapperPlace {
  /** URL of the module with `createHook`. */
  readonly factory: string;
  /** URL beside which the wrapper finds its table of hooks. */
  readonly meta: string;
  /** Names as they are imported, and patterns of URLs; undefined for everything. */
  readonly include: readonly (string | RegExp)[] | undefined;
}

/** One copy of import-in-the-middle. */
export class ImportWrapperCopy {
  readonly folder: string;
  readonly #require: NodeJS.Require;

  /** @param folder where it is installed */
  constructor(folder: string) {
    this.folder = folder;
    this.#require = nodeModule.createRequire(join(folder, 'package.json'));
  }

  /** The copy that a file of some other package gets; undefined when there is none. */
  static of(file: string): ImportWrapperCopy | undefined {
    try {
      return new ImportWrapperCopy(
        dirname(nodeModule.createRequire(file).resolve('import-in-the-middle/package.json')),
      );
    } catch {
      // Not installed, or not to be reached.
      return undefined;
    }
  }

  /** The copy that our instrumentations use. */
  static own(): ImportWrapperCopy | undefined {
    const table = nodeModule.createRequire(import.meta.url).resolve('@taskspan/instrumentations/libraries');
    return ImportWrapperCopy.of(nodeModule.createRequire(table).resolve('@opentelemetry/instrumentation'));
  }

  /** Undefined when it is too old, or too new, to have one in this form. */
  hookTable(): HookTable | undefined {
    const table = this.#require(join(this.folder, 'lib', 'register.js')) as Partial<HookTable>;
    return Array.isArray(table.importHooks) && table.specifiers instanceof Map ? (table as HookTable) : undefined;
  }

  /** Whether it can work in the thread of the application, on this version of Node. */
  worksInThread(): boolean {
    if (!('registerHooks' in nodeModule)) return false;
    // Where it says so: of version 3.6, and of those before it.
    for (const name of ['supports-sync-hooks.mjs', 'register-hooks.mjs']) {
      const file = join(this.folder, name);
      if (!existsSync(file)) continue;
      const { supportsSyncHooks } = this.#require(file) as { supportsSyncHooks?(): boolean };
      return supportsSyncHooks?.() === true;
    }
    return false;
  }

  /** @returns undefined when it has no hooks that can be made */
  place(include: ImportWrapperPlace['include']): ImportWrapperPlace | undefined {
    const url = (name: string): string => pathToFileURL(join(this.folder, name)).href;
    // The second is its name until version 1.
    const name = ['create-hook.mjs', 'hook.js'].find((candidate) => existsSync(join(this.folder, candidate)));
    return name === undefined ? undefined : { factory: url(name), meta: url('hook.mjs'), include };
  }

  /** A wrapper for the thread of the application. */
  create(include: ImportWrapperPlace['include']): ImportWrapper {
    const { createHook } = this.#require(join(this.folder, 'create-hook.mjs')) as ImportWrapperFactory;
    const wrapper = createHook({ url: pathToFileURL(join(this.folder, 'hook.mjs')).href });
    wrapper.applyOptions?.(include === undefined ? {} : { include: [...include] });
    return wrapper;
  }
}
