import assert from 'node:assert/strict';
import fc from 'fast-check';
import { NumberTable } from './number-table.ts';

const KEY = fc.integer({ min: 1, max: 40 }).map((key) => key * 16);

describe('the table of numbers', () => {
  it('holds what a map would hold, whatever is done to it', () => {
    const step = fc.oneof(
      fc.record({ key: KEY, value: fc.nat() }),
      fc.record({ key: KEY, value: fc.constant(undefined) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const [table, map] = [new NumberTable(), new Map<number, number>()];
        for (const { key, value } of steps) {
          if (value === undefined) {
            table.delete(key);
            map.delete(key);
          } else {
            table.set(key, value);
            map.set(key, value);
          }
          assert.equal(table.get(key), map.get(key));
          assert.equal(table.size, map.size);
        }
        assert.deepEqual(new Map(table.entries()), map);
      }),
    );
  });

  it('keeps what is wanted', () => {
    const table = new NumberTable();
    for (let key = 1; key <= 1000; key += 1) table.set(key * 2 ** 40 + 1, key % 3);
    table.keep((value) => value !== 1);
    assert.equal(table.size, 666);
    assert.equal(table.get(1 * 2 ** 40 + 1), undefined);
    assert.equal(table.get(2 * 2 ** 40 + 1), 2);
  });

  it('does not grow for ever when as much is deleted as is set', () => {
    const table = new NumberTable();
    for (let key = 1; key < 100_000; key += 1) {
      table.set(key, key);
      if (key > 10) table.delete(key - 10);
    }
    assert.equal(table.size, 10);
    assert.equal([...table.entries()].length, 10);
  });
});
