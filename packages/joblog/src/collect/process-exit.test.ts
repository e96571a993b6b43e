import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { PassThrough } from 'node:stream';
import { exitOf } from './process-exit.ts';

describe('the exit of a process', () => {
  it('is that of a process alone', () => {
    for (const source of [new PassThrough(), { stdout: new PassThrough() }, 'text']) {
      assert.equal(exitOf(source), undefined);
    }
  });

  it('is a record with its code or signal', async () => {
    const child = spawn('bash', ['-c', 'exit 7']);
    assert.deepEqual((await exitOf(child))?.record.attributes, {
      'process.pid': child.pid,
      'process.exit.code': 7,
      'task.exit.category': 'error',
    });
    const { record } = (await exitOf(spawn('bash', ['-c', 'kill -KILL $$']))) ?? assert.fail();
    assert.deepEqual([record.eventName, record.attributes?.['task.exit.signal']], ['task.exited', 'SIGKILL']);
  });

  it('says why there was no process', async () => {
    const exit = await exitOf(spawn('/etc/passwd'));
    assert.deepEqual([exit?.record.eventName, exit?.outcome.errorType], ['task.launch_failed', 'EACCES']);
  });
});
