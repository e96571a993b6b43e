import assert from 'node:assert/strict';
import { countText, sizeText } from './size-text.ts';

describe('sizes for people', () => {
  for (const [bytes, text] of [
    [0, '0 B'],
    [20, '20 B'],
    [1023, '1023 B'],
    [1536, '1.5 KiB'],
    [64_774_144, '61.8 MiB'],
    [5 * 1024 ** 3, '5 GiB'],
    [3000 * 1024 ** 4, '3000 TiB'],
  ] as const) {
    it(`${bytes} bytes are ${text}`, () => assert.equal(sizeText(bytes), text));
  }

  it('one is no plural', () => {
    assert.deepEqual(
      [0, 1, 2].map((count) => countText(count, 'file')),
      ['0 files', '1 file', '2 files'],
    );
  });
});
