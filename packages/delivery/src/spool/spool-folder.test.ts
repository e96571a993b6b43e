import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { diskSize, SpoolFolder } from './spool-folder.ts';
import { fileName, folderName, type SpoolFileName } from './spool-names.ts';

const FILE: SpoolFileName = {
  ordinal: 0,
  createdMs: 1_763_727_000_000,
  signal: 'logs',
  last: false,
  items: 1,
  format: 'json',
  gzip: false,
};

describe('SpoolFolder', () => {
  let dir: string;
  let root: string;
  let folder: SpoolFolder;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'taskspan-spool-'));
    root = join(dir, 'spool');
    folder = SpoolFolder.make(root, folderName({ owner: 'free', service: undefined }, 'a'));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  it('is closed to others, and so is what lies in it', async () => {
    const file = await folder.write(FILE, Buffer.from('{}'));
    const mode = (path: string): number => statSync(path).mode & 0o777;
    if (process.platform !== 'win32') {
      assert.deepEqual([mode(root), mode(folder.path), mode(join(folder.path, file.name))], [0o700, 0o700, 0o600]);
    }
    assert.equal(String(await folder.read(file.name)), '{}');
  });

  it('lists bodies in order, and passes over what is foreign, unfinished or no plain file', async () => {
    await folder.write({ ...FILE, ordinal: 20 }, Buffer.from('b'));
    folder.writeSync({ ...FILE, ordinal: 3 }, Buffer.alloc(5000));
    writeFileSync(join(folder.path, 'notes.txt'), 'mine');
    writeFileSync(join(folder.path, `tmp-${fileName(FILE)}`), 'half');
    symlinkSync(join(dir, 'secret'), join(folder.path, fileName({ ...FILE, ordinal: 4 })));
    mkdirSync(join(folder.path, fileName({ ...FILE, ordinal: 5 })));
    assert.deepEqual(
      (await folder.list()).map(({ ordinal, size }) => [ordinal, size]),
      [
        [3, 8192],
        [20, 4096],
      ],
    );
    await folder.removeUnfinished();
    assert.ok(!readdirSync(folder.path).some((name) => name.startsWith('tmp-')));
  });

  it('never follows a link, whoever put it there', async () => {
    writeFileSync(join(dir, 'secret'), 'secret');
    const name = fileName(FILE);
    symlinkSync(join(dir, 'secret'), join(folder.path, name));
    if (process.platform !== 'win32') await assert.rejects(folder.read(name), /ELOOP/);
  });

  it('keeps what it does not know when it is discarded, under a name that nobody claims', () => {
    writeFileSync(join(folder.path, 'notes.txt'), 'mine');
    folder.discard();
    assert.deepEqual(readdirSync(root), ['v1.free.a.foreign']);
    const empty = SpoolFolder.make(root, folderName({ owner: 'free', service: undefined }, 'b'));
    empty.discard();
    assert.ok(!existsSync(empty.path));
    empty.discard();
  });

  it('leaves nothing behind when a write fails', async () => {
    await assert.rejects(folder.write({ ...FILE, items: 1 }, 5 as unknown as Uint8Array));
    assert.deepEqual(readdirSync(folder.path), ['owner.json']);
  });

  it('fails what is written under its old name', async () => {
    const writing = folder.write(FILE, Buffer.alloc(100_000));
    folder.renameTo(folderName({ owner: 'free', service: undefined }, 'moved'));
    await assert.rejects(writing, /ENOENT/);
    assert.deepEqual(await folder.list(), []);
  });

  it('beats', async () => {
    const before = await folder.lastBeatMs();
    await new Promise((resolve) => setTimeout(resolve, 5));
    await folder.beat();
    assert.ok((await folder.lastBeatMs()) > before);
  });
});

describe('diskSize', () => {
  it('counts whole blocks', () => assert.deepEqual([0, 1, 4096, 4097].map(diskSize), [4096, 4096, 4096, 8192]));
});
