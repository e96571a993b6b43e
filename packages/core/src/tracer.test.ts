import assert from 'node:assert/strict';
import { trace } from '@opentelemetry/api';
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import { afterEach, describe, it } from 'mocha';
import { state } from './internal/state.ts';
import { startRecording, stopRecording } from './recorded-sdk.test.ts';
import { activeTracer, recordsAreKept } from './tracer.ts';

describe('activeTracer', () => {
  afterEach(() => {
    state.tracerProvider = undefined;
    stopRecording();
  });

  it('is none until an SDK is there, and none after it is gone', () => {
    assert.equal(activeTracer(), undefined);
    startRecording();
    const tracer = activeTracer();
    assert.notEqual(tracer, undefined);
    assert.equal(activeTracer(), tracer);
    stopRecording();
    assert.equal(activeTracer(), undefined);
  });

  it("is our own provider's, whoever holds the global slot", () => {
    startRecording();
    const globalTracer = activeTracer();
    state.tracerProvider = new BasicTracerProvider();
    assert.notEqual(activeTracer(), globalTracer);
    trace.disable();
    assert.notEqual(activeTracer(), undefined);
  });
});

describe('recordsAreKept', () => {
  afterEach(stopRecording);

  it('is true for a sink or a logs SDK', () => {
    assert.equal(recordsAreKept(), false);
    startRecording({ records: 'sink', spans: false });
    assert.equal(recordsAreKept(), true);
    stopRecording();
    startRecording({ records: 'sdk', spans: false });
    assert.equal(recordsAreKept(), true);
  });

  it('is false where the toolkit runs and has no sink, whatever logs SDK there is', () => {
    startRecording({ records: 'sdk', spans: false });
    assert.equal(recordsAreKept(), true);
    const { owner } = state;
    state.owner = {};
    try {
      assert.equal(recordsAreKept(), false);
    } finally {
      state.owner = owner;
    }
  });
});
