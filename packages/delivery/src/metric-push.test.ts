import assert from 'node:assert/strict';
import { ValueType } from '@opentelemetry/api';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { AggregationType, MeterProvider } from '@opentelemetry/sdk-metrics';
import { clearReports, state } from '@taskspan/core/hub';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { CollectorStandIn, OK } from './collector-stand-in.test.ts';
import { createMetricPush, type MetricPushOptions } from './metric-push.ts';
import type { OtlpTarget } from './otlp-config.ts';

const collector = new CollectorStandIn();
const providers: MeterProvider[] = [];

async function setUp(options: MetricPushOptions = {}, changes: Partial<OtlpTarget> = {}) {
  const reader = createMetricPush(collector.target('metrics', changes), options);
  const provider = new MeterProvider({
    resource: resourceFromAttributes({ 'service.name': 'm' }),
    readers: [reader],
    views: [{ instrumentName: 'exponential', aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM } }],
  });
  providers.push(provider);
  return { reader, meter: provider.getMeter('test') };
}

// biome-ignore lint/suspicious/noExplicitAny: OTLP-JSON
function metricsOf(index: number): Map<string, any> {
  const [resource] = collector.received[index]?.json.resourceMetrics ?? [];
  return new Map(resource.scopeMetrics[0].metrics.map((metric: { name: string }) => [metric.name, metric]));
}

describe('createMetricPush', () => {
  beforeEach(async () => {
    state.dropped.clear();
    clearReports();
    collector.received.length = 0;
    collector.answer = OK;
    await collector.start();
  });

  afterEach(async () => {
    await Promise.all(providers.splice(0).map((provider) => provider.shutdown({ timeoutMillis: 500 })));
    await collector.stop();
  });

  it('pushes every kind of instrument, 64-bit integers and non-finite doubles as strings', async () => {
    const { reader, meter } = await setUp();
    meter
      .createCounter('counted', { unit: '{run}', description: 'runs', valueType: ValueType.INT })
      .add(3, { operation: 'commit' });
    meter.createObservableGauge('level').addCallback((result) => result.observe(Number.NaN));
    meter.createHistogram('lasted', { advice: { explicitBucketBoundaries: [1, 10] } }).record(5);
    meter.createHistogram('exponential').record(5);
    await reader.forceFlush();
    const metrics = metricsOf(0);
    const counted = metrics.get('counted');
    assert.deepEqual([counted.unit, counted.description], ['{run}', 'runs']);
    assert.deepEqual([counted.sum.aggregationTemporality, counted.sum.isMonotonic], [2, true]);
    assert.equal(counted.sum.dataPoints[0].asInt, '3');
    assert.deepEqual(counted.sum.dataPoints[0].attributes, [{ key: 'operation', value: { stringValue: 'commit' } }]);
    assert.match(counted.sum.dataPoints[0].timeUnixNano, /^\d{19}$/);
    assert.equal(metrics.get('level').gauge.dataPoints[0].asDouble, 'NaN');
    const [lasted] = metrics.get('lasted').histogram.dataPoints;
    assert.deepEqual(
      [lasted.bucketCounts, lasted.explicitBounds, lasted.count, lasted.sum, lasted.min, lasted.max],
      [['0', '1', '0'], [1, 10], '1', 5, 5, 5],
    );
    const [exponential] = metrics.get('exponential').exponentialHistogram.dataPoints;
    assert.deepEqual([exponential.count, exponential.positive.bucketCounts], ['1', ['1']]);
  });

  it('pushes by itself at each interval', async () => {
    const { meter } = await setUp({ intervalMs: 20 });
    meter.createCounter('c').add(1);
    await collector.until(() => collector.received.length >= 2);
    assert.equal(metricsOf(1).get('c').sum.dataPoints[0].asDouble, 1);
  });

  it('keeps the temporality that was asked for', async () => {
    for (const [temporality, counter, gaugeLike] of [
      ['delta', 1, 2],
      ['lowmemory', 1, 2],
      ['cumulative', 2, 2],
    ] as const) {
      collector.received.length = 0;
      const { reader, meter } = await setUp({ temporality });
      meter.createCounter('c').add(1);
      meter.createUpDownCounter('u').add(1);
      await reader.forceFlush();
      assert.equal(metricsOf(0).get('c').sum.aggregationTemporality, counter, temporality);
      assert.equal(metricsOf(0).get('u').sum.aggregationTemporality, gaugeLike, temporality);
    }
  });

  it('keeps 512 operations with six statuses apart', async () => {
    const { reader, meter } = await setUp();
    const counter = meter.createCounter('c');
    for (let i = 0; i < 3072; i += 1) counter.add(1, { operation: `o${i % 512}`, status: `${Math.floor(i / 512)}` });
    await reader.forceFlush();
    assert.equal(metricsOf(0).get('c').sum.dataPoints.length, 3072);
  });

  it('counts refused points, and says nothing is lost when cumulative ones come later', async () => {
    const { reader, meter } = await setUp({}, { timeoutMs: 100 });
    meter.createCounter('c').add(1);
    collector.answer = (response) => response.writeHead(503).end();
    await reader.forceFlush();
    assert.equal(state.dropped.size, 0);
    collector.answer = (response) => response.writeHead(400).end();
    await reader.forceFlush();
    assert.equal(state.dropped.get('metrics')?.get('refused'), 1);
  });

  it('ends its shutdown in time when the server hangs', async () => {
    const { reader, meter } = await setUp();
    meter.createCounter('c').add(1);
    collector.answer = () => {};
    const began = performance.now();
    await reader.shutdown({ timeoutMillis: 100 });
    assert.ok(performance.now() - began < 2000);
  });

  it('speaks protobuf', async () => {
    const { reader, meter } = await setUp({}, { protocol: 'http/protobuf' });
    meter.createCounter('counted').add(1);
    await reader.forceFlush();
    assert.ok(collector.received[0]?.body.includes('counted'));
  });
});
