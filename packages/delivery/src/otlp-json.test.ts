import assert from 'node:assert/strict';
import { ROOT_CONTEXT, SpanKind, SpanStatusCode, TraceFlags, trace } from '@opentelemetry/api';
import { JsonTraceSerializer } from '@opentelemetry/otlp-transformer';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { describe, it } from 'mocha';
import { encodeSpans, timeJson, valueJson } from './otlp-json.ts';

const decoder = new TextDecoder();

/** A request without what the two dialects write differently: integers as strings, zero and empty fields. */
function plain(bytes: Uint8Array | undefined): unknown {
  return JSON.parse(decoder.decode(bytes), (key, value) => {
    if (key === 'intValue') return String(value);
    return value === 0 || (Array.isArray(value) && value.length === 0) ? undefined : value;
  });
}

describe('encodeSpans', () => {
  it('says the same as the serializer of OpenTelemetry', () => {
    const exporter = new InMemorySpanExporter();
    const provider = new BasicTracerProvider({
      resource: resourceFromAttributes({ 'service.name': 'json', 'process.pid': 7 }),
      spanProcessors: [new SimpleSpanProcessor(exporter)],
    });
    const remote = { traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: TraceFlags.SAMPLED, isRemote: true };
    const tracer = provider.getTracer('a', '1', { schemaUrl: 'https://example.com/schema' });
    const parent = tracer.startSpan(
      'parent',
      { kind: SpanKind.CONSUMER, attributes: { text: 'ü', whole: 3, broken: 0.5, yes: true, list: ['a', 'b'] } },
      trace.setSpanContext(ROOT_CONTEXT, remote),
    );
    parent.addEvent('happened', { n: 1 }).addLink({ context: remote, attributes: { why: 'queue' } });
    parent.setStatus({ code: SpanStatusCode.ERROR, message: 'no' }).end();
    provider.getTracer('b').startSpan('other scope').end();
    const spans = exporter.getFinishedSpans();
    assert.deepEqual(plain(encodeSpans(spans)), plain(JsonTraceSerializer.serializeRequest(spans)));
  });
});

describe('valueJson', () => {
  const table: [unknown, unknown][] = [
    ['', { stringValue: '' }],
    [0, { intValue: '0' }],
    [-0.5, { doubleValue: -0.5 }],
    [Number.POSITIVE_INFINITY, { doubleValue: 'Infinity' }],
    [2 ** 53, { doubleValue: 2 ** 53 }],
    [12345678901234567890n, { intValue: '12345678901234567890' }],
    [null, {}],
    [undefined, {}],
    [() => 1, {}],
    [new Uint8Array([1, 2]), { bytesValue: 'AQI=' }],
    [[1, [null]], { arrayValue: { values: [{ intValue: '1' }, { arrayValue: { values: [{}] } }] } }],
    [
      { a: { b: 'c' } },
      {
        kvlistValue: {
          values: [{ key: 'a', value: { kvlistValue: { values: [{ key: 'b', value: { stringValue: 'c' } }] } } }],
        },
      },
    ],
  ];
  for (const [value, json] of table) {
    it(`writes ${typeof value} ${typeof value === 'bigint' ? value : JSON.stringify(value)}`, () => {
      assert.deepEqual(valueJson(value), json);
    });
  }
});

describe('timeJson', () => {
  it('is exact in nanoseconds', () => {
    assert.equal(timeJson([1_763_727_000, 5]), '1763727000000000005');
    assert.equal(timeJson([0, 5]), '5');
    assert.equal(timeJson([0, 0]), '0');
  });
});
