import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { afterEach, describe, it } from 'mocha';
import { heardWarnings, startRecording, stopRecording } from './recorded-sdk.test.ts';
import { RUN_CHANNEL, type RunMessage, runsAreWatched } from './run-channel.ts';
import { runTask } from './run-task.ts';

describe('the channel taskspan:run', () => {
  const told: string[] = [];
  const listen = (message: unknown): void => {
    const { phase, run } = message as RunMessage;
    told.push(`${phase} ${run.operation} ${run.status} ${typeof run.durationSeconds}`);
  };
  afterEach(() => {
    unsubscribe(RUN_CHANNEL, listen);
    told.length = 0;
    stopRecording();
  });

  it('tells of every start and end, with an SDK and without', () => {
    assert.equal(RUN_CHANNEL, 'taskspan:run');
    assert.equal(runsAreWatched(), false);
    subscribe(RUN_CHANNEL, listen);
    assert.equal(runsAreWatched(), true);
    heardWarnings();
    runTask('a', () => 1);
    startRecording();
    assert.throws(() =>
      runTask('b', () => {
        throw new Error('x');
      }),
    );
    assert.deepEqual(told, [
      'start a undefined undefined',
      'end a success number',
      'start b undefined undefined',
      'end b failure number',
    ]);
  });

  it('tells nobody when nobody listens', () => {
    startRecording();
    runTask('a', () => 1);
    assert.deepEqual(told, []);
  });
});
