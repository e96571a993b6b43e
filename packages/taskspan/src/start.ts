import { isMainThread } from 'node:worker_threads';
import { DiagConsoleLogger, DiagLogLevel, diag } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import type { IMetricReader, ViewOptions } from '@opentelemetry/sdk-metrics';
import type { SpanProcessor } from '@opentelemetry/sdk-trace-base';
import { closeOpenRuns, reportOnce, state } from '@taskspan/core/hub';
import { readDeliveryConfig } from '@taskspan/delivery/config';
import { MetricsServer, ProcessFile, samplerFromEnvironment } from '@taskspan/metrics';
import { findApiCopies } from './api-copies.ts';
import { type Config, type ConfigOptions, describeWarning, readConfig } from './config.ts';
import type { DiagLevelName } from './config-options.ts';
import { type ExitHandlers, installExitHandlers } from './exit.ts';
import {
  describeEarlierSdk,
  describeYield,
  registerGlobals,
  takenSlots,
  type YieldHandle,
  yieldToLaterSdk,
} from './global-slots.ts';
import { greet } from './greeting.ts';
import { isBeforeApplication } from './host-program.ts';
import { enableInstrumentations, type InstrumentationSet } from './instrument.ts';
import { lazyPropagator } from './lazy-propagator.ts';
import { LogRetention } from './log-retention.ts';
import type { Operations } from './operations.ts';
import { describeTwoCopies, OWN_COPY, type PackageCopy } from './package-copy.ts';
import { Pipeline } from './pipeline.ts';
import { isCalledByPreload } from './preloaded-file.ts';
import { findProcessPlace } from './process-place.ts';
import type { Redact } from './redaction.ts';
import { ThreadNumbers } from './thread-numbers.ts';

/** What code says; it goes before the environment, which goes before the defaults. */
export interface StartOptions extends ConfigOptions {
  /**
   * Names the runs of a job library, by the name of the library: `{ bullmq: (job) => job.name }`. A name is a metric
   * label, so it must be bounded: no ids. Undefined is the usual name.
   */
  readonly operations?: Operations | undefined;
  /** Takes secrets out of every record and span before file and exporter. */
  readonly redact?: Redact | undefined;
  /** Views of the application; where one selects a metric of ours, ours steps aside. */
  readonly views?: readonly ViewOptions[] | undefined;
  /** Further span processors. */
  readonly spanProcessors?: readonly SpanProcessor[] | undefined;
  /** Further metric readers. */
  readonly metricReaders?: readonly IMetricReader[] | undefined;
}

/** The toolkit at work in this process. */
export interface Taskspan {
  /** Folder of the toolkit, absolute; undefined when nothing can be written. */
  readonly directory: string | undefined;
  /** Folder of the log files, absolute; undefined when none are written. */
  readonly logsFolder: string | undefined;
  /** Where `/metrics` is served, once it is; undefined when it is not. */
  readonly metricsUrl: Promise<string | undefined>;
  /** Resolves when all that was recorded so far is on disk, and delivered or refused. */
  forceFlush(): Promise<void>;
  /** Flushes and stops everything; the toolkit can be started again afterwards. */
  shutdown(): Promise<void>;
}

/** How register differs from a call of `start()`: it runs before the application, and must not be in its way. */
export interface StartMode {
  /** Milliseconds by which the metrics server waits, so that an exporter of the application gets its port first. */
  readonly serveAfterMs?: number;
  /**
   * Nothing of the application is loaded yet, unless it was the one that loaded register, so what takes part in its
   * modules can wait until it loads them.
   */
  readonly beforeApplication?: boolean;
}

const DIAG_LEVELS: Readonly<Record<DiagLevelName, DiagLogLevel>> = {
  none: DiagLogLevel.NONE,
  error: DiagLogLevel.ERROR,
  warn: DiagLogLevel.WARN,
  info: DiagLogLevel.INFO,
  debug: DiagLogLevel.DEBUG,
  verbose: DiagLogLevel.VERBOSE,
  all: DiagLogLevel.ALL,
};

const INERT: Taskspan = {
  directory: undefined,
  logsFolder: undefined,
  metricsUrl: Promise.resolve(undefined),
  forceFlush: () => Promise.resolve(),
  shutdown: () => Promise.resolve(),
};

