import { createRequire } from 'node:module';
import { reportOnce } from '@taskspan/core/hub';
import type { Config } from './config.ts';
import { hookImports } from './import-hooks.ts';
import { ImportWrapperCopy } from './import-wrapper.ts';
import { OFFICIAL, type OfficialPackage } from './official-package.ts';
import type { Pipeline } from './pipeline.ts';

const require = createRequire(import.meta.url);

/** An instrumentation that is on. */
export interface Switchable {
  setLoggerProvider?(provider: Pipeline['loggerProvider']): void;
  setTracerProvider?(provider: Pipeline['tracerProvider']): void;
  setMeterProvider?(provider: Pipeline['meterProvider']): void;
  disable(): void;
}

interface AutoInstrumentations {
  getNodeAutoInstrumentations(config: Readonly<Record<string, unknown>>): Switchable[];
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

/** ES modules of the application are seen through loader hooks: those of the very copy that the instrumentations use. */
function registerLoaderHooks(base: string): boolean {
  const copy = ImportWrapperCopy.of(base);
  if (copy !== undefined && hookImports(copy, undefined) !== undefined) return true;
  reportOnce('loader hooks', `${OFFICIAL} is too old to see ES modules on this version of Node.js; update it`);
  return false;
}
