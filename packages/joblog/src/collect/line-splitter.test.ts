import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type CutLine, fitted } from './held-line.ts';
import { LineSplitter } from './line-splitter.ts';

const MIB = 1024 * 1024;

function split(chunks: readonly Uint8Array[]): { lines: string[]; cutBytes: number[] } {
  const splitter = new LineSplitter();
  const lines: string[] = [];
  const cutBytes: number[] = [];
  const take = (text: string, cut: number): void => {
    lines.push(text);
    cutBytes.push(cut);
  };
  const takeHeld = (line: CutLine): void => {
    const { text, cutBytes: cut } = fitted(line);
    take(text, cut);
  };
  for (const chunk of chunks) {
    for (const { held, lines: whole } of splitter.push(Buffer.from(chunk))) {
      if (held !== undefined) takeHeld(held);
      for (const line of whole?.texts ?? []) take(line, 0);
    }
  }
  const last = splitter.end();
  if (last !== undefined) takeHeld(last);
  return { lines, cutBytes };
}

function inPieces(bytes: Buffer, size: number): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size));
  return pieces;
}

describe('lines of a stream', () => {
  const cases: ReadonlyArray<readonly [string, string | Buffer, readonly string[]]> = [
    ['nothing', '', []],
    ['lines', 'one\ntwo\n', ['one', 'two']],
    ['a line without an end', 'one\ntwo', ['one', 'two']],
    ['empty lines', '\n\na\n\n', ['', '', 'a', '']],
    ['line ends of Windows', 'one\r\ntwo\r\n', ['one', 'two']],
    ['a progress bar', '10%\r50%\r100%\ndone\n', ['100%', 'done']],
    ['a progress bar that returns at its end', '10%\r100%\r\n', ['100%']],
    ['a progress bar without an end', '10%\r100%\r', ['100%']],
    ['nothing but returns', '\r\r\r\n', ['']],
    ['text beyond ASCII', 'grüße 🙈\nこんにちは\n', ['grüße 🙈', 'こんにちは']],
    ['colours', '\u001b[1;31mred\u001b[0m and \u001b[38;5;4mblue\u001b[m\n', ['red and blue']],
    ['a link and a title', '\u001b]8;;https://a.b\u001b\\here\u001b]8;;\u0007 \u001b]0;title\u0007x\n', ['here x']],
    ['an escape sequence without an end', 'a\u001b]0;title\nb\u001b\nc\u001b[1\n', ['a0;title', 'b', 'c1']],
    ['cursor movements', '\u001b[2K\u001b[1Gready\u001b(B\u001b=\n', ['ready']],
    [
      'bytes that are no text',
      Buffer.from([0x61, 0xff, 0xfe, 0x0a, 0xc3, 0x0a, 0x62]),
      ['a\ufffd\ufffd', '\ufffd', 'b'],
    ],
    ['zeros', 'a\u0000b\n', ['a\u0000b']],
  ];
  for (const [what, text, expected] of cases) {
    it(`are found in ${what}, whatever the pieces`, () => {
      const bytes = Buffer.from(text as string);
      for (const size of [1, 2, 3, 7, 1000]) assert.deepEqual(split(inPieces(bytes, size)).lines, expected, `${size}`);
    });
  }

  it('do not depend on the pieces', () => {
    const byte = fc.oneof(fc.constantFrom(10, 13, 27, 0x5b, 0x41, 0x5d, 7), fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(fc.array(byte, { maxLength: 60 }), fc.integer({ min: 1, max: 9 }), (bytes, size) => {
        const whole = Buffer.from(bytes);
        assert.deepEqual(split(inPieces(whole, size)), split([whole]));
      }),
    );
  });

  it('do not hold on to the memory of a chunk', () => {
    const splitter = new LineSplitter();
    const chunk = Buffer.from('begin');
    assert.deepEqual([...splitter.push(chunk)], []);
    chunk.fill('x');
    assert.deepEqual(
      [...splitter.push(Buffer.from(' end\n'))],
      [{ held: { text: 'begin end', cutBytes: 0 }, lines: undefined }],
    );
  });

  it('are cut when they are long, with the number of bytes', () => {
    for (const unit of ['x', 'é', '🙈', 'ab é🙈']) {
      const line = unit.repeat((10 * MIB) / Buffer.byteLength(unit));
      for (const size of [64 * 1024, 100_003, 11 * MIB]) {
        const { lines, cutBytes } = split(inPieces(Buffer.from(`${line}\nnext\n`), size));
        const [first = ''] = lines;
        assert.deepEqual(lines.slice(1), ['next']);
        assert.ok(line.startsWith(first), 'no half character');
        assert.equal(Buffer.byteLength(first) + (cutBytes[0] ?? 0), Buffer.byteLength(line));
        assert.ok(Buffer.byteLength(first) > MIB - 20 * 1024 && Buffer.byteLength(first) <= MIB);
      }
    }
  });

  it('fit into a record, whatever they hold', () => {
    for (const byte of [0, 0x22, 0x5c, 0x1f, 0xff, 0x80, 0xf0]) {
      const { lines, cutBytes } = split(inPieces(Buffer.alloc(3 * MIB, byte), 64 * 1024));
      assert.equal(lines.length, 1);
      assert.ok(Buffer.byteLength(JSON.stringify(lines[0])) <= MIB - 16 * 1024);
      assert.ok((cutBytes[0] ?? 0) > 0);
    }
  });

  it('hold no more than one record of a line that never ends', () => {
    const splitter = new LineSplitter();
    const chunk = Buffer.alloc(64 * 1024, 'x');
    const before = process.memoryUsage().arrayBuffers;
    for (let at = 0; at < 16 * 1024; at += 1)
      for (const split of splitter.push(chunk)) assert.fail(JSON.stringify(split));
    assert.ok(process.memoryUsage().arrayBuffers - before < 8 * MIB);
    const last = splitter.end();
    assert.equal((last?.text.length ?? 0) + (last?.cutBytes ?? 0), 1024 * MIB);
  });

  it('come one by one where each byte comes alone', () => {
    const text = 'a line of some length\n'.repeat(2000);
    assert.equal(split(inPieces(Buffer.from(text), 1)).lines.join('\n'), text.trimEnd());
  });
});
