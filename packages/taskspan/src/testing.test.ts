import assert from 'node:assert/strict';
import { recordMissedTask, runTask, runTaskSteps, startTask } from '@taskspan/core';
import { type RecordedTasks, recordTasks } from './testing.ts';

describe('recordTasks', () => {
  let seen: RecordedTasks;
  beforeEach(() => {
    seen = recordTasks();
  });
  afterEach(() => seen.stop());

  it('shows a run with its outcome, lines, progress, metrics, outputs and attributes', async () => {
    await runTask(
      'import',
      async (task) => {
        task.log('info', 'reading', { file: 'a.csv' });
        task.progress(0.5);
        task.metric('rows_processed', 12);
        task.addOutput('s3://bucket/a');
      },
      { id: 'run-1', attempt: 2, attributes: { user: 'ada', colour: 'red' } },
    );
    const [run] = seen.runs;
    assert.ok(run);
    assert.equal(run.id, 'run-1');
    assert.equal(run.status, 'success');
    assert.equal(run.attempt, 2);
    assert.deepEqual(run.attributes['user'], 'ada');
    assert.deepEqual(run.attributes['colour'], 'red');
    assert.deepEqual(run.progress, [0.5]);
    assert.deepEqual(run.metrics, { rows_processed: 12 });
    assert.deepEqual(run.outputs, ['s3://bucket/a']);
    assert.deepEqual(run.logs, [{ level: 'info', message: 'reading', attributes: { file: 'a.csv' } }]);
    assert.ok(run.durationSeconds !== undefined && run.durationSeconds >= 0);
  });

  it('waits for a run that ends later', async () => {
    const task = startTask('later');
    const waiting = seen.waitFor('later');
    setImmediate(() => task.end({ error: new RangeError('no') }));
    const run = await waiting;
    assert.equal(run.status, 'failure');
    assert.equal(run.errorType, 'RangeError');
  });

  it('says what it saw when the wait is over', async () => {
    startTask('other').end();
    await assert.rejects(seen.waitFor('never', 10), /a finished run of never.*seen: other \(success\)/);
  });

  it('shows steps and spans', async () => {
    await runTaskSteps('steps', [
      { name: 'one', run: () => 1 },
      { name: 'two', run: () => 2 },
    ]);
    assert.deepEqual(
      seen.runs[0]?.steps.map((step) => [step.name, step.status]),
      [
        ['one', 'success'],
        ['two', 'success'],
      ],
    );
    assert.deepEqual(
      seen.spans.map((span) => span.name),
      ['one', 'two', 'steps'],
    );
    recordMissedTask('steps', { reason: 'missed' });
  });

  it('forgets on reset and stops on stop', () => {
    startTask('a').end();
    seen.reset();
    assert.equal(seen.runs.length, 0);
    seen.stop();
    startTask('b').end();
    assert.equal(seen.runs.length, 0);
  });
});
