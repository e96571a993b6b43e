import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { parseDuration } from './duration-text.ts';

describe('parseDuration', () => {
  for (const [text, ms] of [
    ['500ms', 500],
    ['30s', 30_000],
    ['5m', 300_000],
    ['2h', 7_200_000],
    ['1.5s', 1500],
    [' 1s ', 1000],
    ['0s', 0],
    ['', undefined],
    ['5', undefined],
    ['s', undefined],
    ['-1s', undefined],
    ['1d', undefined],
    ['1 s', undefined],
    ['1s2', undefined],
    ['1e3s', undefined],
  ] as const) {
    it(`reads '${text}' as ${ms}`, () => assert.equal(parseDuration(text), ms));
  }
});
