import assert from 'node:assert/strict';
import { ROOT_CONTEXT, SpanKind, SpanStatusCode, TraceFlags, type Tracer, trace } from '@opentelemetry/api';
import { JsonTraceSerializer } from '@opentelemetry/otlp-transformer';
import { resourceFromAttributes } from '@opentelemetry/resources';
import type { ReadableLogRecord } from '@opentelemetry/sdk-logs';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { clearReports, state } from '@taskspan/core/hub';
import { beforeEach, describe, it } from 'mocha';
import { encodeLogs, encodeSpans } from './otlp-json.ts';

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

/** Spans that ended, in the order of their ends. */
function endedSpans(make: (tracer: Tracer) => void): readonly ReadableSpan[] {
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  make(provider.getTracer('a'));
  return exporter.getFinishedSpans();
}

describe('an item that cannot be formatted', () => {
  beforeEach(() => {
    state.dropped.clear();
    clearReports();
  });

  it('is left out and counted once, however often its batch is tried', () => {
    const [good, bad] = endedSpans((tracer) => {
      tracer.startSpan('good').end();
      tracer.startSpan('bad').end();
    });
    assert.ok(good && bad);
    Object.defineProperty(bad, 'attributes', {
      get: () => {
        throw new Error('no');
      },
    });
    for (let attempt = 0; attempt < 3; attempt += 1) {
      const { resourceSpans } = JSON.parse(decoder.decode(encodeSpans([good, bad])));
      assert.equal(resourceSpans[0].scopeSpans[0].spans.length, 1);
    }
    assert.equal(encodeSpans([bad]), undefined, 'nothing is left to say');
    assert.equal(state.dropped.get('spans')?.get('refused'), 1);
  });
});

describe('a request body', () => {
  it('is UTF-8, whatever the resource, the scope and the texts are made of', () => {
    const resource = resourceFromAttributes({ 'service.name': 'caf\u00e9' });
    const log = (body: string, scope: string): ReadableLogRecord => ({
      hrTime: [1, 0],
      hrTimeObserved: [1, 0],
      attributes: {},
      droppedAttributesCount: 0,
      resource,
      instrumentationScope: { name: scope },
      body,
    });
    const texts = (body: string, scope: string): unknown => {
      // Twice: what is remembered of the first must not make the second one look like ASCII.
      const items = [{ log: log(body, scope) }, { log: log('plain', scope) }];
      for (let time = 0; time < 2; time += 1) encodeLogs({ items, resource, scope: { name: scope } });
      const sent = encodeLogs({ items, resource, scope: { name: scope } });
      const [group] = JSON.parse(decoder.decode(sent)).resourceLogs;
      const [{ scope: own, logRecords }] = group.scopeLogs;
      return [group.resource.attributes[0].value.stringValue, own.name, logRecords[0].body.stringValue];
    };
    assert.deepEqual(texts('\u{1f600}', 'z\u00f6e'), ['caf\u00e9', 'z\u00f6e', '\u{1f600}']);
    assert.deepEqual(texts('plain', 'plain'), ['caf\u00e9', 'plain', 'plain']);
  });
});
