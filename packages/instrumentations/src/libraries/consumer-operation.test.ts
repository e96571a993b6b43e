import assert from 'node:assert/strict';
import { SpanKind } from '@opentelemetry/api';
import { BasicTracerProvider, type Span } from '@opentelemetry/sdk-trace-base';
import { describe, it } from 'mocha';
import { type ConsumedMessage, namingTracer } from './consumer-operation.ts';

describe('a tracer that names consumer spans', () => {
  const tracer = namingTracer(new BasicTracerProvider().getTracer('x'), (job) => {
    const { name, attributes } = job as ConsumedMessage;
    return `${name} of ${String(attributes['a'])}`;
  });

  it('gives them an operation, and no other span', () => {
    const consumer = tracer.startSpan('in', { kind: SpanKind.CONSUMER, attributes: { a: '1' } }) as Span;
    assert.deepEqual(consumer.attributes, { a: '1', operation: 'in of 1' });
    const producer = tracer.startSpan('out', { kind: SpanKind.PRODUCER, attributes: { a: '1' } }) as Span;
    assert.deepEqual(producer.attributes, { a: '1' });
    assert.deepEqual((tracer.startSpan('bare') as Span).attributes, {});
    tracer.startActiveSpan('active', (span) => assert.deepEqual((span as Span).attributes, {}));
  });

  it('leaves the options of its caller as they are', () => {
    const options = Object.freeze({ kind: SpanKind.CONSUMER, attributes: Object.freeze({ a: '1' }) });
    assert.equal((tracer.startSpan('in', options) as Span).attributes['operation'], 'in of 1');
  });
});
