import assert from 'node:assert/strict';
import { context, isSpanContextValid, propagation, ROOT_CONTEXT, TraceFlags, trace } from '@opentelemetry/api';
import { AlwaysOffSampler } from '@opentelemetry/sdk-trace-base';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { extractCarrier, injectCarrier } from './carrier.ts';
import { heardWarnings, startRecording, stopRecording } from './recorded-sdk.test.ts';
import { runTask, startTask } from './run-task.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';
const HEADER = `00-${TRACE}-${SPAN}-01`;

function withoutPropagator<T>(fn: () => T): T {
  propagation.disable();
  return fn();
}

describe('a carrier', () => {
  let warnings: string[];
  beforeEach(() => {
    ({ warnings } = startRecording());
  });
  afterEach(stopRecording);

  it('goes out and comes back, with and without a registered propagator', () => {
    const task = startTask('op');
    for (const carrier of [task.inject(), withoutPropagator(() => task.inject())]) {
      const { enqueuer } = extractCarrier(carrier, ROOT_CONTEXT);
      assert.match(carrier['traceparent'] ?? '', /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
      assert.equal(enqueuer?.spanId, carrier['traceparent']?.split('-')[2]);
      assert.equal(enqueuer?.traceFlags, TraceFlags.SAMPLED);
    }
  });

  it('says that its span is not sampled', () => {
    stopRecording();
    startRecording({ sampler: new AlwaysOffSampler() });
    const { traceparent = '' } = startTask('op').inject();
    assert.match(traceparent, /-00$/);
    assert.equal(extractCarrier({ traceparent }, ROOT_CONTEXT).enqueuer?.traceFlags, TraceFlags.NONE);
  });

  it('is empty outside any span', () => {
    assert.deepEqual(injectCarrier(), {});
    stopRecording();
    assert.deepEqual(
      runTask('op', (task) => task.inject()),
      {},
    );
  });

  it('may come from the environment, in upper case', () => {
    assert.equal(extractCarrier({ TRACEPARENT: HEADER }, ROOT_CONTEXT).enqueuer?.spanId, SPAN);
    propagation.disable();
    assert.equal(extractCarrier({ TRACEPARENT: HEADER }, ROOT_CONTEXT).enqueuer?.spanId, SPAN);
  });

  const HEADERS: readonly [string, string, boolean][] = [
    ['version 00', HEADER, true],
    ['a later version with more fields', `01-${TRACE}-${SPAN}-01-more`, true],
    ['version 00 with more fields', `${HEADER}-more`, false],
    ['version ff', `ff-${TRACE}-${SPAN}-01`, false],
    ['a trace id of zeros', `00-${'0'.repeat(32)}-${SPAN}-01`, false],
    ['a span id of zeros', `00-${TRACE}-${'0'.repeat(16)}-01`, false],
    ['upper case digits', HEADER.toUpperCase(), false],
    ['too short', HEADER.slice(0, -3), false],
    ['text', 'hello', false],
  ];
  for (const [title, traceparent, valid] of HEADERS) {
    it(`with ${title} ${valid ? 'counts' : 'is reported once and ignored'}`, () => {
      propagation.disable();
      for (let time = 0; time < 3; time += 1) {
        assert.equal(extractCarrier({ traceparent }, ROOT_CONTEXT).enqueuer !== undefined, valid);
      }
      assert.equal(warnings.length, valid ? 0 : 1);
    });
  }

  it('that is none never reaches the work', () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    const unreadable = new Proxy({}, { get: () => assert.fail('trap') });
    for (const bad of [5, 'text', [], true, () => 1, proxy, unreadable, { traceparent: 5 }, { traceparent: {} }, {}]) {
      const span = runTask('op', () => trace.getActiveSpan(), { carrier: bad as never });
      assert.equal(span !== undefined && isSpanContextValid(span.spanContext()), true);
    }
    assert.ok(warnings.some((line) => line.includes('carrier must be an object')));
  });

  it('without a span leaves the link to the active one', () => {
    const seen = startAgain();
    trace.getTracer('app').startActiveSpan('request', (span) => {
      runTask('op', () => {}, { carrier: {} });
      span.end();
    });
    assert.equal(seen.span('op').links[0]?.context.spanId, seen.span('request').spanContext().spanId);
  });

  it('survives a propagator that throws', () => {
    const fail = (): never => {
      throw new Error('propagator');
    };
    propagation.disable();
    propagation.setGlobalPropagator({ inject: fail, extract: fail, fields: () => [] });
    const carrier = startTask('op').inject();
    assert.match(carrier['traceparent'] ?? '', /^00-/);
    assert.notEqual(extractCarrier(carrier, context.active()).enqueuer, undefined);
    assert.ok(warnings.some((line) => line.includes('the carrier failed')));
  });

  it('needs no SDK to be read', () => {
    stopRecording();
    heardWarnings();
    assert.equal(extractCarrier({ traceparent: HEADER }, ROOT_CONTEXT).enqueuer?.traceId, TRACE);
  });
});

function startAgain(): ReturnType<typeof startRecording> {
  stopRecording();
  return startRecording();
}
