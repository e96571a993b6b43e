import assert from 'node:assert/strict';
import fc from 'fast-check';
import { NumberRanges } from './number-ranges.ts';

describe('NumberRanges', () => {
  it('takes each number once, in whatever order they come', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 200 }), (numbers) => {
        const ranges = new NumberRanges();
        const seen = new Set<number>();
        for (const number of numbers) {
          assert.equal(ranges.claim(number), !seen.has(number), `${number} in ${numbers}`);
          seen.add(number);
        }
        assert.equal(
          ranges.isComplete,
          [...seen].every((number) => number === 1 || seen.has(number - 1)),
        );
      }),
    );
  });
});
