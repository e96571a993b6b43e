import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { readDeliveryConfig } from '@taskspan/delivery';
import { LIBRARIES } from '@taskspan/instrumentations/libraries';
import { describe, it } from 'mocha';
import { type Config, type ConfigOptions, describeWarning, readConfig } from './config.ts';
import { configDocs } from './config-docs.ts';
import { CONFIG, INSTRUMENTATION_NAMES } from './config-table.ts';

type Row = readonly [env: Record<string, string>, expected: Partial<Config>];

/** Libraries that are on when nothing is said. */
const ON = LIBRARIES.filter(({ byDefault }) => byDefault).map(({ name }) => name);
const without = (...off: readonly string[]): string[] => ON.filter((name) => !off.includes(name));
const withToo = (...on: readonly string[]): string[] =>
  LIBRARIES.map(({ name }) => name).filter((name) => ON.includes(name) || on.includes(name));

/** What is kept when nothing is said. */
const KEPT = { days: 7, bytes: 5_368_709_120, files: 200_000 };

/** For each key of the table, good values and what they mean. */
const GOOD: Readonly<Record<string, readonly Row[]>> = {
  OTEL_SDK_DISABLED: [
    [{ OTEL_SDK_DISABLED: 'TRUE' }, { disabled: true }],
    [{ OTEL_SDK_DISABLED: 'false' }, { disabled: false }],
  ],
  OTEL_SERVICE_NAME: [[{ OTEL_SERVICE_NAME: ' shop ' }, { serviceName: 'shop' }]],
  OTEL_RESOURCE_ATTRIBUTES: [
    [
      { OTEL_RESOURCE_ATTRIBUTES: 'a=1, k8s.pod.name = p%20q,' },
      { resourceAttributes: { a: '1', 'k8s.pod.name': 'p q' } },
    ],
  ],
  OTEL_TRACES_SAMPLER: [[{ OTEL_TRACES_SAMPLER: 'always_off' }, { sampler: 'always_off' }]],
  OTEL_TRACES_SAMPLER_ARG: [[{ OTEL_TRACES_SAMPLER_ARG: '0.25' }, { samplerRatio: 0.25 }]],
  OTEL_TRACES_EXPORTER: [[{ OTEL_TRACES_EXPORTER: 'otlp' }, { sendTraces: true, sendLogs: false }]],
  OTEL_METRICS_EXPORTER: [
    [{ OTEL_METRICS_EXPORTER: 'otlp' }, { metricReaders: ['otlp'] }],
    [{ OTEL_METRICS_EXPORTER: 'otlp, prometheus' }, { metricReaders: ['prometheus', 'otlp'] }],
    [{ OTEL_METRICS_EXPORTER: 'none', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c' }, { metricReaders: [] }],
  ],
  OTEL_LOGS_EXPORTER: [
    [
      { OTEL_LOGS_EXPORTER: 'none', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c' },
      { sendLogs: false, sendTraces: true },
    ],
  ],
  OTEL_EXPORTER_OTLP_ENDPOINT: [
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318' }, { sendTraces: true, sendLogs: true, metricReaders: ['otlp'] }],
  ],
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: [
    [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://c/x' }, { sendTraces: true, metricReaders: ['prometheus'] }],
  ],
  OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: [
    [{ OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: 'https://c/x' }, { sendTraces: false, metricReaders: ['otlp'] }],
  ],
  OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: [[{ OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: 'https://c/x' }, { sendLogs: true }]],
  OTEL_EXPORTER_PROMETHEUS_HOST: [[{ OTEL_EXPORTER_PROMETHEUS_HOST: '::1' }, { prometheusHost: '::1' }]],
  OTEL_EXPORTER_PROMETHEUS_PORT: [[{ OTEL_EXPORTER_PROMETHEUS_PORT: '0' }, { prometheusPort: 0 }]],
  OTEL_METRIC_EXPORT_INTERVAL: [[{ OTEL_METRIC_EXPORT_INTERVAL: '1000' }, { metricIntervalMs: 1000 }]],
  OTEL_PROPAGATORS: [
    [{ OTEL_PROPAGATORS: 'baggage,baggage' }, { propagators: ['baggage'] }],
    [{ OTEL_PROPAGATORS: 'none' }, { propagators: [] }],
  ],
  OTEL_LOG_LEVEL: [[{ OTEL_LOG_LEVEL: 'DEBUG' }, { logLevel: 'debug' }]],
  OTEL_NODE_DISABLED_INSTRUMENTATIONS: [
    [{ OTEL_NODE_DISABLED_INSTRUMENTATIONS: 'fs, dns,' }, { disabledInstrumentations: ['fs', 'dns'], libraries: ON }],
    [{ OTEL_NODE_DISABLED_INSTRUMENTATIONS: 'fs,Cron,bullmq' }, { libraries: without('cron', 'bullmq') }],
  ],
  TASKSPAN_DIR: [[{ TASKSPAN_DIR: './x' }, { dir: './x' }]],
  TASKSPAN_LOGS_DIR: [
    [{ TASKSPAN_LOGS_DIR: 'a', LOGS_DIR: 'b', LOGS_BASEPATH: 'c', DATABUILD_LOGS_DIR: 'd' }, { logsDir: 'a' }],
    [{ LOGS_DIR: 'b', LOGS_BASEPATH: 'c', DATABUILD_LOGS_DIR: 'd' }, { logsDir: 'b' }],
    [{ LOGS_DIR: ' ', LOGS_BASEPATH: 'c', DATABUILD_LOGS_DIR: 'd' }, { logsDir: 'c' }],
    [{ DATABUILD_LOGS_DIR: 'd' }, { logsDir: 'd' }],
  ],
  TASKSPAN_FILES: [
    [{ TASKSPAN_FILES: 'off' }, { files: false }],
    [{ TASKSPAN_FILES: '1' }, { files: true }],
  ],
  TASKSPAN_RUN_FILES_PER_HOUR: [
    [{ TASKSPAN_RUN_FILES_PER_HOUR: '0' }, { runFilesPerHour: 0 }],
    [{ TASKSPAN_RUN_FILES_PER_HOUR: 'Unlimited' }, { runFilesPerHour: 'unlimited' }],
  ],
  TASKSPAN_RETENTION: [[{ TASKSPAN_RETENTION: 'off', TASKSPAN_RETENTION_DAYS: '3' }, { retention: undefined }]],
  TASKSPAN_RETENTION_DAYS: [[{ TASKSPAN_RETENTION_DAYS: '30' }, { retention: { ...KEPT, days: 30 } }]],
  TASKSPAN_RETENTION_BYTES: [[{ TASKSPAN_RETENTION_BYTES: '1e9' }, { retention: { ...KEPT, bytes: 1e9 } }]],
  TASKSPAN_RETENTION_FILES: [[{ TASKSPAN_RETENTION_FILES: '100' }, { retention: { ...KEPT, files: 100 } }]],
  TASKSPAN_COMPRESSION: [
    [{ TASKSPAN_COMPRESSION: 'Zstd' }, { compression: 'zstd' }],
    [{ TASKSPAN_COMPRESSION: 'off' }, { compression: 'off' }],
  ],
  LOG_REFRESH_INTERVAL_MS: [
    [{ LOG_REFRESH_INTERVAL_MS: '50', DATABUILD_LOG_REFRESH_INTERVAL_MS: '60' }, { logRefreshIntervalMs: 50 }],
    [{ DATABUILD_LOG_REFRESH_INTERVAL_MS: '60' }, { logRefreshIntervalMs: 60 }],
  ],
  LOG_CACHE_SIZE: [
    [{ LOG_CACHE_SIZE: '0' }, { logCacheSize: 0 }],
    [{ DATABUILD_LOG_CACHE_SIZE: '7' }, { logCacheSize: 7 }],
  ],
  TASKSPAN_SPOOL_MAX_BYTES: [
    [{ TASKSPAN_SPOOL_MAX_BYTES: '0' }, { spoolMaxBytes: 0 }],
    [{ TASKSPAN_SPOOL_MAX_BYTES: '1e9' }, { spoolMaxBytes: 1e9 }],
  ],
  TASKSPAN_INSTRUMENTATIONS: [
    [{ TASKSPAN_INSTRUMENTATIONS: '-winston,+console' }, { bridges: { winston: false, pino: true, console: true } }],
    [
      { TASKSPAN_INSTRUMENTATIONS: 'console,-console', TASKSPAN_CONSOLE: 'on' },
      { bridges: { winston: true, pino: true, console: false } },
    ],
    [{ TASKSPAN_INSTRUMENTATIONS: '-cron,-@nestjs/Schedule' }, { libraries: without('cron', 'nest-schedule') }],
    [{ TASKSPAN_INSTRUMENTATIONS: '+piscina,-piscina,piscina,-winston' }, { libraries: withToo('piscina') }],
    [
      { TASKSPAN_INSTRUMENTATIONS: '+cron', OTEL_NODE_DISABLED_INSTRUMENTATIONS: 'cron,bullmq' },
      { libraries: without('bullmq') },
    ],
  ],
  TASKSPAN_CONSOLE: [[{ TASKSPAN_CONSOLE: 'on' }, { bridges: { winston: true, pino: true, console: true } }]],
  TASKSPAN_NAMESPACE: [
    [{ TASKSPAN_NAMESPACE: 'lakefs' }, { namespace: 'lakefs' }],
    [{ TASKSPAN_NAMESPACE: 'lakefs_' }, { namespace: 'lakefs' }],
  ],
  TASKSPAN_IGNORE_SCOPES: [[{ TASKSPAN_IGNORE_SCOPES: 'a,b' }, { ignoreScopes: ['a', 'b'] }]],
  TASKSPAN_QUIET: [[{ TASKSPAN_QUIET: 'yes' }, { quiet: true }]],
};

const OTHER_NAMES = `the other names of the list; known are ${INSTRUMENTATION_NAMES.join(', ')}`;

/** Values that are not understood, and the fallback that the warning names. */
const BAD: readonly (readonly [key: string, value: string, fallback: string])[] = [
  ['OTEL_SDK_DISABLED', 'maybe', 'off'],
  ['OTEL_RESOURCE_ATTRIBUTES', 'nothing', 'none of the list'],
  ['OTEL_RESOURCE_ATTRIBUTES', 'a=%', 'none of the list'],
  ['OTEL_TRACES_SAMPLER', 'sometimes', 'parentbased_always_on'],
  ['OTEL_TRACES_SAMPLER_ARG', '2', '1'],
  ['OTEL_TRACES_EXPORTER', 'jaeger', 'the default'],
  ['OTEL_METRICS_EXPORTER', 'none,otlp', 'none'],
  ['OTEL_EXPORTER_OTLP_ENDPOINT', 'localhost:4318', 'none'],
  ['OTEL_EXPORTER_PROMETHEUS_PORT', '70000', '9464'],
  ['OTEL_EXPORTER_PROMETHEUS_PORT', '94.64', '9464'],
  ['OTEL_METRIC_EXPORT_INTERVAL', '0', '15000'],
  ['OTEL_METRIC_EXPORT_INTERVAL', '3000000000', '15000'],
  ['OTEL_PROPAGATORS', 'b3', 'the default'],
  ['OTEL_LOG_LEVEL', 'loud', 'none'],
  ['TASKSPAN_FILES', 'perhaps', 'on'],
  ['TASKSPAN_RUN_FILES_PER_HOUR', '-1', '10000'],
  ['TASKSPAN_RUN_FILES_PER_HOUR', '1.5', '10000'],
  ['TASKSPAN_RETENTION', 'never', 'on'],
  ['TASKSPAN_RETENTION_DAYS', '0', '7'],
  ['TASKSPAN_RETENTION_BYTES', '5 GiB', '5368709120'],
  ['TASKSPAN_COMPRESSION', 'brotli', 'gzip'],
  ['TASKSPAN_INSTRUMENTATIONS', '+bunyan', OTHER_NAMES],
  ['TASKSPAN_NAMESPACE', '1-x', 'no prefix'],
];

describe('readConfig', () => {
  it('has defaults for everything, and nothing to warn about', () => {
    const config = readConfig({});
    const { otlpEnvironment, ...rest } = config;
    assert.deepEqual(rest, {
      disabled: false,
      serviceName: undefined,
      resourceAttributes: {},
      sampler: 'parentbased_always_on',
      samplerRatio: 1,
      sendTraces: false,
      sendLogs: false,
      metricReaders: ['prometheus'],
      prometheusHost: '127.0.0.1',
      prometheusPort: 9464,
      metricIntervalMs: 15_000,
      propagators: ['tracecontext', 'baggage'],
      logLevel: 'none',
      disabledInstrumentations: [],
      dir: undefined,
      logsDir: undefined,
      files: true,
      runFilesPerHour: 10_000,
      retention: KEPT,
      compression: 'gzip',
      logRefreshIntervalMs: 1000,
      logCacheSize: 100,
      spoolMaxBytes: 268_435_456,
      bridges: { winston: true, pino: true, console: false },
      libraries: ON,
      namespace: undefined,
      ignoreScopes: [],
      quiet: false,
      warnings: [],
    });
    assert.equal(otlpEnvironment['OTEL_METRICS_EXPORTER'], 'prometheus');
  });

  it('is frozen throughout', () => {
    const config = readConfig({ OTEL_RESOURCE_ATTRIBUTES: 'a=1', OTEL_LOG_LEVEL: 'x' });
    assert.ok(Object.isFrozen(config));
    for (const value of Object.values(config)) assert.ok(Object.isFrozen(value));
    assert.ok(Object.isFrozen(config.warnings[0]));
  });

  for (const entry of CONFIG.filter((candidate) => candidate.option !== undefined)) {
    it(`reads ${entry.key}`, () => {
      const rows = GOOD[entry.key] ?? [];
      assert.ok(rows.length > 0, `no example of ${entry.key}`);
      for (const [env, expected] of rows) {
        const config = readConfig(env);
        for (const [name, value] of Object.entries(expected)) assert.deepEqual(config[name as keyof Config], value);
        assert.deepEqual(config.warnings, []);
      }
    });
  }

  it('takes an empty variable for an unset one', () => {
    const env = Object.fromEntries(CONFIG.map((entry) => [entry.key, ' ']));
    const { otlpEnvironment: _given, ...config } = readConfig(env);
    const { otlpEnvironment: _none, ...defaults } = readConfig({});
    assert.deepEqual(config, defaults);
  });

  for (const [key, value, fallback] of BAD) {
    it(`warns about ${key}=${value}, once, and goes on with the fallback`, () => {
      const { otlpEnvironment: _given, warnings, ...config } = readConfig({ [key]: value });
      assert.deepEqual(warnings, [{ key, value, fallback }]);
      if (key === 'OTEL_METRICS_EXPORTER') assert.deepEqual(config.metricReaders, []);
      else {
        const { otlpEnvironment: _none, warnings: _empty, ...defaults } = readConfig({});
        assert.deepEqual(config, defaults);
      }
    });
  }

  it('keeps the known names of a list with unknown ones', () => {
    const config = readConfig({ OTEL_METRICS_EXPORTER: 'console,otlp', TASKSPAN_INSTRUMENTATIONS: 'bunyan,-pino' });
    assert.deepEqual(config.metricReaders, ['otlp']);
    assert.deepEqual(config.bridges, { winston: true, pino: false, console: false });
    assert.deepEqual(
      config.warnings.map((warning) => [warning.value, warning.fallback]),
      [
        ['console', 'otlp'],
        ['bunyan', OTHER_NAMES],
      ],
    );
  });

  it('never repeats the password of a URL', () => {
    const [warning] = readConfig({ OTEL_EXPORTER_OTLP_ENDPOINT: 'ftp://me:secret@host' }).warnings;
    assert.ok(warning);
    assert.equal(warning.value, 'ftp://***@host');
    assert.equal(
      describeWarning(warning),
      'OTEL_EXPORTER_OTLP_ENDPOINT: "ftp://***@host" is not understood; using none',
    );
  });

  it('puts code before the environment, also with false, zero and the empty list', () => {
    const env = {
      TASKSPAN_FILES: 'on',
      OTEL_EXPORTER_PROMETHEUS_PORT: '9000',
      TASKSPAN_IGNORE_SCOPES: 'a',
      OTEL_RESOURCE_ATTRIBUTES: 'a=1,b=2',
      TASKSPAN_NAMESPACE: 'env',
      TASKSPAN_QUIET: 'on',
    };
    const config = readConfig(env, {
      files: false,
      prometheusPort: 0,
      ignoreScopes: ['b', 'c'],
      resourceAttributes: { b: 3 },
      metricsExporter: ['prometheus', 'otlp'],
      namespace: undefined,
      quiet: false,
    });
    assert.deepEqual([config.files, config.prometheusPort, config.ignoreScopes], [false, 0, ['b', 'c']]);
    assert.deepEqual(config.resourceAttributes, { a: '1', b: 3 });
    assert.deepEqual(config.metricReaders, ['prometheus', 'otlp']);
    assert.deepEqual([config.namespace, config.quiet], ['env', false]);
    assert.deepEqual(readConfig(env, { ignoreScopes: [] }).ignoreScopes, []);
  });

  it('warns by the name of the option when the code is wrong', () => {
    const options = { prometheusPort: Number.NaN, dir: { a: 1 }, sampler: 'x' } as unknown as ConfigOptions;
    assert.deepEqual(readConfig({ TASKSPAN_DIR: 'd' }, options).warnings, [
      { key: 'sampler', value: 'x', fallback: 'parentbased_always_on' },
      { key: 'prometheusPort', value: 'NaN', fallback: '9464' },
      { key: 'dir', value: 'object', fallback: 'the environment' },
    ]);
    assert.equal(readConfig({ TASKSPAN_DIR: 'd' }, options).dir, 'd');
  });

  it('tells the OTLP part what it decided, and leaves the rest of the environment as it is', () => {
    const { otlpEnvironment } = readConfig(
      { OTEL_EXPORTER_OTLP_ENDPOINT: 'nonsense', OTEL_EXPORTER_OTLP_HEADERS: 'a=b', OTEL_TRACES_EXPORTER: 'x' },
      { logsEndpoint: 'http://c/logs', metricIntervalMs: 99 },
    );
    assert.deepEqual(otlpEnvironment, {
      OTEL_EXPORTER_OTLP_HEADERS: 'a=b',
      OTEL_TRACES_EXPORTER: 'none',
      OTEL_METRICS_EXPORTER: 'prometheus',
      OTEL_LOGS_EXPORTER: 'otlp',
      OTEL_EXPORTER_OTLP_ENDPOINT: undefined,
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: undefined,
      OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: undefined,
      OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: 'http://c/logs',
      OTEL_METRIC_EXPORT_INTERVAL: '99',
    });
  });
});

describe('the OTLP part', () => {
  const environments: readonly Record<string, string>[] = [
    {},
    { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c' },
    { OTEL_EXPORTER_OTLP_ENDPOINT: 'c', OTEL_TRACES_EXPORTER: 'zipkin', OTEL_METRIC_EXPORT_INTERVAL: 'x' },
    { OTEL_METRICS_EXPORTER: 'prometheus,otlp', OTEL_LOGS_EXPORTER: 'otlp' },
    { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c', OTEL_METRICS_EXPORTER: 'none', OTEL_TRACES_EXPORTER: 'none' },
    { OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: 'http://c/l', OTEL_METRICS_EXPORTER: 'none,prometheus' },
  ];
  for (const env of environments) {
    it(`decides the same, without a second warning, for ${JSON.stringify(env)}`, () => {
      const config = readConfig(env);
      const delivery = readDeliveryConfig(config.otlpEnvironment);
      assert.deepEqual(
        [delivery.traces !== undefined, delivery.logs !== undefined, delivery.metricIntervalMs],
        [config.sendTraces, config.sendLogs, config.metricIntervalMs],
      );
      const readers = [delivery.prometheus ? 'prometheus' : '', delivery.metrics ? 'otlp' : ''];
      assert.deepEqual(readers.filter(Boolean), config.metricReaders);
      assert.deepEqual(delivery.warnings, []);
    });
  }
});

describe('docs/config.md', () => {
  const page = readFileSync(new URL('../../../docs/config.md', import.meta.url), 'utf8');

  it('is what the table says', () => {
    assert.equal(page, configDocs());
  });

  it('names every variable once, and no variable that the table lacks', () => {
    const named = [...page.matchAll(/^\| (`\w+`(?:, then `\w+`)*) \|/gm)].flatMap((match) =>
      (match[1] ?? '').replaceAll('`', '').split(', then '),
    );
    const keys = CONFIG.flatMap((entry) => [entry.key, ...(entry.aliases ?? [])]);
    assert.deepEqual([...named].sort(), [...keys].sort());
    assert.equal(new Set(keys).size, keys.length);
  });
});
