import assert from 'node:assert/strict';
import { join } from 'node:path';
import { ValueType } from '@opentelemetry/api';
import { emptyResource } from '@opentelemetry/resources';
import { AggregationTemporality, DataPointType, type ResourceMetrics } from '@opentelemetry/sdk-metrics';
import { clearReports, state } from '@taskspan/core/hub';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { type Answer, CollectorStandIn, OK, protobufFields } from './collector-stand-in.test.ts';
import { MetricDelivery, type MetricDeliveryOptions } from './metric-delivery.ts';
import type { OtlpTarget } from './otlp-config.ts';
import { LazySpool } from './spool/lazy-spool.ts';
import { tempFolder, textsBelow } from './spool/spool.test.fixture.ts';

const collector = new CollectorStandIn();
/** Nobody flushes, and everybody does. */
const CALM = new AbortController().signal;
const HURRY = AbortSignal.abort();
const BUSY: Answer = (response) => response.writeHead(429, { 'retry-after': '3600' }).end();
const DOWN: Answer = (response) => response.writeHead(503).end();
const TWENTY = Array.from({ length: 20 }, (_, at) => `counter_${at}`);

/** One point each. */
function collected(names: readonly string[], value = 1): ResourceMetrics {
  const metrics = names.map((name) => ({
    descriptor: { name, description: '', unit: '', valueType: ValueType.DOUBLE },
    aggregationTemporality: AggregationTemporality.DELTA,
    dataPointType: DataPointType.SUM as const,
    isMonotonic: true,
    dataPoints: [{ startTime: [1, 0] as [number, number], endTime: [2, 0] as [number, number], attributes: {}, value }],
  }));
  return { resource: emptyResource(), scopeMetrics: [{ scope: { name: 's' }, metrics }] };
}

// biome-ignore lint/suspicious/noExplicitAny: OTLP-JSON
function metricsIn(request: any): any[] {
  return request.resourceMetrics[0].scopeMetrics[0].metrics;
}

function namesSent(): string[] {
  return collector.received.flatMap(({ json }) => metricsIn(json).map(({ name }) => name));
}

function isLarge(response: Parameters<Answer>[0]): boolean {
  return Number(response.req.headers['content-length']) > 2000;
}

