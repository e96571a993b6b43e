import { createRequire } from 'node:module';
import { sep } from 'node:path';
import { safely } from '@taskspan/core/hub';

const { cache } = createRequire(import.meta.url);

/**
 * Loads a package from where another one lies that imports it, through `require`, so that it is hooked before it is
 * used: imports below a `require` of an ES module are seen by nobody on Node 20. Where it cannot be found so, nothing
 * happens: then the wrapper does not use it from there either.
 */
export function loadCompanions(wrapper: string, companion: string): void {
  const folder = `${sep}node_modules${sep}${wrapper.split('/').join(sep)}${sep}`;
  for (const from of [...Object.keys(cache).filter((file) => file.includes(folder)), process.argv[1]]) {
    if (from === undefined) continue;
    const found = resolveFrom(from, wrapper, companion);
    if (found === undefined) continue;
    safely(`loading ${companion}`, () => createRequire(import.meta.url)(found) as unknown);
    return;
  }
}

function resolveFrom(from: string, wrapper: string, companion: string): string | undefined {
  try {
    return createRequire(createRequire(from).resolve(wrapper)).resolve(companion);
  } catch {
    // Not to be found from here: the next place is tried.
    return undefined;
  }
}
