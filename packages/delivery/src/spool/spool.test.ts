import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { clearReports, state } from '@taskspan/core/hub';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { unpackBody } from './packed-body.ts';
import { bodyOf, itemOf, newSpool, nonce, tempFolder, textsBelow } from './spool.test.fixture.ts';
import type { Spool } from './spool.ts';
import { SpoolFolder } from './spool-folder.ts';
import { folderName } from './spool-names.ts';

describe('Spool', () => {
  let dir: ReturnType<typeof tempFolder>;
  let root: string;
  let warnings: string[];
  beforeEach(() => {
    dir = tempFolder();
    root = join(dir.path, 'spool');
    state.dropped.clear();
    state.delivery.clear();
    clearReports();
    warnings = [];
    state.warn = (message) => warnings.push(message);
  });
  afterEach(() => {
    state.warn = undefined;
    dir.remove();
  });

  function lost(reason: 'spool_full' | 'disk'): number {
    return state.dropped.get('spans')?.get(reason) ?? 0;
  }

  /** Reads and removes all of a lane, in order. */
  async function take(spool: Spool, lane: 'own' | 'backlog'): Promise<string[]> {
    const texts: string[] = [];
    for (;;) {
      const { oldest } = spool.lanes('spans')[lane];
      if (oldest === undefined) return texts;
      const body = await spool.read(oldest);
      if (typeof body === 'object') texts.push(String((await unpackBody(body)).bytes));
      spool.remove(oldest);
    }
  }

  it('makes no folder before it is needed', () => {
    newSpool(root);
    assert.ok(!existsSync(root));
  });

  it('keeps what is put, says so in numbers, and gives it back', async () => {
    const spool = newSpool(root);
    assert.equal(await spool.put('spans', itemOf(0, 'first', 1000)), true);
    assert.equal(await spool.put('spans', itemOf(1, 'second', 2000)), true);
    assert.deepEqual(state.delivery.get('spans'), {
      spoolBytes: 8192,
      spoolOldestMs: 1000,
      lastSuccessMs: undefined,
    });
    assert.deepEqual(await take(spool, 'own'), ['first', 'second']);
    assert.deepEqual([spool.bytes, textsBelow(root)], [0, []]);
    assert.equal(state.delivery.get('spans')?.spoolOldestMs, undefined);
  });

  it('keeps the order of the ordinals, though writes end in any order and the clock is set back', async () => {
    const spool = newSpool(root);
    await Promise.all([5, 1, 3].map((at) => spool.put('spans', itemOf(at, String(at), 1e12 - at))));
    spool.putSync('spans', itemOf(2, '2', 5));
    assert.deepEqual(await take(spool, 'own'), ['1', '2', '3', '5']);
  });

  it('drops the oldest over its limit, whatever their signal, and counts each item', async () => {
    const spool = newSpool(root, { maxBytes: 4 * 4096 });
    await spool.put('logs', { ...itemOf(0, 'log', 1), body: bodyOf('log', 7) });
    for (let at = 0; at < 6; at += 1) await spool.put('spans', itemOf(at, `s${at}`, 10 + at));
    assert.equal(spool.bytes, 4 * 4096);
    assert.deepEqual([textsBelow(root, 'logs'), textsBelow(root)], [[], ['s2', 's3', 's4', 's5']]);
    assert.deepEqual([state.dropped.get('logs')?.get('spool_full'), lost('spool_full')], [7, 2]);
    assert.equal(warnings.length, 2, 'one per signal');
  });

  it('never drops what is being sent, and counts what is larger than all of it', async () => {
    const spool = newSpool(root, { maxBytes: 4096 });
    await spool.put('spans', itemOf(0));
    const { oldest } = spool.lanes('spans').own;
    if (oldest !== undefined) oldest.state = 'posting';
    await spool.put('spans', itemOf(1));
    assert.deepEqual(textsBelow(root), ['0', '1']);
    assert.equal(spool.putSync('spans', itemOf(2, 'x'.repeat(5000))), true);
    assert.equal(lost('spool_full'), 1);
  });

  it('goes on in a new folder when its own was deleted, or taken over by a process that believed it dead', async () => {
    const spool = newSpool(root);
    await spool.put('spans', itemOf(0));
    rmSync(dir.path, { recursive: true });
    assert.equal(await spool.put('spans', itemOf(1)), true);
    assert.deepEqual(textsBelow(root), ['1']);
    assert.equal(spool.bytes, 4096);
    const [own = ''] = readdirSync(root);
    new SpoolFolder(join(root, own)).renameTo(
      folderName({ owner: { ...spool.owner, pid: 1 }, service: undefined }, 'other'),
    );
    const { oldest } = spool.lanes('spans').own;
    assert.equal(oldest && (await spool.read(oldest)), 'gone');
    assert.equal(lost('disk'), 0, 'the other process has it');
    assert.equal(await spool.put('spans', itemOf(2)), true);
    assert.deepEqual(await take(spool, 'own'), ['2']);
  });

  it('passes over an empty file and a vanished one, and counts the first', async () => {
    const spool = newSpool(root);
    for (let at = 0; at < 3; at += 1) await spool.put('spans', itemOf(at));
    const [empty, gone] = spool.lanes('spans').own.entries;
    writeFileSync(join(empty?.folder.path ?? '', empty?.name ?? ''), '');
    rmSync(join(gone?.folder.path ?? '', gone?.name ?? ''));
    assert.deepEqual(await take(spool, 'own'), ['2']);
    assert.equal(lost('disk'), 1);
  });

  it('keeps one last point, the newest', async () => {
    const spool = newSpool(root);
    for (let at = 0; at < 3; at += 1) await spool.putLast(itemOf(at));
    assert.deepEqual(textsBelow(root, 'metrics'), ['2']);
    assert.ok(spool.lanes('metrics').own.isEmpty);
    spool.dropLast();
    assert.deepEqual([textsBelow(root, 'metrics'), spool.bytes], [[], 0]);
  });

  it('cuts one request into parts in its place', async () => {
    const spool = newSpool(root);
    await spool.put('spans', { ...itemOf(0), body: bodyOf('whole', 4) });
    await spool.put('spans', itemOf(4));
    const { oldest } = spool.lanes('spans').own;
    assert.ok(oldest !== undefined && (await spool.replace(oldest, [bodyOf('a', 2), bodyOf('b', 2)])));
    assert.deepEqual(await take(spool, 'own'), ['a', 'b', '4']);
  });

  it('gives everything to the next process when it ends, finishes what was being written, and doubles nothing', async () => {
    for (let round = 0; round < 20; round += 1) {
      const spool = newSpool(root);
      await spool.put('spans', itemOf(0));
      const writing = [1, 2, 3].map((at) => spool.put('spans', itemOf(at)));
      // The end comes at another moment of the writing in each round.
      for (let turn = 0; turn < round; turn += 1) await new Promise(setImmediate);
      spool.beginExit();
      spool.putSync('spans', itemOf(4));
      spool.release();
      assert.deepEqual(await Promise.all(writing), [true, true, true]);
      assert.deepEqual(
        [spool.bytes, readdirSync(root).filter((name) => !name.startsWith('v1.free.'))],
        [0, []],
        `round ${round}`,
      );
      assert.deepEqual(textsBelow(root), ['0', '1', '2', '3', '4'], `round ${round}`);
      rmSync(root, { recursive: true });
    }
  });

  it('does not give away what the receiver has already, and leaves no empty folder', async () => {
    const spool = newSpool(root);
    await spool.put('spans', itemOf(0));
    const { oldest } = spool.lanes('spans').own;
    if (oldest !== undefined) oldest.state = 'accepted';
    spool.beginExit();
    spool.release();
    assert.deepEqual(readdirSync(root), []);
  });

  it('adopts what others left behind it, in their order, and removes their folders when all is sent', async () => {
    const spool = newSpool(root);
    for (const from of ['a', 'b']) {
      const other = newSpool(root);
      for (let at = 0; at < 2; at += 1) await other.put('spans', itemOf(at, `${from}${at}`));
      await other.putLast(itemOf(9, `last of ${from}`));
      other.release();
      const [free = ''] = readdirSync(root).filter((name) => name.startsWith('v1.free.'));
      const folder = new SpoolFolder(join(root, free));
      folder.renameTo(folderName(spool, nonce()));
      assert.deepEqual([...(await spool.adopt(folder))].sort(), ['metrics', 'spans']);
    }
    assert.equal(state.delivery.get('spans')?.spoolBytes, 4 * 4096);
    assert.deepEqual(await take(spool, 'backlog'), ['a0', 'a1', 'b0', 'b1']);
    for (const entry of [...spool.lanes('metrics').backlog.entries]) spool.remove(entry);
    assert.deepEqual(readdirSync(root), []);
  });

  it('adopts an empty folder by removing it', async () => {
    const spool = newSpool(root);
    await spool.adopt(SpoolFolder.make(root, folderName({ owner: 'free', service: undefined }, 'empty')));
    assert.deepEqual(readdirSync(root), []);
  });

  it('says once that the disk is full, takes nothing then, and goes on when there is room', async () => {
    if (process.platform !== 'linux') return;
    mkdirSync(root);
    const mounted = succeeds('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', root]);
    try {
      // Where no file system can be mounted: a place where nobody can make a folder, but for root.
      if (!mounted && process.getuid?.() === 0) return;
      if (!mounted) chmodSync(root, 0o500);
      const spool = newSpool(root);
      const results: boolean[] = [];
      for (let at = 0; at < 40; at += 1) results.push(await spool.put('spans', itemOf(at, randomText())));
      assert.ok(results.includes(false));
      assert.equal(spool.putSync('spans', itemOf(99, randomText())), false);
      assert.equal(warnings.length, 1, warnings.join('\n'));
      assert.match(warnings[0] ?? '', /the spool in .* cannot be written \((ENOSPC|EACCES)\)/);
      const kept = results.filter(Boolean).length;
      assert.equal((await take(spool, 'own')).length, kept, 'nothing of it is half written');
      if (!mounted) chmodSync(root, 0o700);
      assert.equal(await spool.put('spans', itemOf(100)), true);
    } finally {
      if (mounted) succeeds('umount', [root]);
      else chmodSync(root, 0o700);
    }
  });

  function succeeds(program: string, args: readonly string[]): boolean {
    return spawnSync(program, args).status === 0;
  }

  /** 10 kB that cannot be compressed much. */
  function randomText(): string {
    return Array.from({ length: 1000 }, () => Math.random().toString(36).slice(2, 12)).join('');
  }

  it('shows that it lives, also for what it has taken over', async () => {
    const spool = newSpool(root);
    await spool.put('spans', itemOf(0));
    const [name = ''] = readdirSync(root);
    const beat = (): number => statSync(join(root, name, 'owner.json')).mtimeMs;
    const before = beat();
    await new Promise((resolve) => setTimeout(resolve, 5));
    await spool.beat();
    assert.ok(beat() > before);
    rmSync(root, { recursive: true });
    await spool.beat();
    assert.equal(spool.bytes, 0, 'gone with its folder');
  });
});
