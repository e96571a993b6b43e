import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { currentLocation } from './app-package.ts';

/** Name of the package. */
export const OFFICIAL = '@opentelemetry/auto-instrumentations-node';

/** The official instrumentations, as the application has them installed. */
export interface OfficialPackage {
  /** Path of its entry. */
  readonly entry: string;
  /** Path of what they are made on, whose copy of the hooks they use; undefined when that is not installed. */
  readonly base: string | undefined;
  /** True: the application registers them by itself, and two sets would wrap every library twice. */
  readonly registered: boolean;
}

export function findOfficial(): OfficialPackage | undefined {
  const entry = resolveFromApp(OFFICIAL);
  if (entry === undefined) return undefined;
  return { entry, base: resolveFrom(entry, '@opentelemetry/instrumentation'), registered: isRegisteredByApp() };
}

/** Path of a package of the application, seen from its main file; undefined when it does not have it. */
function resolveFromApp(name: string): string | undefined {
  const { script, cwd } = currentLocation();
  for (const from of [script, cwd === undefined ? undefined : `${cwd}/package.json`]) {
    const found = from === undefined ? undefined : resolveFrom(from, name);
    if (found !== undefined) return found;
  }
  return undefined;
}

function resolveFrom(file: string, name: string): string | undefined {
  try {
    return createRequire(pathToFileURL(file)).resolve(name);
  } catch {
    // Not installed there: the answer of the next place counts.
    return undefined;
  }
}

function isRegisteredByApp(): boolean {
  return [...process.execArgv, process.env['NODE_OPTIONS'] ?? ''].some((flag) => flag.includes(OFFICIAL));
}
