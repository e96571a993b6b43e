import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { LogFolder } from './log-folder.test.fixture.ts';
import { RetentionLock, readLastRetention, writeLastRetention } from './retention-lock.ts';

describe('RetentionLock', () => {
  let folder: LogFolder;
  let lock: string;
  beforeEach(() => {
    folder = new LogFolder();
    lock = join(folder.path, '.retention.lock');
  });
  afterEach(() => folder.remove());

  it('is had by one at a time', async () => {
    const taken = await Promise.all(Array.from({ length: 10 }, () => RetentionLock.take(folder.path)));
    const had = taken.filter((one) => one !== undefined);
    assert.equal(had.length, 1);
    assert.equal(await RetentionLock.take(folder.path), undefined);
    await had[0]?.release();
    assert.equal(existsSync(lock), false);
    await (await RetentionLock.take(folder.path))?.release();
  });

  const { pid: gone } = spawnSync(process.execPath, ['-e', '']);
  for (const [who, holder, ageMinutes, isTaken] of [
    ['a process of this host that is gone', { pid: gone, host: hostname() }, 0, true],
    ['a process of this host that lives', { pid: process.ppid, host: hostname() }, 1, false],
    ['a process of another host that shows itself', { pid: gone, host: 'elsewhere' }, 1, false],
    ['a process of another host that has not for long', { pid: 1, host: 'elsewhere' }, 6, true],
  ] as const) {
    it(`is ${isTaken ? '' : 'not '}taken over from ${who}`, async () => {
      writeFileSync(lock, JSON.stringify(holder));
      const at = Date.now() / 1000 - ageMinutes * 60;
      utimesSync(lock, at, at);
      const taken = await Promise.all(Array.from({ length: 5 }, () => RetentionLock.take(folder.path)));
      assert.equal(taken.filter((one) => one !== undefined).length, isTaken ? 1 : 0);
      for (const one of taken) await one?.release();
    });
  }

  it('throws where nothing can be written', async () => {
    await assert.rejects(RetentionLock.take(join(folder.path, 'none')), { code: 'ENOENT' });
  });
});

describe('the last retention', () => {
  it('is known to every process; half of it is nothing', async () => {
    const folder = new LogFolder();
    try {
      assert.equal(await readLastRetention(folder.path), undefined);
      await writeLastRetention(folder.path, { atMs: 5, files: 2, bytes: 10 });
      assert.deepEqual(await readLastRetention(folder.path), { atMs: 5, files: 2, bytes: 10 });
      writeFileSync(join(folder.path, '.retention.json'), '{"atMs":5,"fi');
      assert.equal(await readLastRetention(folder.path), undefined);
    } finally {
      folder.remove();
    }
  });
});
