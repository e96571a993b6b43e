/**
 * What the code and the environment say, as one frozen value: code before environment before default. A pure function:
 * it reads no disk, opens nothing, warns nobody; what is wrong stands in `warnings`, for the caller to print.
 */

import {
  COMPRESSIONS,
  type ConfigOptions,
  type ConfigWarning,
  DIAG_LEVELS,
  type DiagLevelName,
  type Environment,
  type LogBridge,
  type MetricReaderName,
  type PropagatorName,
  SAMPLERS,
  type SamplerName,
} from './config-options.ts';
import { ConfigSource } from './config-source.ts';

export type { ConfigOptions, ConfigWarning, Environment } from './config-options.ts';

export interface Config {
  readonly disabled: boolean;
  readonly serviceName: string | undefined;
  readonly resourceAttributes: Readonly<Record<string, string | number>>;
  readonly sampler: SamplerName;
  /** 0..1, for the `traceidratio` samplers. */
  readonly samplerRatio: number;
  readonly sendTraces: boolean;
  readonly sendLogs: boolean;
  /** Empty: no metrics leave the process. */
  readonly metricReaders: readonly MetricReaderName[];
  readonly prometheusHost: string;
  readonly prometheusPort: number;
  readonly metricIntervalMs: number;
  readonly propagators: readonly PropagatorName[];
  readonly logLevel: DiagLevelName;
  readonly disabledInstrumentations: readonly string[];
  /** As given: it may be relative to the working folder. */
  readonly dir: string | undefined;
  readonly logsDir: string | undefined;
  readonly files: boolean;
  /** Per process; 0: runs always share files. */
  readonly runFilesPerHour: number | 'unlimited';
  /** What is kept of the log files; undefined when nothing is to be deleted. */
  readonly retention: { readonly days: number; readonly bytes: number; readonly files: number } | undefined;
  readonly compression: (typeof COMPRESSIONS)[number];
  /** How late a reader that follows a log may be where the file system tells of no changes. */
  readonly logRefreshIntervalMs: number;
  /** How many jobs' logs a reader remembers. */
  readonly logCacheSize: number;
  /** Per process; 0: what cannot be delivered waits in memory. */
  readonly spoolMaxBytes: number;
  readonly bridges: Readonly<Record<LogBridge, boolean>>;
  /** Names of the instrumentations of job libraries, and carriers, that are on. */
  readonly libraries: readonly string[];
  readonly namespace: string | undefined;
  readonly ignoreScopes: readonly string[];
  readonly quiet: boolean;
  /** The environment with what is decided here written into it, for `readDeliveryConfig`: it has nothing left to warn about these. */
  readonly otlpEnvironment: Environment;
  readonly warnings: readonly ConfigWarning[];
}

/** setTimeout takes no more than a signed 32-bit number. */
const LONGEST_TIMER_MS = 2_147_483_647;
const FROM_ONE = { least: 1, most: Number.MAX_SAFE_INTEGER, whole: true };

/**
 * Reads every setting of the table `CONFIG`.
 *
 * @param env usually `process.env`; an empty value counts as unset
 * @param options what the code says
 * @returns a frozen configuration; never throws
 */
export function readConfig(env: Environment, options: ConfigOptions = {}): Config {
  const source = new ConfigSource(env, options);
  const endpoint = source.url('endpoint');
  const endpoints = {
    traces: source.url('tracesEndpoint'),
    metrics: source.url('metricsEndpoint'),
    logs: source.url('logsEndpoint'),
  };
  const sent = (signal: keyof typeof endpoints): 'otlp' | undefined =>
    (endpoints[signal] ?? endpoint) === undefined ? undefined : 'otlp';
  const traces = source.exporters('tracesExporter', sent('traces') ?? 'none');
  const metrics = source.exporters('metricsExporter', sent('metrics') ?? 'prometheus');
  const logs = source.exporters('logsExporter', sent('logs') ?? 'none');
  const metricIntervalMs = source.number('metricIntervalMs', { fallback: 15_000, least: 1, most: LONGEST_TIMER_MS });
  const config = {
    disabled: source.flag('disabled', false),
    serviceName: source.text('serviceName'),
    resourceAttributes: source.attributes('resourceAttributes'),
    sampler: source.oneOf('sampler', SAMPLERS, 'parentbased_always_on'),
    samplerRatio: source.number('samplerRatio', { fallback: 1, least: 0, most: 1 }),
    sendTraces: traces.includes('otlp'),
    sendLogs: logs.includes('otlp'),
    metricReaders: (['prometheus', 'otlp'] as const).filter((name) => metrics.includes(name)),
    prometheusHost: source.text('prometheusHost') ?? '127.0.0.1',
    prometheusPort: source.number('prometheusPort', { fallback: 9464, least: 0, most: 65_535, whole: true }),
    metricIntervalMs,
    propagators: source.propagators(),
    logLevel: source.oneOf('logLevel', DIAG_LEVELS, 'none'),
    disabledInstrumentations: source.list('disabledInstrumentations') ?? [],
    dir: source.text('dir'),
    logsDir: source.text('logsDir'),
    files: source.flag('files', true),
    runFilesPerHour: source.runFilesPerHour(),
    retention: source.flag('retention', true)
      ? {
          days: source.number('retentionDays', { fallback: 7, ...FROM_ONE }),
          bytes: source.number('retentionBytes', { fallback: 5 * 1024 ** 3, ...FROM_ONE }),
          files: source.number('retentionFiles', { fallback: 200_000, ...FROM_ONE }),
        }
      : undefined,
    compression: source.oneOf('compression', COMPRESSIONS, 'gzip'),
    logRefreshIntervalMs: source.number('logRefreshIntervalMs', { fallback: 1000, least: 1, most: LONGEST_TIMER_MS }),
    logCacheSize: source.number('logCacheSize', { ...FROM_ONE, fallback: 100, least: 0 }),
    spoolMaxBytes: source.number('spoolMaxBytes', {
      fallback: 256 * 1024 * 1024,
      least: 0,
      most: Number.MAX_SAFE_INTEGER,
      whole: true,
    }),
    bridges: source.bridges(),
    libraries: source.libraries(),
    namespace: source.namespace(),
    ignoreScopes: source.list('ignoreScopes') ?? [],
    quiet: source.flag('quiet', false),
    otlpEnvironment: {
      ...env,
      OTEL_TRACES_EXPORTER: traces.join(),
      OTEL_METRICS_EXPORTER: metrics.join(),
      OTEL_LOGS_EXPORTER: logs.join(),
      OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: endpoints.traces,
      OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: endpoints.metrics,
      OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: endpoints.logs,
      OTEL_METRIC_EXPORT_INTERVAL: String(metricIntervalMs),
    },
    warnings: source.warnings,
  } satisfies Config;
  for (const value of Object.values(config)) Object.freeze(value);
  return Object.freeze(config);
}

/** A warning as a sentence. */
export function describeWarning(warning: ConfigWarning): string {
  return `${warning.key}: ${JSON.stringify(warning.value)} is not understood; using ${warning.fallback}`;
}
