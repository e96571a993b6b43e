import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { MOST_PER_GAP, nextIteration, noteNextIteration, slotsEvery } from './bull-iterations.ts';

describe('slotsEvery', () => {
  it('gives what lies between two slots, also below a second', () => {
    assert.deepEqual(slotsEvery(300, 900, 1800), [1200, 1500]);
    assert.deepEqual(slotsEvery(1000, 900, 3900), [1900, 2900]);
    assert.deepEqual(slotsEvery(300, 900, 1200), []);
  });

  it('is bounded, and gives nothing for what is no period', () => {
    assert.equal(slotsEvery(1, 0, 1e12).length, MOST_PER_GAP);
    for (const period of [0, -1, Number.NaN]) assert.deepEqual(slotsEvery(period, 0, 1e12), []);
  });
});

describe('nextIteration', () => {
  it('is known by the options of the one before', () => {
    const options = {};
    noteNextIteration(options, { slot: 5, madeAt: 4 });
    noteNextIteration(undefined, { slot: 6, madeAt: 4 });
    assert.equal(nextIteration(options)?.slot, 5);
    assert.deepEqual([nextIteration({}), nextIteration(undefined)], [undefined, undefined]);
  });
});
