/**
 * Every environment variable that this toolkit reads, once. `readConfig` reads by it, `docs/config.md` is made from it.
 * The OTLP details further down are read by `@taskspan/delivery`; they stand here so that one page names them all.
 */

import { LIBRARIES } from '@taskspan/instrumentations/libraries';
import { COMPRESSIONS, type ConfigOptions, DIAG_LEVELS, LOG_BRIDGES, PROPAGATORS, SAMPLERS } from './config-options.ts';

type ConfigType =
  | 'on or off'
  | 'true or false'
  | 'number'
  | 'text'
  | 'list'
  | 'one of'
  | 'URL'
  | 'path'
  | 'key=value list';

export interface ConfigEntry {
  /** The environment variable. */
  readonly key: string;
  /** The option of `start()` that goes before it; undefined when there is none. */
  readonly option: keyof ConfigOptions | undefined;
  readonly type: ConfigType;
  /** What holds when nothing is set, as text. */
  readonly default: string;
  /** One sentence or two for the user. */
  readonly meaning: string;
  /** For `one of` and `list`: all values that are understood. */
  readonly values?: readonly string[];
  /** Further names of the variable, read when the ones before are not set. */
  readonly aliases?: readonly string[];
  /** True when this variable is checked by the OTLP part and not by `readConfig`. */
  readonly otlp?: true;
}

/** One of the OTLP variables that also exist per signal. */
function otlp(what: string, rest: Pick<ConfigEntry, 'type' | 'default' | 'meaning'>): ConfigEntry {
  return {
    key: `OTEL_EXPORTER_OTLP_${what}`,
    option: undefined,
    type: rest.type,
    default: rest.default,
    meaning: `${rest.meaning} Also per signal: \`OTEL_EXPORTER_OTLP_TRACES_${what}\`, \`_METRICS_\`, \`_LOGS_\`.`,
    otlp: true,
  };
}

/** What `TASKSPAN_INSTRUMENTATIONS` knows: loggers, job libraries, and what hands on the context of a run. */
export const INSTRUMENTATION_NAMES: readonly string[] = [...LOG_BRIDGES, ...LIBRARIES.map(({ name }) => name)];