/**
 * Starts the toolkit in this process: spans, metrics and one log file per run for every task from now on.
 *
 * A second call returns what the first one started. With `OTEL_SDK_DISABLED=true` nothing happens. Where another
 * OpenTelemetry SDK is registered already, nothing happens either, and a warning names `taskspan/sdk`. Never throws.
 */
export function start(options: StartOptions = {}, mode: StartMode = {}): Taskspan {
  const { owner } = state;
  if (owner !== undefined) {
    if (!(owner instanceof RunningTaskspan)) {
      reportOnce('copies', describeTwoCopies(owner));
      return INERT;
    }
    // Without options it is asked for, not started: such as for a flush in an application that runs under the flag.
    if (Object.keys(options).length > 0)
      reportOnce('start', 'taskspan is started already in this process; the options of this start are ignored');
    return owner;
  }
  const config = readConfig(process.env, options);
  if (config.disabled) return INERT;
  // What OpenTelemetry's diagnostics print anyway is not said twice.
  state.warn = DIAG_LEVELS[config.logLevel] >= DiagLogLevel.WARN ? undefined : warnOnStderr;
  for (const warning of config.warnings) reportOnce(`config.${warning.key}`, describeWarning(warning));
  if (config.logLevel !== 'none') {
    diag.setLogger(new DiagConsoleLogger(), { logLevel: DIAG_LEVELS[config.logLevel], suppressOverrideMessage: true });
  }
  const taken = takenSlots();
  if (taken.includes('trace')) {
    reportOnce('earlier SDK', describeEarlierSdk(taken));
    return INERT;
  }
  return new RunningTaskspan({ config, options, mode });
}

/** Whether this call of `start()` stands in a file that `--import` or `--require` names. */
function isPreloading(): boolean {
  const flags = [...process.execArgv, ...(process.env['NODE_OPTIONS'] ?? '').split(/\s+/)];
  return isCalledByPreload(new Error('start').stack ?? '', flags);
}

function warnOnStderr(message: string): void {
  process.stderr.write(`taskspan: ${message}\n`);
}

interface Setup {
  readonly config: Config;
  readonly options: StartOptions;
  readonly mode: StartMode;
}

class RunningTaskspan implements Taskspan {
  /** Read by other copies. */
  readonly copy: PackageCopy = OWN_COPY;
  readonly directory: string | undefined;
  readonly logsFolder: string | undefined;
  readonly #pipeline: Pipeline;
  readonly #globals: YieldHandle;
  readonly #server: MetricsServer | undefined;
  readonly #processFile: ProcessFile | undefined;
  readonly #exit: ExitHandlers;
  readonly #instrumentations: InstrumentationSet;
  readonly #threads: ThreadNumbers;
  readonly #retention: LogRetention | undefined;
  readonly #stopGreeting: () => void;
  readonly #url: Promise<string | undefined>;
  #serveDelay: NodeJS.Timeout | undefined;
  #listed: { readonly url: string | undefined } | undefined;
  #stopped: Promise<void> | undefined;

