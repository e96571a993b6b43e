import assert from 'node:assert/strict';
import { SeverityNumber } from '@opentelemetry/api-logs';
import {
  JsonLogsSerializer,
  JsonTraceSerializer,
  ProtobufLogsSerializer,
  ProtobufMetricsSerializer,
  ProtobufTraceSerializer,
} from '@opentelemetry/otlp-transformer';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { InMemoryLogRecordExporter, LoggerProvider, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs';
import {
  AggregationTemporality,
  AggregationType,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { describe, it } from 'mocha';
import { protobufFields } from '../collector-stand-in.test.ts';
import { protobufOf } from '../otlp/otlp-protobuf.ts';
import type { RequestBody } from '../send-result.ts';
import { halvesOf } from './body-halves.ts';
import { jsonHalves } from './json-halves.ts';
import { protobufHalves } from './protobuf-halves.ts';

const RESOURCES = ['first', 'second'].map((name) => resourceFromAttributes({ 'service.name': name }));
const SCHEMA = { schemaUrl: 'https://example.com/schema' };

function body(bytes: Uint8Array | undefined, items: number): RequestBody {
  assert.ok(bytes);
  return { bytes, format: 'pb', gzip: false, items };
}

/** Every item with what it lies in: all fields of its resource group and its scope group but the lists. */
function itemsOf({ bytes }: RequestBody): string[] {
  const hex = (group: Buffer, ...numbers: number[]): string =>
    numbers.map((number) => protobufFields(group, number).map((field) => field.toString('hex'))).join('/');
  return protobufFields(Buffer.from(bytes), 1).flatMap((resource) =>
    protobufFields(resource, 2).flatMap((scope) =>
      protobufFields(scope, 2).map((item) => `${hex(resource, 1, 3)} ${hex(scope, 1, 3)} ${item.toString('hex')}`),
    ),
  );
}

/** Cuts it again and again, as far as it goes. */
function crumbs(whole: RequestBody, signal: 'spans' | 'logs' | 'metrics'): RequestBody[] {
  const halves = halvesOf(whole, signal);
  return halves === undefined ? [whole] : halves.flatMap((half) => crumbs(half, signal));
}

function spans() {
  const exporter = new InMemorySpanExporter();
  for (const resource of RESOURCES) {
    const provider = new BasicTracerProvider({ resource, spanProcessors: [new SimpleSpanProcessor(exporter)] });
    for (const scope of ['a', 'b'])
      for (let at = 0; at < 3; at += 1) {
        const span = provider.getTracer(scope, '1', SCHEMA).startSpan(`${scope}${at}`, { attributes: { at } });
        span.addEvent('happened', { 'a long text': 'x'.repeat(300) });
        span.end();
      }
  }
  return exporter.getFinishedSpans();
}

function logs() {
  const exporter = new InMemoryLogRecordExporter();
  for (const resource of RESOURCES) {
    const processor = new SimpleLogRecordProcessor({ exporter });
    const logger = new LoggerProvider({ resource, processors: [processor] }).getLogger('l', '1', SCHEMA);
    for (let at = 0; at < 4; at += 1)
      logger.emit({ severityNumber: SeverityNumber.INFO, body: { at }, attributes: { some: 'thing' } });
  }
  return exporter.getFinishedLogRecords();
}

async function metrics() {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.DELTA);
  const reader = new PeriodicExportingMetricReader({ exporter });
  const provider = new MeterProvider({
    resource: resourceFromAttributes({ 'service.name': 'third' }),
    readers: [reader],
    views: [{ instrumentName: 'exponential', aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM } }],
  });
  const meter = provider.getMeter('m', '1', SCHEMA);
  for (const key of ['a', 'b', 'c']) meter.createCounter('counter').add(1, { key });
  for (const key of ['a', 'b']) meter.createGauge('gauge').record(1, { key });
  meter.createHistogram('histogram').record(1);
  meter.createHistogram('exponential').record(1);
  await reader.forceFlush();
  const [collected] = exporter.getMetrics();
  await provider.shutdown();
  assert.ok(collected);
  return collected;
}

