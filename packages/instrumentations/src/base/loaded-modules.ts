import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Patch } from './hook.ts';

const { cache } = createRequire(import.meta.url);

export interface LoadedModule {
  readonly exports: unknown;
  /** Undefined when its package.json cannot be read. */
  readonly version: string | undefined;
}

/**
 * What CommonJS has loaded already of a patch's package, in every copy: its file, or all of its files where the entry
 * is meant, for the same prototypes are reached from any of them.
 */
export function loadedModules({ module, file }: Patch): LoadedModule[] {
  const folder = `/node_modules/${module}/`;
  const versions = new Map<string, string | undefined>();
  const found: LoadedModule[] = [];
  for (const path in cache) {
    const slashed = path.replaceAll('\\', '/');
    const at = slashed.lastIndexOf(folder);
    if (at < 0 || (file !== undefined && !slashed.endsWith(`/node_modules/${file}`))) continue;
    const entry = cache[path];
    const { exports } = entry ?? {};
    if (
      entry?.loaded !== true ||
      ((typeof exports !== 'object' || exports === null) && typeof exports !== 'function')
    ) {
      continue;
    }
    const root = path.slice(0, at + folder.length);
    if (!versions.has(root)) versions.set(root, versionIn(root));
    found.push({ exports, version: versions.get(root) });
  }
  return found;
}

function versionIn(folder: string): string | undefined {
  try {
    return (JSON.parse(readFileSync(`${folder}package.json`, 'utf8')) as { version?: string }).version;
  } catch {
    return undefined;
  }
}
