import { createRequire, register } from 'node:module';
import { pathToFileURL } from 'node:url';
import { reportOnce, safely } from '@taskspan/core/hub';
import { ConsoleBridge, OFFICIAL_INSTRUMENTATIONS, PinoBridge, WinstonBridge } from '@taskspan/instrumentations';
import { currentLocation } from './app-package.ts';
import type { Config } from './config.ts';
import type { LogBridge } from './config-options.ts';
import type { Pipeline } from './pipeline.ts';

/** What was switched on. */
export interface InstrumentationSet {
  /** The application has an SDK of its own now: its instrumentations act, ours of the same libraries do not. */
  yieldToLaterSdk(): void;
  disable(): void;
}

interface Switchable {
  setLoggerProvider?(provider: Pipeline['loggerProvider']): void;
  setTracerProvider?(provider: Pipeline['tracerProvider']): void;
  setMeterProvider?(provider: Pipeline['meterProvider']): void;
  disable(): void;
}

const BRIDGES: Readonly<Record<LogBridge, new () => Switchable>> = {
  winston: WinstonBridge,
  pino: PinoBridge,
  console: ConsoleBridge,
};

const AUTO = '@opentelemetry/auto-instrumentations-node';

/**
 * Switches the log bridges on, and the official instrumentations if the application has them installed, so that HTTP
 * and database spans appear below the task that made them.
 */
export function enableInstrumentations(config: Config, pipeline: Pipeline): InstrumentationSet {
  const bridges: Switchable[] = [];
  for (const name of Object.keys(BRIDGES) as LogBridge[]) {
    if (!config.bridges[name]) continue;
    const bridge = safely(`the ${name} bridge`, () => new BRIDGES[name]());
    if (bridge === undefined) continue;
    // Lines within runs are ours to keep, whoever holds the global logger provider.
    bridge.setLoggerProvider?.(pipeline.loggerProvider);
    bridges.push(bridge);
  }
  const official = safely(`loading ${AUTO}`, () => enableOfficial(config, pipeline)) ?? [];
  return {
    yieldToLaterSdk: () => disableAll(official),
    disable: () => disableAll([...official, ...bridges]),
  };
}

function disableAll(instrumentations: readonly Switchable[]): void {
  for (const one of instrumentations) safely('disabling an instrumentation', () => one.disable());
}

interface AutoInstrumentations {
  getNodeAutoInstrumentations(config: Readonly<Record<string, unknown>>): Switchable[];
}

function enableOfficial(config: Config, pipeline: Pipeline): Switchable[] {
  const entry = resolveFromApp(AUTO);
  // The application registers them by itself: two sets would wrap every library twice.
  if (entry === undefined || isRegisteredByApp()) return [];
  const requireFromAuto = createRequire(entry);
  registerLoaderHooks(requireFromAuto);
  const { getNodeAutoInstrumentations } = requireFromAuto(entry) as AutoInstrumentations;
  const settings: Record<string, unknown> = { ...OFFICIAL_INSTRUMENTATIONS };
  for (const name of config.disabledInstrumentations) {
    settings[`@opentelemetry/instrumentation-${name}`] = { enabled: false };
  }
  const instrumentations = getNodeAutoInstrumentations(settings);
  for (const one of instrumentations) {
    one.setTracerProvider?.(pipeline.tracerProvider);
    one.setMeterProvider?.(pipeline.meterProvider);
    one.setLoggerProvider?.(pipeline.loggerProvider);
  }
  return instrumentations;
}

/** Path of a package of the application, seen from its main file; undefined when it does not have it. */
function resolveFromApp(name: string): string | undefined {
  const { script, cwd } = currentLocation();
  for (const from of [script, cwd === undefined ? undefined : `${cwd}/package.json`]) {
    if (from === undefined) continue;
    try {
      return createRequire(pathToFileURL(from)).resolve(name);
    } catch {
      // Not installed there: the answer of the next place counts.
    }
  }
  return undefined;
}

function isRegisteredByApp(): boolean {
  return [...process.execArgv, process.env['NODE_OPTIONS'] ?? ''].some((flag) => flag.includes(AUTO));
}

/** ES modules of the application are seen through loader hooks: those of the very copy that the instrumentations use. */
function registerLoaderHooks(requireFromAuto: NodeJS.Require): void {
  const base = requireFromAuto.resolve('@opentelemetry/instrumentation');
  const requireFromBase = createRequire(base);
  try {
    const hooks = requireFromBase('import-in-the-middle/register-hooks.mjs') as {
      register(): void;
      supportsSyncHooks(): boolean;
    };
    if (hooks.supportsSyncHooks()) {
      hooks.register();
      return;
    }
  } catch {
    // An older copy has only the hooks of the loader thread.
  }
  if (Number.parseInt(process.versions.node, 10) >= 26) {
    reportOnce('loader hooks', `${AUTO} is too old to see ES modules on this version of Node.js; update it`);
    return;
  }
  register('import-in-the-middle/hook.mjs', pathToFileURL(base));
}
