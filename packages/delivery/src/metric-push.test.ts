import assert from 'node:assert/strict';
import { join } from 'node:path';
import { ValueType } from '@opentelemetry/api';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { AggregationType, MeterProvider } from '@opentelemetry/sdk-metrics';
import { clearReports, state } from '@taskspan/core/hub';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { CollectorStandIn, OK } from './collector-stand-in.test.ts';
import { flushAtExit } from './exit/exit-flush.ts';
import { createMetricPush, type MetricPushOptions } from './metric-push.ts';
import type { OtlpTarget } from './otlp-config.ts';
import { LazySpool } from './spool/lazy-spool.ts';
import { tempFolder, textsBelow } from './spool/spool.test.fixture.ts';

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

  describe('while the receiver is away', () => {
    let dir: ReturnType<typeof tempFolder>;
    const spools: LazySpool[] = [];
    beforeEach(() => {
      dir = tempFolder();
      state.delivery.clear();
    });
    afterEach(async () => {
      await Promise.all(providers.splice(0).map((provider) => provider.shutdown({ timeoutMillis: 500 })));
      for (const spool of spools.splice(0)) await spool.close();
      dir.remove();
    });

    function newSpool(): LazySpool {
      const spool = new LazySpool({ directory: dir.path, maxBytes: 1e8 });
      spools.push(spool);
      return spool;
    }

    /** Sums of the counter in what lies on disk. */
    function sumsOnDisk(): number[] {
      return textsBelow(join(dir.path, 'spool'), 'metrics').map(
        (text) => JSON.parse(text).resourceMetrics[0].scopeMetrics[0].metrics[0].sum.dataPoints[0].asDouble,
      );
    }

    function sumsSent(): number[] {
      return collector.received.map((_, at) => metricsOf(at).get('c').sum.dataPoints[0].asDouble);
    }

    it('keeps the last totals alone, until later ones are delivered', async () => {
      const { reader, meter } = await setUp({ spool: newSpool() });
      const counter = meter.createCounter('c');
      await collector.stop();
      for (let push = 0; push < 3; push += 1) {
        counter.add(1);
        await reader.forceFlush();
      }
      assert.deepEqual(sumsOnDisk(), [3]);
      assert.ok((state.delivery.get('metrics')?.spoolBytes ?? 0) > 0);
      await collector.start();
      counter.add(1);
      await reader.forceFlush();
      assert.deepEqual([sumsOnDisk(), sumsSent()], [[], [4]]);
      assert.equal(state.dropped.size, 0);
    });

    it('leaves the last totals to the next process', async () => {
      const first = newSpool();
      const { reader, meter } = await setUp({ spool: first });
      await collector.stop();
      meter.createCounter('c').add(7);
      await reader.forceFlush();
      flushAtExit([reader], first);
      assert.deepEqual(sumsOnDisk(), [7]);
      await collector.start();
      const second = newSpool();
      await setUp({ spool: second });
      await second.load()?.claim();
      await collector.until(() => collector.received.length > 0);
      assert.deepEqual(sumsSent(), [7]);
    });

    it('keeps every push of deltas, in order', async () => {
      const spool = newSpool();
      const { reader, meter } = await setUp({ spool, temporality: 'delta' });
      const counter = meter.createCounter('c');
      await collector.stop();
      for (let push = 1; push <= 3; push += 1) {
        counter.add(push);
        await reader.forceFlush();
      }
      assert.deepEqual(sumsOnDisk(), [1, 2, 3]);
      await collector.start();
      await spool.opened('metrics')?.flush(5000);
      counter.add(4);
      await reader.forceFlush();
      assert.deepEqual(sumsSent(), [1, 2, 3, 4]);
      assert.equal(state.dropped.size, 0);
    });

    it('sends in halves what is too large', async () => {
      collector.answer = (response, index) => {
        if (Number(response.req.headers['content-length']) > 2000) response.writeHead(413).end();
        else OK(response, index);
      };
      const { reader, meter } = await setUp({ spool: newSpool() });
      for (let at = 0; at < 20; at += 1) meter.createCounter(`counter_${at}`).add(1);
      await reader.forceFlush();
      const names = collector.received.flatMap((_, at) => [...metricsOf(at).keys()]);
      assert.deepEqual(
        names,
        Array.from({ length: 20 }, (_, at) => `counter_${at}`),
      );
      assert.equal(state.dropped.size, 0);
    });
  });
});
