import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { byteSize } from './byte-size.ts';

describe('byteSize', () => {
  for (const [bytes, text] of [
    [0, '0 KiB'],
    [1, '1 KiB'],
    [16 * 4096, '64 KiB'],
    [1024 * 1024, '1 MiB'],
    [1_500_000, '1.5 MiB'],
    [256 * 1024 * 1024, '256 MiB'],
  ] as const) {
    it(`says ${text}`, () => assert.equal(byteSize(bytes), text));
  }
});
