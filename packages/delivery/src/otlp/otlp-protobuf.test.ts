import assert from 'node:assert/strict';
import { ROOT_CONTEXT, SpanKind, SpanStatusCode, TraceFlags, trace } from '@opentelemetry/api';
import { ProtobufLogsSerializer, ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { InMemoryLogRecordExporter, LoggerProvider, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { describe, it } from 'mocha';
import { encodeLogs, encodeSpans } from './otlp-json.ts';
import { protobufOf } from './otlp-protobuf.ts';

const resource = resourceFromAttributes({ 'service.name': 'protobuf', 'process.pid': 7 });
const SCOPE = { name: 'a', version: '1', schemaUrl: 'https://example.com/schema' };

/** The fields of a message in the order of their numbers, without those at zero: what the order of writing leaves open. */
function wire(bytes: Uint8Array | undefined): string {
  const buffer = Buffer.from(bytes ?? []);
  const fields: string[] = [];
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = buffer[at++];
      if (byte === undefined) throw new RangeError('the message ends early');
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < buffer.length) {
    const key = Number(varint());
    const type = key & 7;
    const length = type === 0 ? 0 : type === 1 ? 8 : type === 5 ? 4 : Number(varint());
    const text = type === 0 ? String(varint()) : content(buffer.subarray(at, at + length), type === 2);
    at += length;
    if (!/^(0*|\{\})$/.test(text)) fields.push(`${key >> 3}:${text}`);
  }
  return `{${fields.sort().join(' ')}}`;
}

/** A message where the bytes can be read as one, else the bytes. */
function content(bytes: Buffer, mayBeMessage: boolean): string {
  try {
    if (mayBeMessage && bytes.length > 0) return wire(bytes);
  } catch {
    // Text or an id.
  }
  return bytes.toString('hex');
}

describe('protobufOf', () => {
  it('says of spans what the serializer of OpenTelemetry says', () => {
    const exporter = new InMemorySpanExporter();
    const provider = new BasicTracerProvider({ resource, spanProcessors: [new SimpleSpanProcessor(exporter)] });
    const remote = { traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: TraceFlags.SAMPLED, isRemote: true };
    const parent = provider
      .getTracer('a', '1', { schemaUrl: SCOPE.schemaUrl })
      .startSpan(
        'parent',
        { kind: SpanKind.CONSUMER, attributes: { text: 'ü', whole: -3, broken: 0.5, yes: true, list: ['a', 'b'] } },
        trace.setSpanContext(ROOT_CONTEXT, remote),
      );
    parent.addEvent('happened', { n: 300 }).addLink({ context: remote, attributes: { why: 'queue' } });
    parent.setStatus({ code: SpanStatusCode.ERROR, message: 'no' }).end();
    provider.getTracer('b').startSpan('other scope').end();
    const spans = exporter.getFinishedSpans();
    const json = encodeSpans(spans);
    assert.ok(json !== undefined);
    assert.equal(wire(protobufOf(json)), wire(ProtobufTraceSerializer.serializeRequest(spans)));
  });

  it('says of log records what the serializer of OpenTelemetry says', () => {
    const exporter = new InMemoryLogRecordExporter();
    const provider = new LoggerProvider({ resource, processors: [new SimpleLogRecordProcessor({ exporter })] });
    const logger = provider.getLogger('a', '1', { schemaUrl: SCOPE.schemaUrl });
    const timestamp = new Date(1_700_000_000_123);
    const attributes = { map: { a: 1, deep: [true, null, 'x'] }, bytes: new Uint8Array([1, 2, 255]), negative: -1.5 };
    logger.emit({ timestamp, observedTimestamp: timestamp, severityNumber: 9, body: 'text', attributes });
    logger.emit({ timestamp, observedTimestamp: timestamp, eventName: 'own', body: { list: [1, 'a'] } });
    const records = exporter.getFinishedLogRecords();
    const json = encodeLogs({ items: records.map((log) => ({ log })), resource, scope: SCOPE });
    assert.ok(json !== undefined);
    assert.equal(wire(protobufOf(json)), wire(ProtobufLogsSerializer.serializeRequest(records)));
  });

  it('keeps values at zero, which say of what type they are', () => {
    const attributes = [
      { key: 'text', value: { stringValue: '' } },
      { key: 'no', value: { boolValue: false } },
      { key: 'zero', value: { intValue: '0' } },
      { key: 'nan', value: { doubleValue: 'NaN' } },
      { key: 'list', value: { arrayValue: {} } },
      { key: 'none', value: {} },
    ];
    const scope = { name: 's', attributes };
    const json = JSON.stringify({ resourceLogs: [{ scopeLogs: [{ scope, logRecords: [{}] }] }] });
    const hex = Buffer.from(protobufOf(Buffer.from(json))).toString('hex');
    for (const value of ['0a00', '1000', '1800', '21000000000000f87f', '2a00']) assert.ok(hex.includes(value), value);
  });

  it('throws on a field that OTLP does not have', () => {
    assert.throws(() => protobufOf(Buffer.from('{"resourceLogs":[{"other":1}]}')), /no field other/);
  });
});
