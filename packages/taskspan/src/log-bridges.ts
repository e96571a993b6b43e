import { createRequire } from 'node:module';
import { reportOnce, safely } from '@taskspan/core/hub';
import { awaitPinoLine } from '@taskspan/instrumentations/pino-channel';
import type { Config } from './config.ts';
import type { LogBridge } from './config-options.ts';
import { loadedPackages } from './loaded-packages.ts';
import type { ModuleWatch } from './module-watch.ts';
import type { Pipeline } from './pipeline.ts';

interface Bridge {
  setLoggerProvider?(provider: Pipeline['loggerProvider']): void;
  disable(): void;
}

const require = createRequire(import.meta.url);
type BridgeModule = typeof import('@taskspan/instrumentations/bridges');
const loadBridges = (): BridgeModule => require('@taskspan/instrumentations/bridges');

/** The bridges that the configuration asks for. */
export class LogBridges {
  readonly #config: Config;
  readonly #pipeline: Pipeline;
  readonly #stopWaiting: (() => void)[] = [];
  readonly #enabled: Bridge[] = [];
  #state: 'off' | 'on' | 'ended' = 'off';

  constructor(config: Config, pipeline: Pipeline) {
    this.#config = config;
    this.#pipeline = pipeline;
  }

  /** Enables them when a logger is about to be loaded, or writes a line: a bundled pino is seen by its lines only. */
  await(modules: ModuleWatch): void {
    const { winston, pino } = this.#config.bridges;
    const packages = [...(winston ? ['winston'] : []), ...(pino ? ['pino'] : [])];
    if (packages.length === 0) return;
    if (loadedPackages(packages).size > 0) {
      this.enable();
      return;
    }
    this.#stopWaiting.push(
      modules.await(packages, () => {
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
      import('@taskspan/instrumentations/bridges')
        .then((late) => this.#attach(late))
        .catch((error: unknown) => reportOnce('log bridges', `the log bridges could not be loaded: ${String(error)}`));
      return;
    }
    this.#attach(loaded);
  }

  #attach(loaded: BridgeModule): void {
    if (this.#state === 'ended') return;
    const classes: Readonly<Record<LogBridge, new () => Bridge>> = {
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
    for (const one of this.#enabled.splice(0)) safely('disabling a log bridge', () => one.disable());
  }
}
