import { createRequire, register } from 'node:module';
import { pathToFileURL } from 'node:url';
import { reportOnce, safely } from '@taskspan/core/hub';
import { awaitPinoLine } from '@taskspan/instrumentations/pino-channel';
import { currentLocation } from './app-package.ts';
import type { Config } from './config.ts';
import type { LogBridge } from './config-options.ts';
import { ModuleWatch } from './module-watch.ts';
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

const require = createRequire(import.meta.url);
type BridgeModule = typeof import('@taskspan/instrumentations');
const loadBridges = (): BridgeModule => require('@taskspan/instrumentations');

const AUTO = '@opentelemetry/auto-instrumentations-node';

/**
 * Switches the log bridges on, and the official instrumentations if the application has them installed, so that HTTP
 * and database spans appear below the task that made them.
 *
 * @param when with `beforeApplication` a bridge waits for its logger: most of its cost is that of loading what it is
 * built on, which an application without that logger does not pay
 */
export function enableInstrumentations(
  config: Config,
  pipeline: Pipeline,
  when: { readonly beforeApplication?: boolean },
): InstrumentationSet {
  const entry = findOfficial();
  const bridges = new Bridges(config, pipeline);
  // The official ones load the same base, so there is nothing to win beside them.
  if (when.beforeApplication === true && entry === undefined && !config.bridges.console) bridges.await();
  else bridges.enable();
  const official =
    entry === undefined ? [] : (safely(`loading ${AUTO}`, () => enableOfficial(entry, config, pipeline)) ?? []);
  return {
    yieldToLaterSdk: () => disableAll(official),
    disable: () => {
      disableAll(official);
      bridges.disable();
    },
  };
}

/** The bridges that the configuration asks for. */
class Bridges {
  readonly #config: Config;
  readonly #pipeline: Pipeline;
  readonly #stopWaiting: (() => void)[] = [];
  readonly #enabled: Switchable[] = [];
  #state: 'off' | 'on' | 'ended' = 'off';

  constructor(config: Config, pipeline: Pipeline) {
    this.#config = config;
    this.#pipeline = pipeline;
  }

  /** Enables them when a logger is about to be loaded, or writes a line: a bundled pino is seen by its lines only. */
  await(): void {
    const { winston, pino } = this.#config.bridges;
    const packages = [...(winston ? ['winston'] : []), ...(pino ? ['pino'] : [])];
    if (packages.length === 0) return;
    const watch = new ModuleWatch();
    this.#stopWaiting.push(
      watch.await(packages, () => {
        this.enable();
        return true;
      }),
    );
    if (pino) this.#stopWaiting.push(awaitPinoLine(() => this.enable()));
  }

  enable(): void {
    if (this.#state !== 'off') return;
    this.#state = 'on';
    let loaded: BridgeModule;
    try {
      loaded = loadBridges();
    } catch {
      // The application is importing the very package at this moment, which must come to its end first. Loggers that
      // are loaded by then are bridged all the same.
      import('@taskspan/instrumentations')
        .then((late) => this.#attach(late))
        .catch((error: unknown) => reportOnce('log bridges', `the log bridges could not be loaded: ${String(error)}`));
      return;
    }
    this.#attach(loaded);
  }

  #attach(loaded: BridgeModule): void {
    if (this.#state === 'ended') return;
    const classes: Readonly<Record<LogBridge, new () => Switchable>> = {
      winston: loaded.WinstonBridge,
      pino: loaded.PinoBridge,
      console: loaded.ConsoleBridge,
    };
    for (const name of Object.keys(classes) as LogBridge[]) {
      if (!this.#config.bridges[name]) continue;
      const bridge = safely(`the ${name} bridge`, () => new classes[name]());
      if (bridge === undefined) continue;
      // Lines within runs are ours to keep, whoever holds the global logger provider.
      bridge.setLoggerProvider?.(this.#pipeline.loggerProvider);
      this.#enabled.push(bridge);
    }
    // After the bridges listen, so that no listener of a channel comes and goes in between.
    for (const stop of this.#stopWaiting.splice(0)) stop();
  }

  disable(): void {
    this.#state = 'ended';
    for (const stop of this.#stopWaiting.splice(0)) stop();
    disableAll(this.#enabled.splice(0));
  }
}

function disableAll(instrumentations: readonly Switchable[]): void {
  for (const one of instrumentations) safely('disabling an instrumentation', () => one.disable());
}

interface AutoInstrumentations {
  getNodeAutoInstrumentations(config: Readonly<Record<string, unknown>>): Switchable[];
}

/** Entry of the official instrumentations, if the application has them and leaves them to us. */
function findOfficial(): string | undefined {
  const entry = resolveFromApp(AUTO);
  // The application registers them by itself: two sets would wrap every library twice.
  return isRegisteredByApp() ? undefined : entry;
}

function enableOfficial(entry: string, config: Config, pipeline: Pipeline): Switchable[] {
  const requireFromAuto = createRequire(entry);
  registerLoaderHooks(requireFromAuto);
  const { getNodeAutoInstrumentations } = requireFromAuto(entry) as AutoInstrumentations;
  const settings: Record<string, unknown> = { ...loadBridges().OFFICIAL_INSTRUMENTATIONS };
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
