import assert from 'node:assert/strict';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { ENDED, LogFolder, NOW_MS, STARTED } from './log-folder.test.fixture.ts';
import { type PruneOptions, type PruneReport, pruneLogs } from './prune-logs.ts';
import { UNLIMITED } from './retention-limits.ts';
import { readLastRetention } from './retention-lock.ts';

describe('pruneLogs', () => {
  let folder: LogFolder;
  beforeEach(() => {
    folder = new LogFolder();
  });
  afterEach(() => folder.remove());

  async function prune(
    limits: Partial<PruneOptions['limits']>,
    more: Partial<PruneOptions> = {},
  ): Promise<PruneReport> {
    const options = { logs: folder.path, limits: { ...UNLIMITED, ...limits }, nowMs: NOW_MS, ...more };
    const report = await pruneLogs(options);
    assert.ok(report !== undefined);
    assert.deepEqual(report.problems, []);
    return report;
  }

  it('deletes the days that are too old, with their folders, and counts what is left', async () => {
    for (const day of ['2026-05-02', '2026-05-03', '2026-05-04', '2026-05-10']) folder.write(`${day}/a.jsonl`);
    const report = await prune({ days: 7 });
    assert.deepEqual(folder.files(), ['2026-05-04/a.jsonl', '2026-05-10/a.jsonl']);
    assert.deepEqual(report.deleted_days, ['2026-05-02', '2026-05-03']);
    assert.deepEqual(folder.days(), ['2026-05-04', '2026-05-10']);
    assert.deepEqual([report.deleted_files, report.kept_files], [2, 2]);
    assert.equal(report.kept_bytes, 2 * ENDED.length);
    const last = await readLastRetention(folder.path);
    assert.deepEqual([last?.files, last?.bytes], [2, 2 * ENDED.length]);
  });

  it('deletes the oldest files of the oldest days first when there are too many or they are too big', async () => {
    folder.write('2026-05-08/new.jsonl', { hoursOld: 40 });
    folder.write('2026-05-08/old.jsonl', { hoursOld: 50 });
    folder.write('2026-05-09/a.jsonl', { hoursOld: 30 });
    assert.equal((await prune({ files: 2 })).deleted_files, 1);
    assert.deepEqual(folder.files(), ['2026-05-08/new.jsonl', '2026-05-09/a.jsonl']);
    assert.equal((await prune({ bytes: ENDED.length + 1 })).deleted_bytes, ENDED.length);
    assert.deepEqual(folder.files(), ['2026-05-09/a.jsonl']);
  });

  it('never deletes what somebody may write to: open runs, the last two hours, a shared file for a day', async () => {
    const text = STARTED;
    const spared = [
      folder.write('2026-05-01/open.jsonl', { text, hoursOld: 23 }),
      folder.write('2026-05-01/again.jsonl', { text: ENDED + STARTED, hoursOld: 23 }),
      folder.write('2026-05-01/recent.jsonl', { hoursOld: 1 }),
      folder.write('2026-05-01/_07.00000000.jsonl', { hoursOld: 23 }),
      folder.write('2026-05-01/tomorrow.jsonl', { hoursOld: -5 }),
    ];
    folder.write('2026-05-01/given-up.jsonl', { text, hoursOld: 25 });
    folder.write('2026-05-01/ended.jsonl', { hoursOld: 3 });
    folder.write('2026-05-01/_08.00000000.jsonl', { text, hoursOld: 25 });
    const report = await prune({ days: 1, files: 1, bytes: 1 });
    assert.deepEqual([report.deleted_files, report.spared_files], [3, 5]);
    for (const path of spared) assert.ok(existsSync(path), path);
  });

  it('never touches what it does not know, nor follows a link', async () => {
    const outside = new LogFolder();
    try {
      const target = outside.write('2026-05-01/a.jsonl');
      symlinkSync(join(outside.path, '2026-05-01'), join(folder.path, '2026-05-01'));
      folder.write('2026-05-02/notes.txt');
      folder.write('2026-05-02/.hidden.jsonl');
      folder.write('2026-05-02/sub/a.jsonl');
      folder.write('backup/2026-05-02/a.jsonl');
      folder.write('2026-05-02/a.jsonl');
      symlinkSync(target, join(folder.path, '2026-05-02', 'link.jsonl'));
      const report = await prune({ days: 1 });
      assert.deepEqual([report.deleted_files, report.unknown_files, report.deleted_days.length], [1, 4, 0]);
      assert.ok(existsSync(target));
      // Node 24 looks behind links here.
      const left = folder.files().filter((file) => !file.startsWith('2026-05-01/'));
      assert.deepEqual(left.slice(-5), [
        '2026-05-02/.hidden.jsonl',
        '2026-05-02/link.jsonl',
        '2026-05-02/notes.txt',
        '2026-05-02/sub/a.jsonl',
        'backup/2026-05-02/a.jsonl',
      ]);
    } finally {
      outside.remove();
    }
  });

  it('says what it would do, and does nothing, when asked to', async () => {
    folder.write('2026-05-01/a.jsonl');
    folder.write('2026-05-09/big.jsonl', { text: ENDED.repeat(100) });
    const before = folder.files();
    const dry = await prune({ days: 7 }, { dryRun: true, compression: 'gzip' });
    assert.deepEqual(folder.files(), before);
    assert.equal(existsSync(join(folder.path, '.retention.json')), false);
    const {
      dry_run,
      compressed_bytes_saved: saved,
      kept_bytes: kept,
      ...done
    } = await prune({ days: 7 }, { compression: 'gzip' });
    assert.deepEqual([dry.dry_run, dry_run], [true, false]);
    assert.equal(dry.kept_bytes - saved, kept);
    const { dry_run: _, compressed_bytes_saved: _saved, kept_bytes: _kept, ...told } = dry;
    assert.deepEqual(told, done);
  });

  it('packs the files of past days that are bigger than a block', async () => {
    const text = ENDED.repeat(100);
    folder.write('2026-05-08/big.jsonl', { text });
    folder.write('2026-05-08/small.jsonl');
    folder.write('2026-05-08/open.jsonl', { text: text + STARTED, hoursOld: 20 });
    folder.write('2026-05-10/today.jsonl', { text, hoursOld: 5 });
    const report = await prune({}, { compression: 'gzip' });
    assert.deepEqual(folder.files(), [
      '2026-05-08/big.jsonl.gz',
      '2026-05-08/open.jsonl',
      '2026-05-08/small.jsonl',
      '2026-05-10/today.jsonl',
    ]);
    const packed = readFileSync(join(folder.path, '2026-05-08/big.jsonl.gz'));
    assert.equal(gunzipSync(packed).toString(), text);
    assert.deepEqual([report.compressed_files, report.compressed_bytes_saved], [1, text.length - packed.length]);
    assert.equal((await prune({}, { compression: 'gzip' })).compressed_files, 0);
    assert.equal((await prune({ days: 2 })).deleted_files, 2);
  });

  it('does not delete a file that is written to between look and deletion', async () => {
    const path = folder.write('2026-05-01/a.jsonl');
    const report = await prune({ days: 1 }, { pause: async () => appendFileSync(path, ENDED) });
    assert.deepEqual([report.deleted_files, existsSync(path)], [0, true]);
  });

  it('leaves the work to the process that is at it, and takes it over from one that is gone', async () => {
    folder.write('2026-05-01/a.jsonl');
    folder.write('2026-05-01/b.jsonl');
    let second: PruneReport | undefined | 'not asked' = 'not asked';
    const pause = async (): Promise<void> => {
      if (second !== 'not asked') return;
      second = await pruneLogs({ logs: folder.path, limits: { ...UNLIMITED, days: 1 }, nowMs: NOW_MS });
    };
    await prune({ days: 1 }, { pause });
    assert.equal(second, undefined);
    assert.equal(existsSync(join(folder.path, '.retention.lock')), false);
  });

  it('stops between two files when it is told to', async () => {
    for (const name of ['a', 'b', 'c']) folder.write(`2026-05-01/${name}.jsonl`);
    const stopping = new AbortController();
    const report = await prune({ days: 1 }, { signal: stopping.signal, pause: async () => stopping.abort() });
    assert.deepEqual([report.deleted_files, folder.files().length], [1, 2]);
  });

  it('has nothing to do where nothing was written yet', async () => {
    const report = await prune({}, { logs: join(folder.path, 'none') });
    assert.deepEqual([report.kept_files, existsSync(join(folder.path, 'none'))], [0, false]);
  });

  it('leaves what has become something else, and goes on', async () => {
    const path = folder.write('2026-05-01/a.jsonl');
    folder.write('2026-05-02/b.jsonl');
    const pause = async (): Promise<void> => {
      rmSync(path, { recursive: true, force: true });
      mkdirSync(path);
      writeFileSync(join(path, 'x'), '');
    };
    assert.equal((await prune({ days: 1 }, { pause })).deleted_files, 1);
    assert.deepEqual(folder.files(), ['2026-05-01/a.jsonl/x']);
  });

  it('tells what it may not delete, and goes on', async () => {
    // Nothing is forbidden to root.
    if (process.getuid?.() === 0) return;
    folder.write('2026-05-01/a.jsonl');
    folder.write('2026-05-02/b.jsonl');
    chmodSync(join(folder.path, '2026-05-01'), 0o500);
    try {
      const report = await pruneLogs({ logs: folder.path, limits: { ...UNLIMITED, days: 1 }, nowMs: NOW_MS });
      assert.match(String(report?.problems), /2026-05-01\/a\.jsonl: EACCES/);
      assert.deepEqual(folder.files(), ['2026-05-01/a.jsonl']);
    } finally {
      chmodSync(join(folder.path, '2026-05-01'), 0o700);
    }
  });
});
