import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { readDeliveryConfig, receiverOf } from './otlp-config.ts';

describe('readDeliveryConfig', () => {
  it('sends nothing and serves Prometheus when nothing is set', () => {
    const config = readDeliveryConfig({});
    assert.deepEqual(
      [config.traces, config.metrics, config.logs, config.prometheus],
      [undefined, undefined, undefined, true],
    );
    assert.deepEqual([config.spanDelayMs, config.logDelayMs, config.metricIntervalMs], [1000, 1000, 15_000]);
    assert.deepEqual(config.warnings, []);
    assert.ok(Object.isFrozen(config) && Object.isFrozen(config.warnings));
  });

  it('sends all three signals to one endpoint, metrics then not served', () => {
    const config = readDeliveryConfig({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318/base/' });
    assert.equal(config.traces?.url, 'http://c:4318/base/v1/traces');
    assert.equal(config.metrics?.url, 'http://c:4318/base/v1/metrics');
    assert.equal(config.logs?.url, 'http://c:4318/base/v1/logs');
    assert.equal(config.prometheus, false);
    assert.equal(config.traces?.protocol, 'http/json');
    assert.ok(Object.isFrozen(config.traces) && Object.isFrozen(config.traces?.headers));
  });

  it('takes an endpoint of one signal as it is, and sends that signal alone', () => {
    const config = readDeliveryConfig({ OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: 'https://c/x' });
    assert.equal(config.logs?.url, 'https://c/x');
    assert.equal(config.traces, undefined);
    assert.equal(config.prometheus, true);
  });

  it('takes lists of exporters', () => {
    const both = readDeliveryConfig({ OTEL_METRICS_EXPORTER: 'prometheus, otlp', OTEL_TRACES_EXPORTER: 'otlp' });
    assert.equal(both.metrics?.url, 'http://localhost:4318/v1/metrics');
    assert.equal(both.prometheus, true);
    assert.equal(both.traces?.url, 'http://localhost:4318/v1/traces');
    const none = readDeliveryConfig({
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c',
      OTEL_METRICS_EXPORTER: 'none',
      OTEL_LOGS_EXPORTER: 'none',
    });
    assert.deepEqual([none.metrics, none.logs, none.prometheus], [undefined, undefined, false]);
    assert.ok(none.traces);
  });

  it('merges headers, the signal over the common ones, percent-decoded', () => {
    const config = readDeliveryConfig({
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c',
      OTEL_EXPORTER_OTLP_HEADERS: 'Authorization=Basic%20abc%3D, x-a=1',
      OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'X-A=2,token=50%',
    });
    assert.deepEqual({ ...config.traces?.headers }, { authorization: 'Basic abc=', 'x-a': '2', token: '50%' });
    assert.deepEqual({ ...config.logs?.headers }, { authorization: 'Basic abc=', 'x-a': '1' });
  });

  it('reads protocol, timeout, compression, certificates, delays and temporality', () => {
    const config = readDeliveryConfig({
      OTEL_EXPORTER_OTLP_ENDPOINT: 'https://c',
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
      OTEL_EXPORTER_OTLP_LOGS_PROTOCOL: 'http/json',
      OTEL_EXPORTER_OTLP_TIMEOUT: '2500',
      OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip',
      OTEL_EXPORTER_OTLP_CERTIFICATE: 'ca.pem',
      OTEL_BSP_SCHEDULE_DELAY: '200',
      OTEL_BLRP_SCHEDULE_DELAY: '300',
      OTEL_METRIC_EXPORT_INTERVAL: '500',
      OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: 'DELTA',
    });
    assert.equal(config.traces?.protocol, 'http/protobuf');
    assert.equal(config.logs?.protocol, 'http/json');
    assert.equal(config.traces?.timeoutMs, 2500);
    assert.equal(config.traces?.compression, 'gzip');
    assert.equal(config.traces?.certificate, 'ca.pem');
    assert.deepEqual(
      [config.spanDelayMs, config.logDelayMs, config.metricIntervalMs, config.temporality],
      [200, 300, 500, 'delta'],
    );
    assert.deepEqual(config.warnings, []);
  });

  const endpoint = { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://c/v1/traces' };
  const bad: [string, Record<string, string>, string][] = [
    [
      'protocol',
      { ...endpoint, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' },
      'OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" is not one of http/json, http/protobuf; using "http/json"',
    ],
    [
      'timeout',
      { ...endpoint, OTEL_EXPORTER_OTLP_TIMEOUT: '-1' },
      'OTEL_EXPORTER_OTLP_TIMEOUT: "-1" is not a number of milliseconds from 1; using 10000',
    ],
    [
      'compression',
      { ...endpoint, OTEL_EXPORTER_OTLP_COMPRESSION: 'zstd' },
      'OTEL_EXPORTER_OTLP_COMPRESSION: "zstd" is not one of none, gzip; using "none"',
    ],
    [
      'exporter',
      { ...endpoint, OTEL_TRACES_EXPORTER: 'zipkin' },
      'OTEL_TRACES_EXPORTER: "zipkin" is not one of otlp, none; using "otlp"',
    ],
    [
      'endpoint',
      { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'localhost:4318' },
      'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "localhost:4318" is not an http or https URL; using http://localhost:4318/v1/traces',
    ],
    [
      'header',
      { ...endpoint, OTEL_EXPORTER_OTLP_HEADERS: 'secret' },
      'OTEL_EXPORTER_OTLP_HEADERS: entry 1 (value hidden) is not name=value; it is left out',
    ],
    [
      'header value',
      { ...endpoint, OTEL_EXPORTER_OTLP_HEADERS: 'a=1,b=%0A' },
      'OTEL_EXPORTER_OTLP_HEADERS: entry 2 (value hidden) is not name=value; it is left out',
    ],
    [
      'delay',
      { ...endpoint, OTEL_BSP_SCHEDULE_DELAY: 'soon' },
      'OTEL_BSP_SCHEDULE_DELAY: "soon" is not a number of milliseconds from 0; using 1000',
    ],
    [
      'none with others',
      { ...endpoint, OTEL_TRACES_EXPORTER: 'none,otlp' },
      'OTEL_TRACES_EXPORTER: "none,otlp" combines "none" with others; using "none"',
    ],
  ];
  for (const [what, env, warning] of bad) {
    it(`warns once about a bad ${what}, with key, value and fallback`, () => {
      assert.deepEqual(readDeliveryConfig(env).warnings, [warning]);
    });
  }

  it('says the same thing once, however many signals it concerns, and shows no password', () => {
    const config = readDeliveryConfig({
      OTEL_EXPORTER_OTLP_ENDPOINT: 'ftp://me:secret@c',
      OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
    });
    assert.equal(config.warnings.length, 2);
    assert.ok(!config.warnings.join().includes('secret'));
    assert.equal(config.traces?.url, 'http://localhost:4318/v1/traces');
  });
});

describe('receiverOf', () => {
  for (const [endpoint, receiver] of [
    ['http://c:4318', 'http://c:4318'],
    ['https://me:secret@c/base/', 'https://***@c/base'],
  ] as const) {
    it(`is ${receiver} for all signals of ${endpoint.replace('secret', 'a password')}`, () => {
      const { traces, metrics, logs } = readDeliveryConfig({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint });
      const targets = [traces, metrics, logs].flatMap((target) => target ?? []);
      assert.deepEqual(targets.map(receiverOf), [receiver, receiver, receiver]);
    });
  }
});
