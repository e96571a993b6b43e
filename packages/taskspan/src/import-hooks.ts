import * as nodeModule from 'node:module';
import { safely } from '@taskspan/core/hub';
import type {
  ImportWrapperCopy,
  ImportWrapperPlace,
  LoadArguments,
  Loaded,
  ResolveArguments,
  Resolved,
} from './import-wrapper.ts';
import { isIncluded, MarkedWrapper } from './marked-wrapper.ts';

interface SyncHooks {
  resolve(...args: ResolveArguments<Resolved>): Resolved;
  load(...args: LoadArguments<Loaded>): Loaded;
}

/** Present from Node 22.15 and 24 on. */
interface WithSyncHooks {
  registerHooks?(hooks: SyncHooks): { deregister?(): void };
}

/** From here on Node warns about the hooks of the loader thread. */
const LAST_WITH_LOADER_THREAD = 25;

/** The loader thread is asked once: what it does cannot be taken back. */
let threadHooked = false;

/**
 * Has what ES modules import wrapped by a copy of import-in-the-middle: in the thread of the application where Node can,
 * else in that of the module loader, whose start takes time (on Node 20 about as long as that of a small application).
 *
 * @param include names as they are imported, and patterns of URLs; undefined for everything
 * @returns a function that ends it, as far as it can be ended; undefined when this copy cannot do it on this Node
 */
export function hookImports(copy: ImportWrapperCopy, include: ImportWrapperPlace['include']): (() => void) | undefined {
  const { registerHooks } = nodeModule as WithSyncHooks;
  if (registerHooks !== undefined && copy.worksInThread()) {
    const hooks = registerHooks(lazyHooks(copy, include));
    return () => hooks.deregister?.();
  }
  const data = copy.place(include);
  if (data === undefined || Number.parseInt(process.versions.node, 10) > LAST_WITH_LOADER_THREAD) return undefined;
  if (!threadHooked) {
    nodeModule.register('./import-hooks-thread.js', { parentURL: import.meta.url, data });
    threadHooked = true;
  }
  return () => {};
}

/** Nothing of the wrapper, a parser among it, is loaded before one of the packages is imported. */
function lazyHooks(copy: ImportWrapperCopy, include: ImportWrapperPlace['include']): SyncHooks {
  let wrapper: MarkedWrapper | undefined;
  let begun = false;
  return {
    resolve: (...args) => {
      if (wrapper !== undefined) return wrapper.resolveSync(...args);
      const [specifier, context, next] = args;
      const resolved = next(specifier, context);
      // `require` has hooks of its own.
      const isImport = context.conditions?.includes('require') !== true;
      if (begun || !isImport || !isIncluded(include, { specifier, url: resolved.url })) return resolved;
      // Once: its own modules come by here too.
      begun = true;
      const made = safely('loading the hooks of imports', () => copy.create(include));
      if (made === undefined) return resolved;
      wrapper = new MarkedWrapper(made);
      return wrapper.resolveSync(...args);
    },
    load: (...args) => {
      const [url, context, next] = args;
      return wrapper === undefined ? next(url, context) : wrapper.loadSync(...args);
    },
  };
}
