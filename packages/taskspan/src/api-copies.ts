/**
 * Which copies of the OpenTelemetry API live in this process. Each physical copy, and from 1.10 on each of its two
 * builds (ES module and CommonJS), has singletons of its own; they meet in global slots only, and only when their
 * versions agree. Loading a copy here costs the app nothing: it is the same module when the app loads it.
 */

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type * as Api from '@opentelemetry/api';
import type * as ApiLogs from '@opentelemetry/api-logs';
import { safely } from '@taskspan/core/hub';
import { type AppLocation, currentLocation } from './app-package.ts';

/** The singletons of one build. `logs` is there from 1.10 on. */
export type ApiModule = Pick<typeof Api, 'context' | 'diag' | 'metrics' | 'propagation' | 'trace'> & {
  readonly logs?: { setGlobalLoggerProvider(provider: ApiLogs.LoggerProvider): unknown };
};
type ApiLogsModule = Pick<typeof ApiLogs, 'logs'>;

/** One physical copy of a package. */
export interface ApiCopy<Module = ApiModule> {
  /** Absolute real path of the package's folder. */
  readonly folder: string;
  readonly version: string;
  /** Its builds, the CommonJS one first. */
  readonly modules: readonly Module[];
}

export interface ApiCopies {
  /** `@opentelemetry/api`, our own copy first. */
  readonly api: readonly ApiCopy[];
  /** `@opentelemetry/api-logs`, likewise. */
  readonly logs: readonly ApiCopy<ApiLogsModule>[];
}

/** Packages through which an app registers an SDK: npm may have nested a copy of the API below any of them. */
const SDK_PACKAGES: readonly string[] = [
  '@opentelemetry/sdk-node',
  '@opentelemetry/auto-instrumentations-node',
  '@opentelemetry/sdk-trace-node',
  '@opentelemetry/sdk-trace',
  '@opentelemetry/sdk-logs',
];

/**
 * Finds the copies that matter: ours, the one that the app's main script (else its working folder) resolves, and those
 * that its OpenTelemetry SDK packages resolve. What cannot be resolved or loaded is passed over.
 */
export function findApiCopies(location: AppLocation = currentLocation()): ApiCopies {
  const places = [import.meta.url, ...appPlaces(location)];
  return {
    api: loadCopies<ApiModule>('@opentelemetry/api', places),
    logs: loadCopies<ApiLogsModule>('@opentelemetry/api-logs', places),
  };
}

/**
 * The copy to register globals through. A copy reads globals that were registered at its own major and at a minor not
 * below its own, so the highest version is the one that all can read.
 *
 * @returns undefined when there is no copy
 */
export function chooseRegistrar(copies: ApiCopies): ApiCopy | undefined {
  const [own] = copies.api;
  if (own === undefined) return undefined;
  return copies.api
    .filter((copy) => majorOf(copy.version) === majorOf(own.version))
    .reduce((best, copy) => (compareVersions(copy.version, best.version) > 0 ? copy : best), own);
}

/** The first number of a version. */
export function majorOf(version: string): number {
  return Number.parseInt(version, 10);
}

/** Positive when `a` is the later one. A prerelease comes before its release: nobody else can read it. */
function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((version) => [
    version.includes('-') ? 0 : 1,
    ...version.split(/[.+-]/, 3).map((part) => Number.parseInt(part, 10) || 0),
  ]);
  for (const [index, part] of (left ?? []).entries()) {
    const difference = part - (right?.[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Files from which the app's modules are resolved. */
function appPlaces(location: AppLocation): string[] {
  const starts = [location.script, location.cwd === undefined ? undefined : join(location.cwd, 'package.json')];
  const places: string[] = [];
  for (const start of starts) {
    if (start === undefined || start === '-') continue;
    places.push(start);
    for (const name of SDK_PACKAGES) {
      const entry = resolveFrom(start, name);
      if (entry !== undefined) places.push(entry);
    }
  }
  return places;
}

function loadCopies<Module>(name: string, places: readonly string[]): ApiCopy<Module>[] {
  const copies = new Map<string, ApiCopy<Module>>();
  for (const entry of new Set(places.map((place) => resolveFrom(place, name)))) {
    const found = entry === undefined ? undefined : findManifest(dirname(entry), name);
    if (entry === undefined || found === undefined || copies.has(found.folder)) continue;
    const entries = [entry, moduleEntry(found.folder, found.exports)].filter((path) => path !== undefined);
    const modules = [...new Set(entries)].flatMap((path) => load<Module>(found.folder, path) ?? []);
    if (modules.length > 0) copies.set(found.folder, { folder: found.folder, version: found.version, modules });
  }
  return [...copies.values()];
}

function resolveFrom(place: string, name: string): string | undefined {
  try {
    return createRequire(place).resolve(name);
  } catch {
    // Not installed there, or a place that is no path (`[eval]`).
    return undefined;
  }
}

interface Manifest {
  readonly folder: string;
  readonly version: string;
  readonly exports: unknown;
}

/** Goes upward from the entry: `package.json` itself is not always exported. */
function findManifest(start: string, name: string): Manifest | undefined {
  for (let folder = start; dirname(folder) !== folder; folder = dirname(folder)) {
    const manifest = safelyParsed(join(folder, 'package.json'));
    if (manifest?.['name'] !== name || typeof manifest['version'] !== 'string') continue;
    return { folder, version: manifest['version'], exports: manifest['exports'] };
  }
  return undefined;
}

function safelyParsed(path: string): Record<string, unknown> | undefined {
  try {
    const parsed: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : undefined;
  } catch {
    // No package.json at this level.
    return undefined;
  }
}

/** What `import` of the package gives on Node; undefined when the manifest does not say. */
function moduleEntry(folder: string, exported: unknown): string | undefined {
  let target: unknown = property(exported, '.');
  while (typeof target === 'object' && target !== null) {
    const conditions: object = target;
    const match = Object.keys(conditions).find((key) => ['node', 'import', 'module-sync', 'default'].includes(key));
    target = match === undefined ? undefined : property(conditions, match);
  }
  return typeof target === 'string' ? join(folder, target) : undefined;
}

function property(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined;
}

/** Required from inside its own package, where Node gives no warning about requiring an ES module. */
function load<Module>(folder: string, path: string): Module | undefined {
  return safely(`loading ${path}`, () => createRequire(join(folder, 'package.json'))(path) as Module);
}
