import assert from 'node:assert/strict';
import { context, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { type EnqueueFacts, startEnqueue } from './enqueue.ts';
import { type Recording, startRecording, stopRecording } from './recorded-sdk.test.ts';
import { startTask } from './run-task.ts';

const FACTS: EnqueueFacts = { system: 'bullmq', destination: 'emails', name: 'add' };

describe('startEnqueue', () => {
  let recording: Recording;
  beforeEach(() => {
    recording = startRecording();
  });
  afterEach(stopRecording);

  it('is a PRODUCER span by the messaging conventions, below what is active, active during the call', () => {
    const task = startTask('request');
    task.run(() => {
      const enqueue = startEnqueue({ ...FACTS, count: 3, attributes: { extra: 1 } });
      assert.ok(enqueue);
      enqueue.run(() => {
        const active = trace.getSpanContext(context.active());
        assert.equal(enqueue.carrier['traceparent'], `00-${active?.traceId}-${active?.spanId}-01`);
      });
      enqueue.setMessageId('42');
      enqueue.returned(undefined);
    });
    task.end();
    const span = recording.span('send emails');
    assert.equal(span.kind, SpanKind.PRODUCER);
    assert.equal(span.parentSpanContext?.spanId, recording.span('request').spanContext().spanId);
    const { 'task.id': id, 'task.file': file, ...attributes } = span.attributes;
    assert.equal(id, task.id);
    assert.equal(typeof file, 'string');
    assert.deepEqual(attributes, {
      'messaging.system': 'bullmq',
      'messaging.operation.type': 'send',
      'messaging.operation.name': 'add',
      'messaging.destination.name': 'emails',
      'messaging.batch.message_count': 3,
      'messaging.message.id': '42',
      extra: 1,
    });
    assert.equal(span.status.code, SpanStatusCode.UNSET);
  });

  it('says what went wrong', () => {
    startEnqueue(FACTS)?.threw(new TypeError('no connection'));
    const span = recording.span('send emails');
    assert.deepEqual(span.status, { code: SpanStatusCode.ERROR, message: 'no connection' });
    assert.equal(span.attributes['error.type'], 'TypeError');
  });

  it('is nothing without a tracer', () => {
    stopRecording();
    startRecording({ spans: false });
    assert.equal(startEnqueue(FACTS), undefined);
  });
});
