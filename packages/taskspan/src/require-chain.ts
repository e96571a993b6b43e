import type { Loaded, Resolved } from './import-wrapper.ts';

/**
 * CommonJS whose text comes from another loader, such as a compiler: what it requires, and what that requires, comes by
 * the hooks of imports, and must not become an ES module, which could not be loaded at once.
 */
export class RequireChain {
  readonly #urls = new Set<string>();

  /** Whether what this module asks for is to be left alone. */
  has(parentURL: string | undefined): boolean {
    return parentURL !== undefined && this.#urls.has(parentURL);
  }

  /** What a module of the chain asked for belongs to it. */
  follow(resolved: Resolved): Resolved {
    this.#urls.add(resolved.url);
    return resolved;
  }

  /** A module was loaded, which may be the first of a chain. */
  loaded(url: string, loaded: Loaded): Loaded {
    const { format, source } = loaded;
    // A loader above ours gives its text later, but Node alone cannot run such a file.
    const compiled = (source !== undefined && source !== null) || /\.cts($|\?)/.test(url);
    if (format === 'commonjs' && compiled) this.#urls.add(url);
    return loaded;
  }
}
