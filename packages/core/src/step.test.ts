import assert from 'node:assert/strict';
import { context, SpanStatusCode, trace } from '@opentelemetry/api';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { type Recording, startRecording, stopRecording } from './recorded-sdk.test.ts';
import { startTask } from './run-task.ts';

describe('a step', () => {
  let seen: Recording;
  beforeEach(() => {
    seen = startRecording();
  });
  afterEach(stopRecording);

  it('returns what its function returns, sync or not, and counts from 0', async () => {
    const task = startTask('op');
    assert.equal(
      task.step('a', () => 1),
      1,
    );
    assert.equal(await task.step('b', async () => 2), 2);
    task.end();
    assert.deepEqual(
      seen.records
        .filter((record) => record.eventName === 'task.step')
        .map((record) => record.attributes?.['task.step.index']),
      [0, 1],
    );
    const { attributes, severity } = seen.records[1] ?? {};
    assert.equal(severity, 9);
    assert.equal(attributes?.['task.step.name'], 'a');
    assert.equal(attributes?.['task.step.status'], 'success');
    assert.equal(typeof attributes?.['task.step.duration_seconds'], 'number');
  });

  it('records its error with message and stack, rethrows it, and leaves the run to its work', () => {
    const task = startTask('op');
    assert.throws(
      () =>
        task.step('bad', () => {
          throw new TypeError('broken');
        }),
      TypeError,
    );
    task.end();
    const step = seen.span('bad');
    assert.equal(step.status.code, SpanStatusCode.ERROR);
    assert.equal(step.status.message, 'broken');
    assert.equal(step.attributes['error.type'], 'TypeError');
    assert.equal(seen.span('op').attributes['task.status'], 'success');
    assert.equal(seen.record('exception').spanContext.spanId, step.spanContext().spanId);
    assert.equal(seen.record('task.step').severity, 17);
  });

  it('writes the error that several steps pass on once, and each of two equal texts', () => {
    const task = startTask('op');
    const failing = (error: unknown) => () => {
      throw error;
    };
    const error = new Error('one');
    assert.throws(() => task.step('outer', () => task.step('inner', failing(error))));
    for (const name of ['a', 'b']) {
      try {
        task.step(name, failing('text'));
      } catch (thrown) {
        assert.equal(thrown, 'text');
      }
    }
    task.end({ error: 'text' });
    assert.equal(seen.events().filter((event) => event === 'exception').length, 3);
  });

  it('is a child of the step around it', () => {
    const task = startTask('op');
    task.run(() => task.step('outer', () => task.step('inner', () => trace.getActiveSpan()?.setAttribute('mark', 1))));
    task.end();
    assert.equal(seen.span('inner').parentSpanContext?.spanId, seen.span('outer').spanContext().spanId);
    assert.equal(seen.span('inner').attributes['mark'], 1);
  });

  it('is a child of its task when it is called from outside, also in the same trace', () => {
    trace.getTracer('app').startActiveSpan('request', (request) => {
      const task = startTask('op', { relation: 'child' });
      task.step('part', () => assert.notEqual(trace.getSpanContext(context.active()), undefined));
      task.end();
      request.end();
    });
    assert.equal(seen.span('part').parentSpanContext?.spanId, seen.span('op').spanContext().spanId);
  });

  it('works without a tracer', () => {
    stopRecording();
    seen = startRecording({ spans: false });
    const task = startTask('op');
    assert.equal(
      task.step('', () => 'x'),
      'x',
    );
    assert.equal(seen.record('task.step').attributes?.['task.step.name'], 'step 0');
  });
});
