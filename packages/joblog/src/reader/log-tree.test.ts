import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import * as zlib from 'node:zlib';
import type { LogFile } from './log-file.ts';
import { type LinesOptions, type LogLine, MAX_LINE_BYTES } from './log-lines.ts';
import { LogTree } from './log-tree.ts';
import { TestTree } from './otlp-line.test.fixture.ts';

/** What Node 22.15 and 23.8 brought. */
interface ZstdOfNode {
  zstdCompressSync?: (bytes: Buffer) => Buffer;
}

/** Not everywhere. */
const MAKE_PIPE = 'mkfifo';

describe('LogTree', () => {
  const trees: TestTree[] = [];
  let test: TestTree;
  let tree: LogTree;

  beforeEach(() => {
    test = newTree();
    tree = new LogTree(test.folder);
  });

  afterEach(() => {
    for (const each of trees.splice(0)) each.remove();
  });

  function newTree(): TestTree {
    const made = new TestTree();
    trees.push(made);
    return made;
  }

  async function onlyFile(): Promise<LogFile> {
    const [day = ''] = await tree.days();
    const [file] = await tree.filesOf(day);
    assert.ok(file !== undefined);
    return file;
  }

  async function linesOf(file: LogFile, options?: LinesOptions): Promise<LogLine[]> {
    const found: LogLine[] = [];
    for await (const line of tree.linesOf(file, options)) found.push(line);
    return found;
  }

  it('finds days, newest first, and of a range both ends', async () => {
    for (const day of ['2026-03-01', '2026-03-02', '2026-03-03', 'today', '2026-3-4']) test.write(`${day}/a.jsonl`, '');
    test.write('2026-03-09', 'a file that is named like a day');
    assert.deepEqual(await tree.days(), ['2026-03-03', '2026-03-02', '2026-03-01']);
    assert.deepEqual(await tree.days({ from: '2026-03-02', to: '2026-03-02' }), ['2026-03-02']);
    assert.deepEqual(await tree.days({ from: '2026-03-02' }), ['2026-03-03', '2026-03-02']);
    assert.deepEqual(await tree.days({ to: '2026-02-28' }), []);
  });

  it('finds files by their endings, and passes over what is none of ours', async () => {
    for (const name of ['b.jsonl', 'a.jsonl.gz', 'c.jsonl.zst', '_07.aabbccdd.jsonl'])
      test.write(`2026-03-01/${name}`, '');
    for (const name of ['.hidden.jsonl', '.jsonl', 'a.jsonl.tmp', 'a.json', 'a.jsonl.gz.1'])
      test.write(`2026-03-01/${name}`, '');
    mkdirSync(test.path('2026-03-01/folder.jsonl'));
    symlinkSync('/etc/passwd', test.path('2026-03-01/link.jsonl'));
    const found = (await tree.filesOf('2026-03-01')).map(({ name, compression }) => `${name} ${compression}`);
    assert.deepEqual(found, ['_07.aabbccdd none', 'a gzip', 'b none', 'c zstd']);
  });

  it('does not wait for the writer of a pipe', async () => {
    if (spawnSync(MAKE_PIPE, ['--version']).status !== 0) return;
    test.write('2026-03-01/a.jsonl', '');
    spawnSync(MAKE_PIPE, [test.path('2026-03-01/pipe.jsonl')]);
    assert.deepEqual(
      (await tree.filesOf('2026-03-01')).map(({ name }) => name),
      ['a'],
    );
    const file = await onlyFile();
    assert.deepEqual(await linesOf({ ...file, path: test.path('2026-03-01/pipe.jsonl'), name: 'pipe' }), []);
  });

  it('reads several folders as one', async () => {
    const other = newTree();
    test.write('2026-03-01/a.jsonl', '');
    other.write('2026-03-01/a.jsonl', '');
    other.write('2026-03-02/b.jsonl', '');
    tree = new LogTree([test.folder, other.folder, `${test.folder}/`, '/nowhere/at/all']);
    assert.equal(tree.folders.length, 3);
    assert.deepEqual(await tree.days(), ['2026-03-02', '2026-03-01']);
    assert.equal((await tree.filesOf('2026-03-01')).length, 2);
    assert.equal((await tree.filesNamed('a', ['2026-03-01', '2026-03-02'])).length, 2);
  });

  it('never leaves its folder', async () => {
    test.write('2026-03-01/a.jsonl', '');
    for (const name of ['../2026-03-01/a', '/etc/passwd', 'a\0', '..', 'a'.repeat(5000)])
      assert.deepEqual(await tree.filesNamed(name, ['2026-03-01']), [], name.slice(0, 20));
    assert.deepEqual(await tree.filesOf('../..'), []);
  });

  for (const ending of ['', '.gz']) {
    it(`reads lines with their places${ending}`, async () => {
      test.write(`2026-03-01/a.jsonl${ending}`, 'eins\n\nzwei ü\r\nhalf');
      const found = await linesOf(await onlyFile());
      assert.deepEqual(
        found.map(({ text, offset, end, isEnded }) => [text, offset, end, isEnded]),
        [
          ['eins', 0, 5, true],
          ['', 5, 6, true],
          ['zwei ü\r', 6, 15, true],
          ['half', 15, 19, false],
        ],
      );
      assert.deepEqual(
        (await linesOf(await onlyFile(), { from: 6 })).map(({ text, offset }) => [text, offset]),
        [
          ['zwei ü\r', 6],
          ['half', 15],
        ],
      );
      assert.deepEqual(await linesOf(await onlyFile(), { from: 19 }), []);
    });

    it(`reads lines longer than a piece that is read at once${ending}`, async () => {
      const texts = Array.from(
        { length: 30 },
        (_, n) => `${n} ${'x'.repeat(n * 30_000)} ${n % 7 === 0 ? 'needle' : ''}`,
      );
      test.write(`2026-03-01/a.jsonl${ending}`, texts.map((text) => `${text}\n`).join(''));
      const file = await onlyFile();
      assert.deepEqual(
        (await linesOf(file)).map(({ text }) => text),
        texts,
      );
      const hits = await linesOf(file, { needle: 'needle' });
      assert.deepEqual(
        hits.map(({ text }) => text),
        texts.filter((text) => text.includes('needle')),
      );
      for (const { offset, text } of hits) {
        const [again] = await linesOf(file, { from: offset });
        assert.equal(again?.text, text);
      }
    });
  }

  for (const pack of [(zlib as ZstdOfNode).zstdCompressSync ?? []].flat()) {
    it('reads zstd, where this Node can', async () => {
      writeFileSync(test.write('2026-03-01/a.jsonl.zst', ''), pack(Buffer.from('one\ntwo\n')));
      const found = await linesOf(await onlyFile(), { from: 4 });
      assert.deepEqual(
        found.map(({ text, offset }) => [text, offset]),
        [['two', 4]],
      );
    });
  }

  it('finds a needle on the border of two pieces', async () => {
    for (let shift = -8; shift <= 8; shift += 1) {
      const before = 'y'.repeat(256 * 1024 - 20 + shift);
      test.write('2026-03-01/a.jsonl', `zero\n${before} the needle is here\nlast needle`);
      const hits = await linesOf(await onlyFile(), { needle: 'needle' });
      assert.deepEqual(
        hits.map(({ offset, isEnded }) => [offset, isEnded]),
        [
          [5, true],
          [5 + before.length + 20, false],
        ],
      );
    }
  });

  it('passes over a line without end', async function () {
    this.timeout(60_000);
    const path = test.write('2026-03-01/a.jsonl', 'first\n');
    const piece = Buffer.alloc(MAX_LINE_BYTES / 4, 'x');
    for (let n = 0; n < 5; n += 1) appendFileSync(path, piece);
    appendFileSync(path, '\nlast\n');
    const found = await linesOf(await onlyFile());
    assert.deepEqual(
      found.map(({ text, isTooLong }) => [text, isTooLong]),
      [
        ['first', false],
        ['', true],
        ['last', false],
      ],
    );
  });

  it('reads on in a file that was compressed since it was listed', async () => {
    test.write('2026-03-01/a.jsonl', 'one\ntwo\n');
    const file = await onlyFile();
    renameSync(file.path, `${file.path}.gone`);
    test.write('2026-03-01/a.jsonl.gz', 'one\ntwo\n');
    assert.deepEqual(
      (await linesOf(file, { from: 4 })).map(({ text }) => text),
      ['two'],
    );
  });

  it('has no lines for a file that is gone', async () => {
    test.write('2026-03-01/a.jsonl', 'one\n');
    const file = await onlyFile();
    test.remove();
    assert.deepEqual(await linesOf(file), []);
    assert.deepEqual(await tree.days(), []);
  });

  it('gives what a compressed file holds that broke off, or ends in something else', async () => {
    const packed = zlib.gzipSync(`${'a line\n'.repeat(1000)}`);
    writeFileSync(test.write('2026-03-01/a.jsonl.gz', ''), packed.subarray(0, packed.length - 10));
    assert.ok((await linesOf(await onlyFile())).length > 0);
    writeFileSync(test.path('2026-03-01/a.jsonl.gz'), Buffer.concat([packed, zlib.gzipSync('more\n')]));
    assert.equal((await linesOf(await onlyFile())).length, 1001);
  });

  it('throws what a file throws that is no gzip', async () => {
    writeFileSync(test.write('2026-03-01/a.jsonl.gz', ''), 'plain text');
    await assert.rejects(async () => await linesOf(await onlyFile()), /header/);
  });
});