  constructor({ config, options, mode }: Setup) {
    state.owner = this;
    const { attributes, service, instanceId, directory, logsFolder } = findProcessPlace(config);
    this.directory = directory;
    this.logsFolder = logsFolder;
    const delivery = readDeliveryConfig(config.otlpEnvironment);
    for (const warning of delivery.warnings) reportOnce(`delivery.${warning}`, warning);
    this.#pipeline = new Pipeline({
      attributes,
      instanceId,
      logsFolder,
      runFilesPerHour: config.runFilesPerHour,
      namespace: config.namespace,
      ignoreScopes: config.ignoreScopes,
      // The numbers of a worker thread are the main thread's to report.
      delivery: isMainThread ? delivery : { ...delivery, metrics: undefined, prometheus: false },
      spool:
        directory === undefined || config.spoolMaxBytes === 0
          ? undefined
          : { directory, maxBytes: config.spoolMaxBytes, service },
      redact: options.redact,
      sampler: () =>
        samplerFromEnvironment({
          OTEL_TRACES_SAMPLER: config.sampler,
          OTEL_TRACES_SAMPLER_ARG: String(config.samplerRatio),
        }),
      views: options.views ?? [],
      spanProcessors: options.spanProcessors ?? [],
      metricReaders: options.metricReaders ?? [],
    });
    const pipeline = this.#pipeline;
    state.tracerProvider = pipeline.tracerProvider;
    state.fileNamer = pipeline.fileNamer;
    state.logRoom = pipeline.logRoom;
    if (pipeline.sink !== undefined) state.sinks.push(pipeline.sink);
    state.runObservers.push(pipeline.taskMetrics);
    this.#threads = new ThreadNumbers(pipeline);
    this.#instrumentations = enableInstrumentations(config, pipeline, {
      beforeApplication: mode.beforeApplication === true ? isBeforeApplication() : isPreloading(),
      operations: options.operations,
      onLibraries: () => this.#list(),
    });
    this.#globals = this.#fillGlobalSlots(config);
    this.#exit = installExitHandlers({
      flushAsync: (timeoutMs) => pipeline.forceFlush(timeoutMs),
      flushSync: () => this.#flushAtExit(),
      closeOpenRuns,
    });
    const serves = isMainThread && delivery.prometheus;
    this.#server = serves ? new MetricsServer(() => pipeline.scrapeSource()) : undefined;
    this.#processFile =
      this.directory === undefined || !isMainThread
        ? undefined
        : new ProcessFile({ dir: this.directory, instance: instanceId, service });
    this.#retention = isMainThread ? LogRetention.begin(logsFolder, config) : undefined;
    this.#url = this.#serve(config, mode);
    this.#stopGreeting = greet({ quiet: config.quiet, metricsUrl: this.#url, logsFolder: this.logsFolder, delivery });
    pipeline.warmUp(mode.serveAfterMs ?? 0);
  }

  /** Fills the slots through which the application finds us; an SDK that it registers later gets them. */
  #fillGlobalSlots(config: Config): YieldHandle {
    const { tracerProvider, meterProvider, loggerProvider } = this.#pipeline;
    const copies = findApiCopies();
    const propagator = lazyPropagator(config.propagators);
    const registration = registerGlobals(copies, {
      tracerProvider,
      meterProvider,
      loggerProvider,
      contextManager: new AsyncLocalStorageContextManager().enable(),
      ...(propagator && { propagator }),
    });
    return yieldToLaterSdk(copies, {
      registration,
      onYield: (event) => {
        this.#instrumentations.yieldToLaterSdk();
        reportOnce('later SDK', describeYield(event));
      },
    });
  }

  get metricsUrl(): Promise<string | undefined> {
    // Whoever waits for it does not end before it is known; nobody else is kept alive by the delay.
    this.#serveDelay?.ref();
    return this.#url;
  }

  forceFlush(): Promise<void> {
    return this.#pipeline.forceFlush();
  }

  shutdown(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #serve(config: Config, mode: StartMode): Promise<string | undefined> {
    const delayMs = mode.serveAfterMs ?? 0;
    if (delayMs > 0) {
      await new Promise<void>((resolve) => {
        this.#serveDelay = setTimeout(resolve, delayMs).unref();
      });
      this.#serveDelay = undefined;
    }
    if (this.#stopped !== undefined) return undefined;
    const url = await this.#server?.start({ host: config.prometheusHost, port: config.prometheusPort });
    if (this.#stopped === undefined) {
      this.#listed = { url };
      this.#list();
    }
    return url;
  }

  /** Says what this process is, once it is known where it serves; again when it has loaded libraries since. */
  #list(): void {
    if (this.#listed !== undefined) this.#processFile?.write(this.#listed.url, [...state.libraries.values()]);
  }

  #flushAtExit(): void {
    this.#instrumentations.end();
    this.#threads.flush();
    this.#pipeline.flushSync();
    this.#unlist();
  }

  #unlist(): void {
    if (this.#listed !== undefined) this.#processFile?.remove();
    this.#listed = undefined;
  }

  async #stop(): Promise<void> {
    this.#exit.uninstall();
    this.#stopGreeting();
    this.#instrumentations.disable();
    this.#globals.release();
    const { sinks, runObservers } = state;
    const { sink } = this.#pipeline;
    if (sink !== undefined) sinks.splice(sinks.indexOf(sink), 1);
    runObservers.splice(runObservers.indexOf(this.#pipeline.taskMetrics), 1);
    state.tracerProvider = undefined;
    state.fileNamer = undefined;
    state.logRoom = undefined;
    this.#threads.close();
    await this.#retention?.stop();
    await this.#server?.stop();
    await this.#pipeline.shutdown();
    this.#unlist();
    state.warn = undefined;
    state.owner = undefined;
  }
}
