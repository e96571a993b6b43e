import assert from 'node:assert/strict';
import { hasMoreValues } from './value-count.ts';

describe('the number of values', () => {
  const cases: ReadonlyArray<readonly [string, unknown, number]> = [
    ['a text', 'x', 0],
    ['nothing', undefined, 0],
    ['an empty object', {}, 0],
    ['an object', { a: 1, b: 'x', c: null }, 3],
    ['an array', [1, 2, 3], 3],
    ['what is nested', { a: [1, { b: 2 }], c: { d: [] } }, 6],
  ];
  for (const [what, value, count] of cases) {
    it(`is counted in ${what}`, () => {
      assert.equal(hasMoreValues(value, count), false);
      if (count > 0) assert.equal(hasMoreValues(value, count - 1), true);
    });
  }

  it('is counted however deep they are', () => {
    const deep: unknown = JSON.parse(`${'['.repeat(100_000)}${']'.repeat(100_000)}`);
    assert.equal(hasMoreValues(deep, 99_999), false);
    assert.equal(hasMoreValues(deep, 99_998), true);
  });
});
