import * as nodeModule from 'node:module';

type ResolveFilename = (this: unknown, ...args: unknown[]) => unknown;

/** What CommonJS resolves a module by: in every version of Node, and also for the files of an imported CommonJS package. */
const loader = nodeModule.Module as unknown as { _resolveFilename: ResolveFilename };

/**
 * Waits until the process is about to load a file of one of these packages, then calls `then`, before that file is
 * loaded. Costs a search in the path of each file that is resolved until then.
 *
 * @param packages names of packages, without a scope
 * @param then called once; must not throw
 * @returns a function that stops waiting
 */
export function onceResolved(packages: readonly string[], then: () => void): () => void {
  const pattern = new RegExp(`[\\\\/](?:${packages.join('|')})[\\\\/]`);
  const original = loader._resolveFilename;
  let waiting = true;
  const stop = (): void => {
    waiting = false;
    // Whoever has wrapped it since keeps ours, which only passes on from now on.
    if (loader._resolveFilename === watched) loader._resolveFilename = original;
  };
  const watched: ResolveFilename = function (this: unknown, ...args) {
    const file = Reflect.apply(original, this, args);
    if (waiting && typeof file === 'string' && pattern.test(file)) {
      stop();
      then();
    }
    return file;
  };
  loader._resolveFilename = watched;
  return stop;
}
