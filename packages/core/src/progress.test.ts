import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { type RunRecord, state } from './internal/state.ts';
import { LIMITS } from './limits.ts';
import { type Recording, startRecording, stopRecording } from './recorded-sdk.test.ts';
import { startTask } from './run-task.ts';

/** Resolves with the next record of this event. */
function next(eventName: string): Promise<RunRecord> {
  return new Promise((resolve) => {
    const sink = (record: RunRecord): void => {
      if (record.eventName !== eventName) return;
      state.sinks.splice(state.sinks.indexOf(sink), 1);
      resolve(record);
    };
    state.sinks.push(sink);
  });
}

describe('progress', () => {
  let seen: Recording;
  const reports = (): [unknown, string | undefined][] =>
    seen.records
      .filter((record) => record.eventName === 'task.progress')
      .map((record) => [record.attributes?.['task.progress'], record.body]);
  beforeEach(() => {
    seen = startRecording();
  });
  afterEach(stopRecording);

  for (const [given, kept] of [
    [0, 0],
    [0.5, 0.5],
    [1, 1],
    [-1, 0],
    [7, 1],
    [Number.POSITIVE_INFINITY, 1],
    [Number.NEGATIVE_INFINITY, 0],
  ] as const) {
    it(`of ${given} is ${kept}`, () => {
      const task = startTask('op');
      task.progress(given);
      task.end();
      assert.deepEqual(reports(), [[kept, undefined]]);
    });
  }

  it('is written at once first, then held back; the last one is kept and stands before the end', () => {
    const task = startTask('op');
    for (let count = 0; count <= 1000; count += 1) task.progress(count / 1000, `${count} of 1000`);
    task.end();
    assert.deepEqual(reports(), [
      [0, '0 of 1000'],
      [1, '1000 of 1000'],
    ]);
    assert.deepEqual(seen.events(), ['task.started', 'task.progress', 'task.progress', 'task.ended']);
  });

  it('held back is written by itself after the interval, never earlier', async () => {
    const first = startTask('first');
    const second = startTask('second');
    first.progress(0.1);
    first.progress(0.2);
    // Half an interval later another run begins to hold back: the timer of the first must not serve it early.
    const half = performance.now() + LIMITS.progressIntervalMs / 2;
    while (performance.now() < half) await new Promise(setImmediate);
    const began = performance.now();
    second.progress(0.3);
    second.progress(0.4);
    const keepAlive = setTimeout(() => {}, 10_000);
    const one = await next('task.progress');
    const other = await next('task.progress');
    clearTimeout(keepAlive);
    assert.equal(one.run.operation, 'first');
    assert.equal(other.run.operation, 'second');
    assert.equal(other.attributes?.['task.progress'], 0.4);
    assert.ok(performance.now() - began >= LIMITS.progressIntervalMs - 1.5);
    first.end();
    second.end();
  });

  it('after the end is not written', () => {
    const task = startTask('op');
    task.end();
    task.progress(1);
    assert.deepEqual(reports(), []);
  });
});
