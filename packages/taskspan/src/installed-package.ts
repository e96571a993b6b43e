/** Packages of an application as they lie on the disk: found by looking, not by loading them. */
import { readFileSync, realpathSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { AppLocation } from './app-package.ts';

/** What an ES module gets that imports it, and what `require` gets. */
type PackageFormat = 'commonjs' | 'module' | 'both';

export interface InstalledPackage {
  readonly name: string;
  readonly folder: string;
  /** Undefined when its manifest cannot be read: an installation that was cut off. */
  readonly version: string | undefined;
  readonly format: PackageFormat;
}

interface Manifest {
  readonly version?: string;
  readonly type?: string;
  readonly main?: string;
  readonly exports?: unknown;
}

/** A package as a file in the folder `from` would load it; undefined when it is not installed there. */
export function installedPackage(name: string, from: string): InstalledPackage | undefined {
  for (const folder of modulesFolders(from)) {
    const found = packageIn(join(folder, name), name);
    if (found !== undefined) return found;
  }
  return undefined;
}

/**
 * Which of some packages an application has, seen from its main script and the working folder.
 *
 * @returns `unknown` where packages lie in a place that tells nothing by their names (Yarn's Plug'n'Play and its kin):
 * any of them may be there
 */
export function installedPackages(names: readonly string[], location: AppLocation): InstalledPackage[] | 'unknown' {
  const { script, cwd } = location;
  const starts = [...(script === undefined ? [] : [dirname(realPath(script))]), ...(cwd === undefined ? [] : [cwd])];
  const found = new Map<string, InstalledPackage>();
  for (const folder of new Set(starts.flatMap((start) => [...modulesFolders(resolve(start))]))) {
    if (exists(join(dirname(folder), '.pnp.cjs'))) return 'unknown';
    if (!exists(folder)) continue;
    const places = storesIn(folder);
    if (places === undefined) return 'unknown';
    for (const name of names) {
      for (const place of found.has(name) ? [] : places) {
        const one = packageIn(join(place, name), name);
        if (one !== undefined) found.set(name, one);
      }
    }
  }
  return [...found.values()];
}

/**
 * Where the packages of a `node_modules` lie: there, and for pnpm also where it keeps those that other packages need.
 *
 * @returns undefined for a store in which they cannot be found by their names
 */
function storesIn(folder: string): readonly string[] | undefined {
  if (exists(join(folder, '.store'))) return undefined;
  if (!exists(join(folder, '.pnpm'))) return [folder];
  const hoisted = join(folder, '.pnpm', 'node_modules');
  return exists(hoisted) ? [folder, hoisted] : undefined;
}

function* modulesFolders(from: string): Generator<string> {
  for (let folder = from; ; folder = dirname(folder)) {
    yield join(folder, 'node_modules');
    if (dirname(folder) === folder) return;
  }
}

function packageIn(folder: string, name: string): InstalledPackage | undefined {
  const path = join(folder, 'package.json');
  if (!exists(path)) return undefined;
  let manifest: Manifest;
  try {
    manifest = JSON.parse(readFileSync(path, 'utf8')) as Manifest;
  } catch {
    // It is there, and whoever loads it will fail: that is the finding.
    return { name, folder, version: undefined, format: 'commonjs' };
  }
  return { name, folder, version: manifest.version, format: formatOf(folder, manifest) };
}

function formatOf(folder: string, manifest: Manifest): PackageFormat {
  const [imported, required] = [['import', 'module-sync'], ['require']].map((conditions) => {
    const entry = entryOf(manifest, ['node', 'default', ...conditions]);
    return entry !== undefined && isModule(folder, entry);
  });
  if (imported !== true) return 'commonjs';
  return required === true || entryOf(manifest, ['node', 'default', 'require']) === undefined ? 'module' : 'both';
}

function entryOf(manifest: Manifest, conditions: readonly string[]): string | undefined {
  const { exports, main = 'index.js' } = manifest;
  if (exports === undefined || exports === null) return main;
  const root = (exports as { '.'?: unknown })['.'] ?? exports;
  return target(root, conditions);
}

/** The file that the first matching condition leads to. */
function target(entry: unknown, conditions: readonly string[]): string | undefined {
  if (typeof entry === 'string') return entry;
  if (Array.isArray(entry)) return entry.map((one) => target(one, conditions)).find((one) => one !== undefined);
  if (typeof entry !== 'object' || entry === null) return undefined;
  for (const [condition, value] of Object.entries(entry)) {
    const found = conditions.includes(condition) ? target(value, conditions) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

/** As Node decides: by the ending, else by the nearest package.json. */
function isModule(folder: string, entry: string): boolean {
  if (/\.[mc]js$/.test(entry)) return entry.endsWith('.mjs');
  for (let at = dirname(join(folder, entry)); at.startsWith(folder); at = dirname(at)) {
    const path = join(at, 'package.json');
    if (!exists(path)) continue;
    try {
      return (JSON.parse(readFileSync(path, 'utf8')) as Manifest).type === 'module';
    } catch {
      return false;
    }
  }
  return false;
}

function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    // `[eval]` and the like are no files.
    return resolve(path);
  }
}