describe('protobufHalves', () => {
  it('keeps every span once, in order, with its resource and scope', () => {
    const whole = body(ProtobufTraceSerializer.serializeRequest(spans()), 12);
    const halves = halvesOf(whole, 'spans') ?? [];
    assert.deepEqual(
      halves.map(({ items }) => items),
      [6, 6],
    );
    assert.equal(itemsOf(whole).length, 12);
    assert.deepEqual(halves.flatMap(itemsOf), itemsOf(whole));
    assert.deepEqual(crumbs(whole, 'spans').flatMap(itemsOf), itemsOf(whole));
    assert.equal(crumbs(whole, 'spans').length, 12);
  });

  it('keeps every log record once', () => {
    const whole = body(ProtobufLogsSerializer.serializeRequest(logs()), 8);
    const parts = crumbs(whole, 'logs');
    assert.deepEqual(
      parts.map(({ items }) => items),
      Array(8).fill(1),
    );
    assert.deepEqual(parts.flatMap(itemsOf), itemsOf(whole));
  });

  it('keeps every metric once, counted by its points', async () => {
    const collected = await metrics();
    const points = collected.scopeMetrics.flatMap((scope) => scope.metrics.map(({ dataPoints }) => dataPoints.length));
    const whole = body(ProtobufMetricsSerializer.serializeRequest(collected), 7);
    const parts = crumbs(whole, 'metrics');
    assert.deepEqual(
      parts.map(({ items }) => items),
      points,
    );
    assert.deepEqual([...points].sort(), [1, 1, 2, 3]);
    assert.deepEqual(parts.flatMap(itemsOf), itemsOf(whole));
  });

  it('cuts where JSON is cut', () => {
    for (const json of [JsonTraceSerializer.serializeRequest(spans()), JsonLogsSerializer.serializeRequest(logs())]) {
      assert.ok(json);
      const whole = body(protobufOf(json), 12);
      assert.deepEqual(
        protobufHalves(whole, false)?.map(({ bytes, items }) => [items, Buffer.from(bytes).toString('hex')]),
        jsonHalves({ ...whole, bytes: json, format: 'json' })?.map(({ bytes, items }) => [
          items,
          Buffer.from(protobufOf(bytes)).toString('hex'),
        ]),
      );
    }
  });

  it('keeps fields that it does not know', () => {
    const list = (key: string, ...inner: string[]): string => {
      const hex = inner.join('');
      return `${key}${(hex.length / 2).toString(16).padStart(2, '0')}${hex}`;
    };
    // One of each wire type: 10 to 12 in the resource group, 13 in the scope group, 9 in the request.
    const unknown = ['50ffffffffffffffffff01', '590102030405060708', '6501020304'];
    const request = (...items: string[]): string =>
      `${list('0a', ...unknown, list('12', ...items.map((item) => list('12', item)), '6a01cc'))}4801`;
    assert.deepEqual(
      protobufHalves(body(Buffer.from(request('aa', 'bb'), 'hex'), 2), false)?.map(({ bytes }) =>
        Buffer.from(bytes).toString('hex'),
      ),
      [request('aa'), request('bb')],
    );
  });

  for (const [what, hex] of [
    ['a single item', '0a05120312010a'],
    ['no item', ''],
    ['a group of nothing', '0a001200'],
    ['a request that is cut off', '0a08120612010a1201'],
    ['a number without end', 'ffffffffffffffffffffffff'],
    ['a field without number', '0000'],
    ['a wire type that OTLP has not', '0b0c'],
    ['a length beyond the end', '0affffffff0f00'],
  ] as const) {
    it(`cannot cut ${what}`, () => assert.equal(protobufHalves(body(Buffer.from(hex, 'hex'), 2), false), undefined));
  }

  it('cannot cut what is compressed, or JSON', () => {
    const whole = body(protobufOf(Buffer.from('{"resourceLogs":[{"scopeLogs":[{"logRecords":[{},{}]}]}]}')), 2);
    assert.ok(protobufHalves(whole, false));
    assert.equal(protobufHalves({ ...whole, gzip: true }, false), undefined);
    assert.equal(protobufHalves({ ...whole, format: 'json' }, false), undefined);
  });
});
