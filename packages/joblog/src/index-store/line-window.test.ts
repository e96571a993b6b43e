import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chunkWindows, lineWindows, windowsBetween } from './line-window.ts';

describe('line windows', () => {
  let folder: string;
  let fd: number;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'line-window-'));
  });

  afterEach(() => {
    closeSync(fd);
    rmSync(folder, { recursive: true });
  });

  function file(text: string): number {
    writeFileSync(join(folder, 'file'), text);
    fd = openSync(join(folder, 'file'), 'r');
    return fd;
  }

  /** Lines of 1 to 300 000 bytes: within a window, across, and longer than one. */
  const lines: readonly string[] = Array.from(
    { length: 60 },
    (_, n) => `${'x'.repeat((n * 7919) % (n % 9 === 0 ? 300_000 : 3000))}${n}\n`,
  );

  it('give all bytes in whole lines', () => {
    const text = lines.join('');
    let read = '';
    for (const { bytes, offset } of lineWindows(file(text), 0)) {
      assert.equal(offset, read.length);
      read += bytes.toString();
      assert.equal(read.endsWith('\n'), true);
    }
    assert.equal(read, text);
  });

  it('give the rest of a file that lacks its last newline, and nothing of an empty one', () => {
    const windows = [...lineWindows(file('one\ntwo'), 4)].map(({ bytes, offset }) => `${offset} ${bytes}`);
    assert.deepEqual(windows, ['4 two']);
    closeSync(fd);
    assert.deepEqual([...lineWindows(file(''), 0)], []);
  });

  it('give each line once, wherever a file is cut into pieces', () => {
    const text = lines.join('');
    file(text);
    for (const piece of [1000, 4096, 65_536, 70_001, text.length]) {
      let read = '';
      for (let from = 0; from < text.length; from += piece) {
        for (const { bytes, offset } of windowsBetween(fd, from, Math.min(text.length, from + piece))) {
          assert.equal(offset, read.length);
          read += bytes.toString();
        }
      }
      assert.equal(read, text, `pieces of ${piece}`);
    }
  });

  it('are the same of chunks', async () => {
    const text = lines.join('');
    file(text);
    async function* chunks(): AsyncGenerator<Buffer> {
      for (let at = 0; at < text.length; at += 10_007) yield Buffer.from(text.slice(at, at + 10_007));
    }
    let read = '';
    for await (const { bytes, offset } of chunkWindows(chunks(), 0)) {
      assert.equal(offset, read.length);
      read += bytes.toString();
    }
    assert.equal(read, text);
  });
});
