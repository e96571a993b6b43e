import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { IdleTask } from './idle-task.ts';
import { state } from './internal/state.ts';
import { heardWarnings, stopRecording } from './recorded-sdk.test.ts';
import { runTask, runTaskSteps, startTask } from './run-task.ts';
import type { Task } from './task.ts';
import { recordOrphanedTask, startTaskSpan } from './task-record.ts';

const failure = new Error('x');

describe('with no SDK', () => {
  let warnings: string[];
  beforeEach(() => {
    warnings = heardWarnings();
  });
  afterEach(stopRecording);

  it('work gets a task with which everything can be done, and nothing happens', async () => {
    const use = (task: Task): string => {
      assert.equal(task instanceof IdleTask, true);
      assert.match(task.id, /^[0-9a-f-]{36}$/);
      assert.equal(task.id, task.id);
      assert.equal(task.operation, 'op');
      assert.equal(task.signal.aborted, false);
      assert.equal(task.signal, task.signal);
      task.log('info', 'line');
      task.progress(0.5);
      task.metric('rows', 1);
      task.setAttribute('a', 1);
      task.addOutput('b');
      assert.deepEqual(task.inject(), {});
      assert.equal(
        task.step('s', (own) => own),
        task,
      );
      assert.equal(
        task.run((own) => own),
        task,
      );
      task.end();
      task.end({ error: failure });
      return 'done';
    };
    assert.equal(runTask('op', use), 'done');
    assert.equal(await runTask('op', async (task) => use(task)), 'done');
    assert.deepEqual(await runTaskSteps('op', [{ name: 'a', run: use }]), ['done']);
    use(startTask('op'));
    recordOrphanedTask(null, { id: 'x', operation: 'op' });
    startTaskSpan(null, { operation: 'op' }).end();
    assert.equal(state.openRuns.size, 0);
    assert.deepEqual(warnings, []);
  });

  it('errors and misuse reach the caller as they would without us', async () => {
    const failing = (): never => {
      throw failure;
    };
    assert.throws(() => runTask('op', failing), failure);
    await assert.rejects(runTaskSteps('op', [{ name: 'a', run: failing }]), failure);
    assert.throws(() => runTask('op', undefined as never), TypeError);
    assert.equal(
      runTask('', () => 1),
      1,
    );
    assert.match(warnings[0] ?? '', /operation must be a non-empty string/);
  });

  it('options are used as far as they can be read', () => {
    const { signal } = new AbortController();
    runTask(
      'op',
      (task) => {
        assert.equal(task.id, 'mine');
        assert.equal(task.signal, signal);
      },
      { id: 'mine', signal },
    );
    const unreadable = new Proxy({}, { get: () => assert.fail('trap') });
    runTask('op', (task) => assert.match(task.id, /^[0-9a-f-]{36}$/), unreadable);
  });

  it('a value is returned as it is', () => {
    // biome-ignore lint/suspicious/noThenProperty: a thenable is what is tested.
    const thenable = { then: () => assert.fail('adopted') };
    assert.equal(runTask('op', () => thenable) === thenable, true);
  });
});
