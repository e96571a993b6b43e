import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { describe, it } from 'mocha';
import { handlesSignal, isAlive, linuxTreeUse, processTree, treeUse, useInTable } from './process-tree.ts';

describe('a process tree', function () {
  this.timeout(20_000);

  /** A process with two below it, one below the other; all wait for the end of their standard input. */
  async function tree(): Promise<ChildProcess & { readonly pid: number }> {
    const code = 'import sys; print("up", flush=True); sys.stdin.read()';
    const child = spawn('bash', ['-c', 'bash -c \'python3 -c "$CODE"; true\'; true'], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, CODE: code },
    });
    await once(child.stdout, 'data');
    return child as ChildProcess & { readonly pid: number };
  }

  it('is a process and all below it', async () => {
    const child = await tree();
    const found = processTree(child.pid);
    assert.equal(found.length, 3);
    assert.equal(found[0]?.pid, child.pid);
    assert.ok(found.every(isAlive));
    const use = await treeUse(child.pid);
    assert.equal(use?.processes, 3);
    assert.ok((use?.rssBytes ?? 0) > 5 << 20 && (use?.rssBytes ?? 0) < 200 << 20, String(use?.rssBytes));
    assert.ok((use?.peakBytes ?? 0) > 2 << 20 && (use?.peakBytes ?? 0) <= (use?.rssBytes ?? 0) * 2);
    child.stdin?.end();
    await once(child, 'exit');
    assert.ok(!found.some(isAlive));
    assert.deepEqual([processTree(child.pid), linuxTreeUse(child.pid)], [[], undefined]);
  });

  it('is not mistaken for a later process with the same id', () => {
    const [own] = processTree(process.pid);
    assert.ok(own !== undefined && isAlive(own));
    assert.ok(!isAlive({ ...own, startTicks: 1 }));
  });

  it('tells which signals a process handles', async () => {
    const child = spawn('bash', ['-c', 'trap : HUP; echo up; read x'], { stdio: ['pipe', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    const of = (signal: 'SIGHUP' | 'SIGUSR1'): boolean => handlesSignal(child.pid ?? 0, constants.signals[signal]);
    assert.deepEqual([of('SIGHUP'), of('SIGUSR1')], [true, false]);
    child.stdin.end();
    await once(child, 'exit');
    assert.equal(of('SIGHUP'), false);
  });

  it('is read from the table of ps, where there is no other way', () => {
    const table = [
      '    1     0   1000     00:01',
      '   10     1   2000     00:02',
      '   11    10   3000  1:02:03',
      '   12    11   4000 1-00:00:00.50',
      '   13     1   5000     00:05',
      '',
    ].join('\n');
    assert.deepEqual(useInTable(table, 10), {
      rssBytes: 9000 * 1024,
      peakBytes: 4000 * 1024,
      cpuSeconds: 2 + 3723 + 86_400.5,
      processes: 3,
    });
    assert.equal(useInTable(table, 99), undefined);
  });
});
