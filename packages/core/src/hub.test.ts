import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import * as hub from './hub.ts';
import { state } from './internal/state.ts';

describe('@taskspan/core/hub', () => {
  it('offers the shared state, and what its neighbours call', () => {
    assert.equal(hub.state, state);
    const called = [hub.closeOpenRuns, hub.currentRun, hub.recordDropped, hub.reportOnce, hub.safeFileName, hub.safely];
    for (const one of [...called, hub.runAttributes, hub.taskFile]) assert.equal(typeof one, 'function');
    const formatter = [hub.logRecordJson, hub.runRecordJson, hub.spanJson, hub.attributesJson, hub.formatApart];
    for (const one of [...formatter, hub.Frames, hub.OtlpBatch]) assert.equal(typeof one, 'function');
    assert.equal(typeof hub.RunStampLogProcessor, 'function');
    assert.equal(typeof hub.RunStampSpanProcessor, 'function');
  });
});
