import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { bodyOf, itemOf, newSpool, tempFolder } from './spool.test.fixture.ts';
import { thisOwner } from './spool-owner.ts';
import { surveySpool } from './spool-survey.ts';

describe('surveySpool', () => {
  let dir: ReturnType<typeof tempFolder>;
  beforeEach(() => {
    dir = tempFolder();
  });
  afterEach(() => dir.remove());

  it('finds nothing where there is no spool', async () => {
    const { folders, refused } = await surveySpool(join(dir.path, 'absent'), 'shop');
    assert.deepEqual([folders, refused.files], [[], 0]);
  });

  it('says what waits, of whom, whether that one lives, and for whom it is', async () => {
    const root = join(dir.path, 'spool');
    const [own, dead] = [newSpool(root), newSpool(root, { owner: { ...thisOwner(), pid: 9_999_999 } })];
    await own.put('spans', itemOf(0));
    await own.put('logs', itemOf(0));
    await dead.put('logs', itemOf(0));
    await own.refused.keep('logs', bodyOf('no'));
    mkdirSync(join(root, 'notes'));
    writeFileSync(join(root, 'notes', 'mine.txt'), '');
    const before = readdirSync(root).sort();
    const { path, folders, refused } = await surveySpool(dir.path, 'shop');
    assert.equal(path, root);
    const byPid = new Map(folders.map((folder) => [folder.pid, folder]));
    assert.deepEqual([...(byPid.get(process.pid)?.signals ?? [])].sort(), ['logs', 'spans']);
    assert.deepEqual([byPid.get(process.pid)?.life, byPid.get(process.pid)?.bytes], ['alive', 8192]);
    assert.deepEqual(byPid.get(9_999_999), {
      life: 'dead',
      pid: 9_999_999,
      files: 1,
      bytes: 4096,
      signals: ['logs'],
      isForeign: false,
    });
    assert.deepEqual(refused, { path: join(root, 'refused'), files: 1, bytes: 4096 });
    const other = await surveySpool(dir.path, 'another');
    assert.deepEqual(
      other.folders.map(({ isForeign }) => isForeign),
      [true, true],
    );
    assert.deepEqual(readdirSync(root).sort(), before, 'nothing is changed');
    renameSync(join(root, 'refused'), join(root, 'v1.free.again'));
    const again = await surveySpool(dir.path, 'another');
    const free = again.folders.find(({ pid }) => pid === undefined);
    assert.deepEqual([free?.life, free?.isForeign, again.refused.files], ['dead', false, 0]);
  });
});
