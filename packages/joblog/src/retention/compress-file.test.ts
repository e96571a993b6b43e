import assert from 'node:assert/strict';
import { appendFileSync, copyFileSync, existsSync, readFileSync, statSync, utimesSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { LogTree } from '../reader/log-tree.ts';
import { compressFile, HAS_ZSTD } from './compress-file.ts';
import { filesOfDay, type KeptFile } from './day-files.ts';
import { ENDED, LogFolder } from './log-folder.test.fixture.ts';

const DAY = '2026-05-01';

describe('compressFile', () => {
  let folder: LogFolder;
  beforeEach(() => {
    folder = new LogFolder();
  });
  afterEach(() => folder.remove());

  async function only(): Promise<KeptFile> {
    const file = (await filesOfDay(folder.path, DAY)).files.find(({ compression }) => compression === 'none');
    assert.ok(file !== undefined);
    return file;
  }

  /** All lines of the day, as readers see them. */
  async function lines(): Promise<string[]> {
    const tree = new LogTree(folder.path);
    const found: string[] = [];
    for (const file of await tree.filesOf(DAY)) for await (const { text } of tree.linesOf(file)) found.push(text);
    return found;
  }

  for (const compression of ['gzip', 'zstd'] as const) {
    it(`keeps every line and the time of the file (${compression})`, async () => {
      const path = folder.write(`${DAY}/a.jsonl`, { text: ENDED.repeat(1000) });
      const before = await lines();
      const { mtimeMs } = statSync(path);
      const packed = await compressFile(await only(), compression);
      assert.equal(packed?.compression, compression === 'zstd' && HAS_ZSTD ? 'zstd' : 'gzip');
      assert.equal(Math.round(packed.modifiedMs), Math.round(mtimeMs));
      assert.deepEqual(await lines(), before);
      assert.equal(folder.files().length, 1);
    });
  }

  it('puts what came later behind what was packed before', async () => {
    folder.write(`${DAY}/a.jsonl`, { text: '{"first":1}\n' });
    await compressFile(await only(), 'gzip');
    folder.write(`${DAY}/a.jsonl`, { text: '{"second":2}\n', hoursOld: 30 });
    await compressFile(await only(), 'gzip');
    assert.deepEqual(folder.files(), [`${DAY}/a.jsonl.gz`]);
    assert.deepEqual(await lines(), ['{"first":1}', '{"second":2}']);
  });

  it('leaves a file alone that somebody writes to meanwhile', async () => {
    const path = folder.write(`${DAY}/a.jsonl`, { text: ENDED });
    const file = await only();
    appendFileSync(path, ENDED);
    assert.equal(await compressFile(file, 'gzip'), undefined);
    assert.deepEqual(folder.files(), [`${DAY}/a.jsonl`]);
    assert.equal(readFileSync(path, 'utf8'), ENDED + ENDED);
  });

  it('ends what an earlier process began, without doubling anything', async () => {
    const path = folder.write(`${DAY}/a.jsonl`, { text: ENDED });
    const spare = `${path}.spare`;
    copyFileSync(path, spare);
    const { atime, mtime } = statSync(path);
    await compressFile(await only(), 'gzip');
    copyFileSync(spare, path);
    utimesSync(path, atime, mtime);
    await compressFile(await only(), 'gzip');
    assert.equal(existsSync(path), false);
    assert.equal(gunzipSync(readFileSync(`${path}.gz`)).toString(), ENDED);
  });

  it('has nothing to do for a file that is gone', async () => {
    folder.write(`${DAY}/a.jsonl`);
    const file = await only();
    await compressFile(file, 'gzip');
    assert.equal(await compressFile(file, 'gzip'), undefined);
    assert.deepEqual(folder.files(), [`${DAY}/a.jsonl.gz`]);
  });
});
