/** What can be set, and the words for it: the values of each kind, the options of code, the environment. */

export const SAMPLERS = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const;
export type SamplerName = (typeof SAMPLERS)[number];

export const PROPAGATORS = ['tracecontext', 'baggage', 'none'] as const;
export type PropagatorName = (typeof PROPAGATORS)[number];

export const DIAG_LEVELS = ['none', 'error', 'warn', 'info', 'debug', 'verbose', 'all'] as const;
export type DiagLevelName = (typeof DIAG_LEVELS)[number];

export const LOG_BRIDGES = ['winston', 'pino', 'console'] as const;
export type LogBridge = (typeof LOG_BRIDGES)[number];

export const COMPRESSIONS = ['gzip', 'zstd', 'off'] as const;

export type MetricReaderName = 'prometheus' | 'otlp';

/** What can be said in code. Each goes before its environment variable; undefined says nothing. */
export interface ConfigOptions {
  readonly disabled?: boolean | undefined;
  readonly serviceName?: string | undefined;
  /** Laid over those of the environment, key by key. */
  readonly resourceAttributes?: Readonly<Record<string, string | number>> | undefined;
  readonly sampler?: SamplerName | undefined;
  readonly samplerRatio?: number | undefined;
  readonly tracesExporter?: 'otlp' | 'none' | undefined;
  readonly metricsExporter?: 'none' | MetricReaderName | readonly MetricReaderName[] | undefined;
  readonly logsExporter?: 'otlp' | 'none' | undefined;
  readonly endpoint?: string | undefined;
  readonly tracesEndpoint?: string | undefined;
  readonly metricsEndpoint?: string | undefined;
  readonly logsEndpoint?: string | undefined;
  readonly prometheusHost?: string | undefined;
  readonly prometheusPort?: number | undefined;
  readonly metricIntervalMs?: number | undefined;
  readonly propagators?: readonly PropagatorName[] | undefined;
  readonly logLevel?: DiagLevelName | undefined;
  readonly disabledInstrumentations?: readonly string[] | undefined;
  readonly dir?: string | undefined;
  readonly logsDir?: string | undefined;
  readonly files?: boolean | undefined;
  readonly runFilesPerHour?: number | 'unlimited' | undefined;
  readonly retention?: boolean | undefined;
  readonly retentionDays?: number | undefined;
  readonly retentionBytes?: number | undefined;
  readonly retentionFiles?: number | undefined;
  readonly compression?: (typeof COMPRESSIONS)[number] | undefined;
  /** Milliseconds. */
  readonly logRefreshIntervalMs?: number | undefined;
  readonly logCacheSize?: number | undefined;
  /** Bytes. */
  readonly spoolMaxBytes?: number | undefined;
  /** Names of loggers and job libraries with a leading `+` or `-`. */
  readonly instrumentations?: readonly string[] | undefined;
  readonly console?: boolean | undefined;
  readonly namespace?: string | undefined;
  readonly ignoreScopes?: readonly string[] | undefined;
  readonly quiet?: boolean | undefined;
}

/** A value that was not understood, and what holds instead. Passwords in URLs are blanked. */
export interface ConfigWarning {
  /** The environment variable, or the option of `start()`. */
  readonly key: string;
  readonly value: string;
  readonly fallback: string;
}

/** The part of `process.env` that is read. */
export type Environment = Readonly<Record<string, string | undefined>>;
