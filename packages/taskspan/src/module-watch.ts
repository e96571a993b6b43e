import * as nodeModule from 'node:module';

type Load = (this: unknown, ...args: unknown[]) => unknown;

interface ModuleLike {
  exports: unknown;
}

/**
 * What CommonJS loads every module by: in every version of Node, also the CommonJS files that an ES module imports, and
 * those below an ES module that was itself required.
 */
const loader = nodeModule.Module as unknown as {
  _load: Load;
  _resolveFilename(request: string, parent: unknown, isMain: boolean): string;
  readonly _cache: Readonly<Record<string, ModuleLike | undefined>>;
  readonly prototype: { require(this: unknown, id: string): unknown };
  new (file: string): ModuleLike;
};

/** The name of a package behind the last `node_modules` of a path. */
const PACKAGE = /^((?:@[^\\/]+[\\/])?[^\\/]+)[\\/]/;

/** A package is about to be loaded, or what is built into Node. */
export interface AwaitedLoad {
  readonly name: string;
  /** The file; the bare name of what is built in. */
  readonly file: string;
  /** The file that asks for it; undefined when an ES module does. */
  readonly by: string | undefined;
}

/**
 * Called before a package is loaded.
 *
 * @returns true when this is all there was to wait for: the package is watched no longer where `require` asks for it
 */
export type OnAwaited = (load: AwaitedLoad) => boolean;

/**
 * Waits until CommonJS is about to load one of some packages, and then has it loaded through `require` as if it had been
 * asked for only now: a hook of `require` that was made meanwhile sees it, from its entry on.
 *
 * Costs the search for a name in each request. Nothing of it stays when it is stopped.
 */
export class ModuleWatch {
  readonly #awaited = new Map<string, Set<OnAwaited>>();
  /** Packages whose watchers are done. */
  readonly #seen = new Set<string>();
  /** Files on their second way through the loader. */
  readonly #passing = new Set<string>();
  #pattern: RegExp | undefined;
  #original: Load | undefined;
  #watched: Load | undefined;

  /** @returns a function that stops waiting */
  await(packages: readonly string[], then: OnAwaited): () => void {
    for (const name of packages) {
      const watchers = this.#awaited.get(name) ?? new Set();
      this.#awaited.set(name, watchers.add(then));
      this.#seen.delete(name);
    }
    this.#change();
    return () => {
      for (const name of packages) {
        const watchers = this.#awaited.get(name);
        watchers?.delete(then);
        if (watchers?.size === 0) this.#awaited.delete(name);
      }
      this.#change();
    };
  }

  #change(): void {
    if (this.#awaited.size > 0) {
      const names = [...this.#awaited.keys()].map((name) => name.replace('/', '[\\\\/]')).join('|');
      this.#pattern = new RegExp(`(?:^|[\\\\/]|^node:)(${names})(?:[\\\\/]|$)`);
      if (this.#watched === undefined) this.#begin();
      return;
    }
    // Whoever has wrapped it since keeps ours, which only passes on from now on.
    this.#pattern = undefined;
    if (this.#original !== undefined && loader._load === this.#watched) {
      loader._load = this.#original;
      this.#watched = undefined;
    }
  }

  #begin(): void {
    const original = loader._load;
    const watch = this;
    this.#original = original;
    this.#watched = function (this: unknown, ...args) {
      const [request, parent, isMain] = args;
      if (typeof request === 'string' && isMain !== true) {
        const name = watch.#pattern?.exec(request)?.[1];
        // An ES module that imports a file of CommonJS has no parent, and its hooks see nothing of it.
        if (name !== undefined && !(parent && watch.#seen.has(name.replace('\\', '/')))) {
          const load = watch.#about(request, parent);
          if (load !== undefined) return watch.#loadThroughRequire(load, { request, parent });
        }
      }
      return Reflect.apply(original, this, args);
    };
    loader._load = this.#watched;
  }

  /** @returns undefined when nobody waits for this file after all */
  #about(request: string, parent: unknown): AwaitedLoad | undefined {
    const load = awaitedLoad(request, parent);
    const watchers = load === undefined ? undefined : this.#awaited.get(load.name);
    if (load === undefined || watchers === undefined || this.#passing.has(load.file)) return undefined;
    if (parent && this.#seen.has(load.name)) return undefined;
    // What they load themselves must not come round again.
    this.#passing.add(load.file);
    this.#seen.add(load.name);
    try {
      const done = [...watchers].map((then) => then(load));
      if (!done.every(Boolean)) this.#seen.delete(load.name);
    } finally {
      this.#passing.delete(load.file);
    }
    return load.file === load.name ? undefined : load;
  }

  /** Like the call that was stopped, but seen by what hooks `require`. */
  #loadThroughRequire({ file }: AwaitedLoad, asked: { readonly request: string; readonly parent: unknown }): unknown {
    const { require } = loader.prototype;
    this.#passing.add(file);
    try {
      if (asked.parent) return Reflect.apply(require, asked.parent, [asked.request]);
      const exports: unknown = Reflect.apply(require, new loader(file), [file]);
      // The ES module gets what stands here, and not what is returned.
      const loaded = loader._cache[file];
      if (loaded !== undefined && loaded.exports !== exports) loaded.exports = exports;
      return exports;
    } finally {
      this.#passing.delete(file);
    }
  }
}

function awaitedLoad(request: string, parent: unknown): AwaitedLoad | undefined {
  const by = (parent as { filename?: string } | null | undefined)?.filename ?? undefined;
  if (nodeModule.isBuiltin(request)) {
    const name = request.replace(/^node:/, '');
    return { name, file: name, by };
  }
  let file: string;
  try {
    file = loader._resolveFilename(request, parent, false);
  } catch {
    // It is not there: whoever asked for it is told so by the loader itself.
    return undefined;
  }
  const name = packageOf(file);
  return name === undefined ? undefined : { name, file, by };
}

/** Name of the installed package that a file is of; undefined for one of the application's. */
export function packageOf(file: string): string | undefined {
  const at = Math.max(file.lastIndexOf('/node_modules/'), file.lastIndexOf('\\node_modules\\'));
  return at < 0 ? undefined : PACKAGE.exec(file.slice(at + '/node_modules/'.length))?.[1]?.replace('\\', '/');
}
