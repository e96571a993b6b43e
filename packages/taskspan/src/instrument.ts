import { createRequire } from 'node:module';
import { safely } from '@taskspan/core/hub';
import type { Config } from './config.ts';
import { LibraryLoading } from './library-loading.ts';
import { LogBridges } from './log-bridges.ts';
import { ModuleWatch } from './module-watch.ts';
import { findOfficial, OFFICIAL } from './official-package.ts';
import type { enableOfficial, Switchable } from './official-set.ts';
import type { Operations } from './operations.ts';
import type { Pipeline } from './pipeline.ts';

// Loaded when the application has them.
const load = createRequire(import.meta.url);
const loadOfficialSet = (): { enableOfficial: typeof enableOfficial } => load('./official-set.js');

/** What was switched on. */
export interface InstrumentationSet {
  /** The application has an SDK of its own now: its instrumentations act, ours of the same libraries do not. */
  yieldToLaterSdk(): void;
  /** The process is about to end: what nobody has heard of yet is said now. */
  end(): void;
  disable(): void;
}

export interface InstrumentationOptions {
  /**
   * Nothing of the application is loaded yet. A bridge waits for its logger then: most of its cost is that of loading
   * what it is built on, which an application without that logger does not pay.
   */
  readonly beforeApplication?: boolean | undefined;
  readonly operations?: Operations | undefined;
  /** Called a little after it has changed which libraries are captured. */
  readonly onLibraries: () => void;
}

/**
 * Switches the log bridges and the instrumentations of job libraries on, and the official instrumentations if the
 * application has them installed, so that HTTP and database spans appear below the task that made them.
 */
export function enableInstrumentations(
  config: Config,
  pipeline: Pipeline,
  options: InstrumentationOptions,
): InstrumentationSet {
  const { beforeApplication = false, operations, onLibraries } = options;
  const official = findOfficial();
  const modules = new ModuleWatch();
  const bridges = new LogBridges(config, pipeline);
  const ours = official === undefined || official.registered ? undefined : official;
  // The official ones load the same base, so there is nothing to win beside them.
  if (beforeApplication && ours === undefined && !config.bridges.console) bridges.await(modules);
  else bridges.enable();
  const set = ours && safely(`loading ${OFFICIAL}`, () => loadOfficialSet().enableOfficial(ours, config, pipeline));
  const enabled = set?.instrumentations ?? [];
  const libraries = new LibraryLoading({
    names: config.libraries,
    operations,
    pipeline,
    modules,
    beforeApplication,
    official,
    importsHooked: set?.hooksImports ?? false,
    quiet: config.quiet,
    onChange: onLibraries,
  });
  safely('awaiting job libraries', () => libraries.begin());
  return {
    yieldToLaterSdk: () => {
      disableAll(enabled);
      libraries.yieldToLaterSdk();
    },
    end: () => libraries.end(),
    disable: () => {
      libraries.disable();
      disableAll(enabled);
      bridges.disable();
    },
  };
}

function disableAll(instrumentations: Switchable[]): void {
  for (const one of instrumentations.splice(0)) safely('disabling an instrumentation', () => one.disable());
}
