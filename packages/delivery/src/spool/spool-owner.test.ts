import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, it } from 'mocha';
import { lifeOf, thisOwner } from './spool-owner.ts';

const self = thisOwner();
const linux = process.platform === 'linux';

describe('lifeOf', () => {
  it('knows itself', () => {
    assert.equal(self.pid, process.pid);
    assert.deepEqual(thisOwner(), self);
    assert.equal(lifeOf(self, self), 'alive');
  });

  it('knows when a process is gone, and when another one has its number', async () => {
    const child = spawn(process.execPath, ['-e', 'process.stdin.resume()'], { stdio: ['pipe', 'ignore', 'inherit'] });
    const owner = { ...self, pid: child.pid ?? 0, start: '1' };
    if (linux) assert.equal(lifeOf(owner, self), 'dead', 'another start');
    else assert.equal(lifeOf(owner, self), 'unknown');
    child.kill('SIGKILL');
    await once(child, 'exit');
    assert.equal(lifeOf(owner, self), 'dead');
  });

  it('knows that its parent lives', () => {
    const parent = { ...self, pid: process.ppid, start: '0' };
    assert.equal(lifeOf(parent, self), 'unknown', 'without a start the number alone proves nothing');
  });

  it('does not judge other machines, nor other threads of its own process', () => {
    assert.equal(lifeOf({ ...self, host: 'ffffffff' }, self), 'unknown');
    assert.equal(lifeOf({ ...self, thread: self.thread + 1 }, self), 'unknown');
  });

  it('takes the process with the number of an earlier one for another one: containers always have pid 1', () => {
    if (linux) assert.equal(lifeOf({ ...self, start: `${self.start}1` }, self), 'dead');
  });
});
