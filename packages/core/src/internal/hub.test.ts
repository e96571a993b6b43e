import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'mocha';
import { startRecording, stopRecording } from '../recorded-sdk.test.ts';
import { startTask } from '../run-task.ts';
import { closeOpenRuns, recordDropped, recordMissed } from './hub.ts';
import { state } from './state.ts';

describe('the hub', () => {
  afterEach(stopRecording);

  it('adds what was dropped by signal and reason', () => {
    recordDropped('logs', 'disk');
    recordDropped('logs', 'disk', 5);
    recordDropped('logs', 'overflow', 2);
    recordDropped('spans', 'disk', 3);
    assert.deepEqual(Object.fromEntries(state.dropped.get('logs') ?? []), { disk: 6, overflow: 2 });
    assert.deepEqual(Object.fromEntries(state.dropped.get('spans') ?? []), { disk: 3 });
  });

  it('adds what was missed by operation and reason', () => {
    recordMissed('a', 'skipped');
    recordMissed('a', 'skipped');
    assert.equal(state.missed.get('a')?.get('skipped'), 2);
  });

  it('closes every open run, also those that begin another while they end', () => {
    const seen = startRecording();
    state.sinks.push((record) => {
      if (record.eventName === 'task.ended' && record.run.operation === 'first') startTask('second');
    });
    startTask('first');
    closeOpenRuns({ status: 'cancelled', errorType: 'process_exit' });
    assert.equal(seen.span('first').attributes['task.status'], 'cancelled');
    assert.deepEqual(
      [...state.openRuns].map((run) => run.info.operation),
      ['second'],
    );
    closeOpenRuns({ status: 'cancelled', errorType: 'process_exit' });
    assert.equal(state.openRuns.size, 0);
  });
});
