import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { describe, it } from 'mocha';
import { ResourceWatch } from './resource-watch.ts';

const QUIET = { heartbeatMs: 60_000, onHeartbeat: () => {} };

describe('ResourceWatch', () => {
  it('tells what a process uses, or what is known better', () => {
    const { 'task.memory.peak_bytes': peak, 'task.cpu.seconds': cpu } = new ResourceWatch(process.pid, QUIET).stop(1e6);
    assert.ok(Number(peak) > 1e6, String(peak));
    assert.equal(cpu, 1e6);
  });

  it('tells nothing of what it has not seen', async function () {
    if (process.platform !== 'linux') this.skip();
    // Its parent waits for nobody: it stays, without any memory.
    const parent = spawn('sh', ['-c', 'sleep 0.3 & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      const [line] = (await once(parent.stdout, 'data')) as [Buffer];
      const ended = Number(line.toString());
      while (!/^State:\s+Z/m.test(readFileSync(`/proc/${ended}/status`, 'utf8'))) await new Promise(setImmediate);
      assert.deepEqual(new ResourceWatch(ended, QUIET).stop(0), {});
      assert.deepEqual(new ResourceWatch(ended, QUIET).stop(0.25), { 'task.cpu.seconds': 0.25 });
    } finally {
      parent.kill('SIGKILL');
    }
  });
});
