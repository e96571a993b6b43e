import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { reportOnce } from '@taskspan/core/hub';
import { currentLocation } from './app-package.ts';
import type { Config } from './config.ts';
import { hookImports } from './import-hooks.ts';
import { ImportWrapperCopy } from './import-wrapper.ts';
import type { Pipeline } from './pipeline.ts';

/** An instrumentation that is on. */
export interface Switchable {
  setLoggerProvider?(provider: Pipeline['loggerProvider']): void;
  setTracerProvider?(provider: Pipeline['tracerProvider']): void;
  setMeterProvider?(provider: Pipeline['meterProvider']): void;
  disable(): void;
}

const require = createRequire(import.meta.url);

/** Name of the package. */
export const OFFICIAL = '@opentelemetry/auto-instrumentations-node';

interface AutoInstrumentations {
  getNodeAutoInstrumentations(config: Readonly<Record<string, unknown>>): Switchable[];
}

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

/** Those that are on. */
export interface OfficialSet {
  readonly instrumentations: Switchable[];
  /** Whether all that ES modules import is hooked for them. */
  readonly hooksImports: boolean;
}

/** Switches them on, with our providers. */
export function enableOfficial({ entry, base }: OfficialPackage, config: Config, pipeline: Pipeline): OfficialSet {
  const hooksImports = base !== undefined && registerLoaderHooks(base);
  const { getNodeAutoInstrumentations } = createRequire(entry)(entry) as AutoInstrumentations;
  const ours = require('@taskspan/instrumentations/bridges') as typeof import('@taskspan/instrumentations/bridges');
  const settings: Record<string, unknown> = { ...ours.OFFICIAL_INSTRUMENTATIONS };
  for (const name of config.disabledInstrumentations) {
    settings[`@opentelemetry/instrumentation-${name}`] = { enabled: false };
  }
  const instrumentations = getNodeAutoInstrumentations(settings);
  for (const one of instrumentations) {
    one.setTracerProvider?.(pipeline.tracerProvider);
    one.setMeterProvider?.(pipeline.meterProvider);
    one.setLoggerProvider?.(pipeline.loggerProvider);
  }
  return { instrumentations, hooksImports };
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

/** ES modules of the application are seen through loader hooks: those of the very copy that the instrumentations use. */
function registerLoaderHooks(base: string): boolean {
  const copy = ImportWrapperCopy.of(base);
  if (copy !== undefined && hookImports(copy, undefined) !== undefined) return true;
  reportOnce('loader hooks', `${OFFICIAL} is too old to see ES modules on this version of Node.js; update it`);
  return false;
}
