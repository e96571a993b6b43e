import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { HistogramCell } from './histogram-cell.ts';

describe('HistogramCell', () => {
  it('counts into the bucket whose upper bound a value does not exceed', () => {
    const cell = new HistogramCell([1, 5]);
    for (const value of [0, 1, 1.5, 5, 6]) cell.add(value, 1);
    cell.add(2, 3);
    assert.deepEqual(cell.counts, [2, 5, 1]);
    assert.deepEqual([cell.count, cell.sum, cell.min, cell.max], [8, 19.5, 0, 6]);
  });
});