export const CONFIG: readonly ConfigEntry[] = [
  {
    key: 'OTEL_SDK_DISABLED',
    option: 'disabled',
    type: 'true or false',
    default: 'false',
    meaning: 'True: nothing is instrumented, nothing is written, nothing is served.',
  },
  {
    key: 'OTEL_SERVICE_NAME',
    option: 'serviceName',
    type: 'text',
    default: "the name in the app's package.json",
    meaning: 'Name of the service (`service.name`) on everything that leaves the process.',
  },
  {
    key: 'OTEL_RESOURCE_ATTRIBUTES',
    option: 'resourceAttributes',
    type: 'key=value list',
    default: 'empty',
    meaning:
      'More about the service, such as `deployment.environment.name=prod,k8s.pod.name=worker-1`; values are percent-encoded.',
  },
  {
    key: 'OTEL_TRACES_SAMPLER',
    option: 'sampler',
    type: 'one of',
    default: 'parentbased_always_on',
    values: SAMPLERS,
    meaning: 'Which spans are exported. Metrics and log records are complete whatever it says.',
  },
  {
    key: 'OTEL_TRACES_SAMPLER_ARG',
    option: 'samplerRatio',
    type: 'number',
    default: '1',
    meaning: 'Share of the traces that the `traceidratio` samplers take, from 0 to 1.',
  },
  {
    key: 'OTEL_TRACES_EXPORTER',
    option: 'tracesExporter',
    type: 'list',
    default: '`otlp` with an endpoint, else `none`',
    values: ['otlp', 'none'],
    meaning: 'Where spans go besides the files.',
  },
  {
    key: 'OTEL_METRICS_EXPORTER',
    option: 'metricsExporter',
    type: 'list',
    default: '`otlp` with an endpoint, else `prometheus`',
    values: ['otlp', 'prometheus', 'none'],
    meaning: 'Where metrics go. `prometheus,otlp` asks for both: a backend that gets both counts twice.',
  },
  {
    key: 'OTEL_LOGS_EXPORTER',
    option: 'logsExporter',
    type: 'list',
    default: '`otlp` with an endpoint, else `none`',
    values: ['otlp', 'none'],
    meaning: 'Where log records go besides the files.',
  },
  {
    key: 'OTEL_EXPORTER_OTLP_ENDPOINT',
    option: 'endpoint',
    type: 'URL',
    default: 'none',
    meaning:
      'Base URL of an OpenTelemetry Collector, such as `http://localhost:4318`; all three signals are sent there.',
  },
  {
    key: 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT',
    option: 'tracesEndpoint',
    type: 'URL',
    default: '`<endpoint>/v1/traces`',
    meaning: 'Complete URL for spans alone.',
  },
  {
    key: 'OTEL_EXPORTER_OTLP_METRICS_ENDPOINT',
    option: 'metricsEndpoint',
    type: 'URL',
    default: '`<endpoint>/v1/metrics`',
    meaning: 'Complete URL for metrics alone.',
  },
  {
    key: 'OTEL_EXPORTER_OTLP_LOGS_ENDPOINT',
    option: 'logsEndpoint',
    type: 'URL',
    default: '`<endpoint>/v1/logs`',
    meaning: 'Complete URL for log records alone.',
  },
  {
    key: 'OTEL_EXPORTER_PROMETHEUS_HOST',
    option: 'prometheusHost',
    type: 'text',
    default: '127.0.0.1',
    meaning: 'Address on which `/metrics` is served.',
  },
  {
    key: 'OTEL_EXPORTER_PROMETHEUS_PORT',
    option: 'prometheusPort',
    type: 'number',
    default: '9464',
    meaning: 'Port of `/metrics`; the next free one is taken when it is in use, any free one for 0.',
  },
  {
    key: 'OTEL_METRIC_EXPORT_INTERVAL',
    option: 'metricIntervalMs',
    type: 'number',
    default: '15000',
    meaning: 'Milliseconds between two pushes of metrics through OTLP.',
  },
  {
    key: 'OTEL_PROPAGATORS',
    option: 'propagators',
    type: 'list',
    default: 'tracecontext,baggage',
    values: PROPAGATORS,
    meaning: 'How context travels between processes.',
  },
  {
    key: 'OTEL_LOG_LEVEL',
    option: 'logLevel',
    type: 'one of',
    default: 'none',
    values: DIAG_LEVELS,
    meaning:
      "How much of OpenTelemetry's own diagnostics goes to stderr. Warnings of this toolkit are printed in any case.",
  },
  {
    key: 'OTEL_NODE_DISABLED_INSTRUMENTATIONS',
    option: 'disabledInstrumentations',
    type: 'list',
    default: 'empty',
    meaning:
      "Instrumentations to leave out: those of the app's `@opentelemetry/auto-instrumentations-node`, such as `fs,dns`, and those of this toolkit, such as `bullmq,cron`.",
  },
  {
    key: 'TASKSPAN_DIR',
    option: 'dir',
    type: 'path',
    default:
      "`$STATE_DIRECTORY`, else `.taskspan` beside the app's package.json, else `$XDG_STATE_HOME/taskspan/<service>`, else the temp folder",
    meaning: 'The folder of this toolkit: logs, and what processes say about themselves.',
  },
  {
    key: 'TASKSPAN_LOGS_DIR',
    option: 'logsDir',
    type: 'path',
    default: '`logs` in the folder above',
    aliases: ['LOGS_DIR', 'LOGS_BASEPATH', 'DATABUILD_LOGS_DIR'],
    meaning: 'The folder of the log files alone.',
  },
  {
    key: 'TASKSPAN_FILES',
    option: 'files',
    type: 'on or off',
    default: 'on',
    meaning: 'Off: no log files are written.',
  },
  {
    key: 'TASKSPAN_RUN_FILES_PER_HOUR',
    option: 'runFilesPerHour',
    type: 'number',
    default: '10000',
    meaning:
      'Runs per hour and process that get a file of their own; later ones share one. 0: all share, `unlimited`: none does.',
  },
  {
    key: 'TASKSPAN_RETENTION',
    option: 'retention',
    type: 'on or off',
    default: 'on',
    meaning: 'Off: no log file is ever deleted or compressed, by `taskspan prune` neither.',
  },
  {
    key: 'TASKSPAN_RETENTION_DAYS',
    option: 'retentionDays',
    type: 'number',
    default: '7',
    meaning: 'UTC days of log files that are kept, today included.',
  },
  {
    key: 'TASKSPAN_RETENTION_BYTES',
    option: 'retentionBytes',
    type: 'number',
    default: '5368709120',
    meaning: 'Bytes of log files that are kept; over it the oldest go.',
  },
  {
    key: 'TASKSPAN_RETENTION_FILES',
    option: 'retentionFiles',
    type: 'number',
    default: '200000',
    meaning: 'Log files that are kept; over it the oldest go.',
  },
  {
    key: 'TASKSPAN_COMPRESSION',
    option: 'compression',
    type: 'one of',
    default: 'gzip',
    values: COMPRESSIONS,
    meaning: 'How log files of past days are packed. `zstd` needs Node 22.15 or later, else it is `gzip`.',
  },
  {
    key: 'LOG_REFRESH_INTERVAL_MS',
    option: 'logRefreshIntervalMs',
    type: 'number',
    default: '1000',
    aliases: ['DATABUILD_LOG_REFRESH_INTERVAL_MS'],
    meaning:
      'Milliseconds by which a reader that follows a log is late at most, where no notice of changes can be had.',
  },
  {
    key: 'LOG_CACHE_SIZE',
    option: 'logCacheSize',
    type: 'number',
    default: '100',
    aliases: ['DATABUILD_LOG_CACHE_SIZE'],
    meaning: 'Jobs whose logs a reader remembers between requests. 0: none.',
  },
  {
    key: 'TASKSPAN_TOKEN',
    option: undefined,
    type: 'text',
    default: 'none',
    meaning:
      'Of `taskspan serve`: the token that requests must bear. Needed to listen where others can reach it; `--token` goes before it.',
  },
  {
    key: 'TASKSPAN_SERVICE_TOKENS',
    option: undefined,
    type: 'key=value list',
    default: 'empty',
    meaning:
      'Of `taskspan serve`: tokens that show the runs of one service each, such as `mail=…,shop=…`; the names are percent-encoded. `--service-token` goes before it.',
  },
  {
    key: 'TASKSPAN_SPOOL_MAX_BYTES',
    option: 'spoolMaxBytes',
    type: 'number',
    default: '268435456',
    meaning:
      'Bytes that may wait on disk, in `spool` in the folder above, per process, until a receiver takes them; over it the oldest go. 0: they wait in memory, at most 64 MiB a signal.',
  },
  {
    key: 'TASKSPAN_INSTRUMENTATIONS',
    option: 'instrumentations',
    type: 'list',
    default: INSTRUMENTATION_NAMES.map((name) => (isOnByDefault(name) ? `+${name}` : `-${name}`)).join(),
    values: INSTRUMENTATION_NAMES,
    meaning:
      'Which loggers and job libraries are captured: `+name` switches one on, `-name` off; those not named keep their default. A package name (`-@nestjs/schedule`) is understood too. Goes before `OTEL_NODE_DISABLED_INSTRUMENTATIONS`.',
  },
  {
    key: 'TASKSPAN_CONSOLE',
    option: 'console',
    type: 'on or off',
    default: 'off',
    meaning: 'On: `console` calls inside a run are captured too. The same as `+console` above, which goes before it.',
  },
  {
    key: 'TASKSPAN_NAMESPACE',
    option: 'namespace',
    type: 'text',
    default: 'none',
    meaning:
      'Prefix of the `async_*` metrics: `lakefs` makes `lakefs_async_operations_total`. Letters, digits and `_`.',
  },
  {
    key: 'TASKSPAN_IGNORE_SCOPES',
    option: 'ignoreScopes',
    type: 'list',
    default: 'empty',
    meaning: 'Instrumentation scopes whose spans are no tasks, even with an `operation` attribute.',
  },
  {
    key: 'TASKSPAN_QUIET',
    option: 'quiet',
    type: 'on or off',
    default: 'off',
    meaning:
      'On: no first line, no hint on a terminal, and no doubt whether an ES module was imported too early. Warnings are printed all the same.',
  },
  otlp('PROTOCOL', { type: 'one of', default: 'http/json', meaning: '`http/json` or `http/protobuf`.' }),
  otlp('HEADERS', {
    type: 'key=value list',
    default: 'empty',
    meaning: 'Headers of each request, such as `authorization=Bearer%20…`.',
  }),
  otlp('TIMEOUT', { type: 'number', default: '10000', meaning: 'Milliseconds that one request may take.' }),
  otlp('COMPRESSION', { type: 'one of', default: 'none', meaning: '`none` or `gzip`.' }),
  otlp('CERTIFICATE', { type: 'path', default: 'none', meaning: 'PEM file with the certificates to trust.' }),
  otlp('CLIENT_KEY', { type: 'path', default: 'none', meaning: "PEM file with the client's key." }),
  otlp('CLIENT_CERTIFICATE', { type: 'path', default: 'none', meaning: "PEM file with the client's certificate." }),
  {
    key: 'OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE',
    option: undefined,
    type: 'one of',
    default: 'cumulative',
    values: ['cumulative', 'delta', 'lowmemory'],
    meaning: 'Whether pushed counters are totals or differences.',
    otlp: true,
  },
  {
    key: 'OTEL_BSP_SCHEDULE_DELAY',
    option: undefined,
    type: 'number',
    default: '1000',
    meaning: 'Milliseconds that an ended span waits for others before it is sent.',
    otlp: true,
  },
  {
    key: 'OTEL_BLRP_SCHEDULE_DELAY',
    option: undefined,
    type: 'number',
    default: '1000',
    meaning: 'Milliseconds that a log record waits for others before it is sent.',
    otlp: true,
  },
];

function isOnByDefault(name: string): boolean {
  if (name === 'console') return false;
  return LIBRARIES.find((entry) => entry.name === name)?.byDefault ?? true;
}
