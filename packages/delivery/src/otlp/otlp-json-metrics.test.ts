import assert from 'node:assert/strict';
import { ValueType } from '@opentelemetry/api';
import { JsonMetricsSerializer } from '@opentelemetry/otlp-transformer';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  AggregationTemporality,
  AggregationType,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
  type ResourceMetrics,
} from '@opentelemetry/sdk-metrics';
import { describe, it } from 'mocha';
import { encodeMetrics } from './otlp-json-metrics.ts';

const decoder = new TextDecoder();

/** A request without what the two dialects write differently: 64-bit integers as strings, zero and empty fields. */
function plain(bytes: Uint8Array | undefined): unknown {
  return JSON.parse(decoder.decode(bytes), function (this: unknown, key, value) {
    if (key === 'bucketCounts') return value.map(String);
    if (Array.isArray(this)) return value;
    if (key === 'asInt' || key === 'count' || key === 'zeroCount' || key === 'intValue') return String(value);
    const isEmpty = value === 0 || value === '' || value === false || (Array.isArray(value) && value.length === 0);
    return isEmpty ? undefined : value;
  });
}

/** What one export hands over of all kinds of metrics. */
async function exported(temporality: AggregationTemporality): Promise<ResourceMetrics> {
  const exporter = new InMemoryMetricExporter(temporality);
  const provider = new MeterProvider({
    resource: resourceFromAttributes({ 'service.name': 'json', 'process.pid': 7 }),
    readers: [new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })],
    views: [{ instrumentName: 'spread', aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM } }],
  });
  const meter = provider.getMeter('a', '1', { schemaUrl: 'https://example.com/schema' });
  meter.createCounter('total', { description: 'how "many"', unit: 's' }).add(3.5, { place: 'Köln' });
  meter.createUpDownCounter('running', { valueType: ValueType.INT }).add(-2, { operation: 'commit' });
  meter.createObservableGauge('level').addCallback((result) => result.observe(-0.5, { n: 1 }));
  meter.createHistogram('duration').record(0.3);
  const spread = meter.createHistogram('spread');
  for (const value of [1, 2, 3000]) spread.record(value);
  provider.getMeter('b').createCounter('other').add(1);
  await provider.forceFlush();
  const [metrics] = exporter.getMetrics();
  await provider.shutdown();
  assert.ok(metrics);
  return metrics;
}

/** The only data point of a gauge or a sum of one value, as it is written. */
async function pointOf(value: number, valueType: ValueType): Promise<string> {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
  const provider = new MeterProvider({ readers: [reader] });
  provider
    .getMeter('a')
    .createObservableGauge('level', { valueType })
    .addCallback((result) => result.observe(value));
  await provider.forceFlush();
  const [metrics] = exporter.getMetrics();
  await provider.shutdown();
  assert.ok(metrics);
  return /"as(?:Int|Double)":[^}]*/.exec(decoder.decode(encodeMetrics(metrics)))?.[0] ?? '';
}

describe('encodeMetrics', () => {
  for (const temporality of [AggregationTemporality.CUMULATIVE, AggregationTemporality.DELTA]) {
    it(`says the same as the serializer of OpenTelemetry, ${AggregationTemporality[temporality]}`, async () => {
      const metrics = await exported(temporality);
      assert.deepEqual(plain(encodeMetrics(metrics)), plain(JsonMetricsSerializer.serializeRequest(metrics)));
    });
  }

  it('writes numbers that JSON has not, and integers that 64 bits hold', async () => {
    assert.equal(await pointOf(Number.NaN, ValueType.DOUBLE), '"asDouble":"NaN"');
    assert.equal(await pointOf(Number.NEGATIVE_INFINITY, ValueType.DOUBLE), '"asDouble":"-Infinity"');
    assert.equal(await pointOf(-0, ValueType.DOUBLE), '"asDouble":-0');
    assert.equal(await pointOf(7, ValueType.INT), '"asInt":"7"');
    assert.equal(await pointOf(2 ** 70, ValueType.INT), '"asDouble":1.1805916207174113e+21');
  });

  it('says nothing when there is nothing to say', () => {
    assert.equal(encodeMetrics({ resource: resourceFromAttributes({}), scopeMetrics: [] }), undefined);
  });
});