describe('MetricDelivery', () => {
  let dir: ReturnType<typeof tempFolder>;
  let spool: LazySpool;
  let asked: number;
  const deliveries: MetricDelivery[] = [];

  beforeEach(async () => {
    dir = tempFolder();
    spool = new LazySpool({ directory: dir.path, maxBytes: 1e8 });
    state.dropped.clear();
    state.delivery.clear();
    clearReports();
    collector.received.length = 0;
    collector.answer = OK;
    await collector.start();
    asked = collector.asked;
  });

  afterEach(async () => {
    for (const delivery of deliveries.splice(0)) await delivery.close();
    await spool.close();
    await collector.stop();
    dir.remove();
  });

  function setUp(options: Partial<MetricDeliveryOptions>, changes: Partial<OtlpTarget> = {}): MetricDelivery {
    const delivery = new MetricDelivery(collector.target('metrics', changes), {
      temporality: 'cumulative',
      timeoutMs: 40,
      spool,
      totals: undefined,
      ...options,
    });
    deliveries.push(delivery);
    return delivery;
  }

  function attempts(): number {
    return collector.asked - asked;
  }

  function onDisk(): string[] {
    return textsBelow(join(dir.path, 'spool'), 'metrics').flatMap((text) =>
      metricsIn(JSON.parse(text)).map(({ name, sum }) => `${name}=${sum.dataPoints[0].asDouble}`),
    );
  }

  describe('cutting deltas in halves', () => {
    it('keeps only those that were not taken', async () => {
      const delivery = setUp({ temporality: 'delta' });
      collector.answer = (response, index) => {
        if (isLarge(response)) response.writeHead(413).end();
        else if (collector.received.length > 0) DOWN(response, index);
        else OK(response, index);
      };
      await delivery.deliver(collected(TWENTY), HURRY);
      const taken = namesSent();
      assert.ok(taken.length > 0 && taken.length < 20);
      assert.deepEqual(
        onDisk(),
        TWENTY.slice(taken.length).map((name) => `${name}=1`),
      );
      collector.answer = OK;
      await spool.opened('metrics')?.flush(5000);
      assert.deepEqual(namesSent(), TWENTY);
      assert.equal(state.dropped.size, 0);
    });

    it('counts only those as lost that were not taken, where there is no disk', async () => {
      const delivery = setUp({ temporality: 'delta', spool: undefined });
      collector.answer = (response, index) => {
        if (isLarge(response)) response.writeHead(413).end();
        else if (collector.received.length > 0) DOWN(response, index);
        else OK(response, index);
      };
      await delivery.deliver(collected(TWENTY), HURRY);
      assert.equal(state.dropped.get('metrics')?.get('overflow'), 20 - namesSent().length);
    });

    it('hands only those to the end of the process that were not taken', async () => {
      const delivery = setUp({ temporality: 'delta', timeoutMs: 500 });
      let isHanging = false;
      collector.answer = (response, index) => {
        if (isLarge(response)) response.writeHead(413).end();
        else if (collector.received.length === 0) OK(response, index);
        else isHanging = true;
      };
      const delivered = delivery.deliver(collected(TWENTY), CALM);
      await collector.until(() => isHanging);
      const { items } = delivery.takeRest(performance.now());
      const names = items.flatMap(({ body }) => metricsIn(JSON.parse(String(body.bytes))).map(({ name }) => name));
      assert.ok(namesSent().length > 0);
      assert.deepEqual([...namesSent(), ...names], TWENTY);
      await collector.stop();
      await delivered;
    });

    it('sets aside only the half that is refused', async () => {
      const delivery = setUp({ temporality: 'delta' });
      collector.answer = (response, index) => {
        if (isLarge(response)) response.writeHead(413).end();
        else if (collector.received.length > 0) response.writeHead(400).end();
        else OK(response, index);
      };
      await delivery.deliver(collected(TWENTY), HURRY);
      assert.equal(state.dropped.get('metrics')?.get('refused'), 20 - namesSent().length);
    });

    it('does so with protobuf that waited on disk', async () => {
      const delivery = setUp({ temporality: 'delta' }, { protocol: 'http/protobuf' });
      collector.answer = DOWN;
      await delivery.deliver(collected(TWENTY), HURRY);
      collector.answer = (response, index) => {
        if (Number(response.req.headers['content-length']) > 400) response.writeHead(413).end();
        else OK(response, index);
      };
      assert.equal(await spool.opened('metrics')?.flush(5000), true);
      const names = collector.received.flatMap(({ body }) =>
        protobufFields(body, 1)
          .flatMap((resource) => protobufFields(resource, 2))
          .flatMap((scope) => protobufFields(scope, 2))
          .flatMap((metric) => protobufFields(metric, 1).map(String)),
      );
      assert.ok(collector.received.length > 1);
      assert.deepEqual(names, TWENTY);
      assert.equal(state.dropped.size, 0);
    });
  });

  describe('asked to wait', () => {
    it('makes no attempt with later totals, which take the place of those on disk', async () => {
      const delivery = setUp({});
      collector.answer = BUSY;
      for (const value of [1, 2, 3]) await delivery.deliver(collected(['c'], value), CALM);
      assert.deepEqual([attempts(), onDisk()], [1, ['c=3']]);
      assert.equal(delivery.takeRest(performance.now()).tryNow, false);
    });

    it('puts later deltas on disk', async () => {
      const delivery = setUp({ temporality: 'delta' });
      collector.answer = BUSY;
      for (const value of [1, 2, 3]) await delivery.deliver(collected(['c'], value), CALM);
      assert.deepEqual([attempts(), onDisk()], [1, ['c=1', 'c=2', 'c=3']]);
    });

    it('counts deltas that nothing can hold', async () => {
      const delivery = setUp({ temporality: 'delta', spool: undefined });
      collector.answer = BUSY;
      for (const value of [1, 2]) await delivery.deliver(collected(['c'], value), CALM);
      assert.deepEqual([attempts(), state.dropped.get('metrics')?.get('overflow')], [1, 2]);
    });

    it('tries once for each flush, and is at ease as soon as that is taken', async () => {
      const delivery = setUp({});
      collector.answer = BUSY;
      await delivery.deliver(collected(['c'], 1), CALM);
      await delivery.deliver(collected(['c'], 2), HURRY);
      assert.deepEqual([attempts(), onDisk()], [2, ['c=2']]);
      collector.answer = OK;
      const flush = new AbortController();
      const delivered = delivery.deliver(collected(['c'], 3), flush.signal);
      flush.abort();
      await delivered;
      assert.deepEqual([attempts(), onDisk()], [3, []]);
      await delivery.deliver(collected(['c'], 4), CALM);
      assert.equal(attempts(), 4);
    });

    it('tries for a flush with the newest totals alone', async () => {
      const delivery = setUp({ timeoutMs: 5000 });
      collector.answer = BUSY;
      await delivery.deliver(collected(['c'], 1), HURRY);
      const flush = new AbortController();
      const delivered = [2, 3].map((value) => delivery.deliver(collected(['c'], value), flush.signal));
      collector.answer = OK;
      flush.abort();
      await Promise.all(delivered);
      assert.deepEqual(
        collector.received.map(({ json }) => metricsIn(json)[0].sum.dataPoints[0].asDouble),
        [3],
      );
    });

    it('tries when the time is over, within the same push too', async () => {
      const delivery = setUp({ timeoutMs: 5000 });
      collector.answer = (response) => response.writeHead(503, { 'retry-after': '1' }).end();
      await delivery.deliver(collected(['c'], 1), HURRY);
      collector.answer = OK;
      const began = performance.now();
      await delivery.deliver(collected(['c'], 2), CALM);
      assert.equal(attempts(), 2);
      assert.ok(performance.now() - began > 500);
    });

    it('waits for five minutes at most', async () => {
      const delivery = setUp({});
      const { now } = performance;
      try {
        collector.answer = BUSY;
        await delivery.deliver(collected(['c'], 1), CALM);
        performance.now = () => now.call(performance) + 290_000;
        await delivery.deliver(collected(['c'], 2), CALM);
        assert.equal(attempts(), 1);
        performance.now = () => now.call(performance) + 300_001;
        await delivery.deliver(collected(['c'], 3), CALM);
        assert.equal(attempts(), 2);
      } finally {
        performance.now = now;
      }
    });
  });
});
