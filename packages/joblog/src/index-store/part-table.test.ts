import assert from 'node:assert/strict';
import { mergedTable, type PartTable, tableOf } from './part-table.ts';
import { decodePart, encodePart, type RunPart } from './run-part.ts';
import { textHash } from './text-hash.ts';

const DAY = '2026-11-20';
const DAY_MS: number = Date.parse(DAY);

function part(n: number, startMs: number = DAY_MS + n * 1000): RunPart {
  const state = {
    outputs: [],
    endRank: 0,
    startRank: 2,
    progressNanos: 0n,
    lastNanos: 0n,
    startNanos: BigInt(startMs) * 1_000_000n,
  };
  return { file: n, jobId: `id-${String(n).padStart(4, '0')}`, run: 'r', from: n * 5000, to: n * 5000 + 100, state };
}

function idsOf(table: PartTable): string[] {
  return Array.from({ length: table.count }, (_, row) => table.part(row).jobId);
}

describe('PartTable', () => {
  it('keeps parts as they were', () => {
    const whole: RunPart = {
      ...part(3),
      state: {
        operation: 'é "quoted"',
        label: '',
        attempt: 2,
        outputs: ['s3://a', '\n'],
        errorType: 'E',
        startNanos: 2n ** 63n - 1n,
        endNanos: 1n,
        durationSeconds: 0.1,
        status: 'failure',
        endRank: 3,
        startRank: 2,
        progress: 0,
        progressNanos: 5n,
        service: 's',
        firstNanos: 7n,
        lastNanos: 8n,
      },
    };
    assert.deepEqual(decodePart(encodePart(whole), 3), whole);
    assert.deepEqual(decodePart(encodePart(part(1)), 1), part(1));
    assert.deepEqual(tableOf([whole], DAY).part(0), whole);
  });

  it('is in the order of start, then id', () => {
    const table = tableOf([part(3), part(1), part(2, DAY_MS + 1000)], DAY);
    assert.deepEqual(idsOf(table), ['id-0001', 'id-0002', 'id-0003']);
  });

  it('finds rows by the hash of their id, however many share it', () => {
    const table = tableOf([...Array.from({ length: 300 }, (_, n) => part(n)), { ...part(5), run: 'second' }], DAY);
    for (let n = 0; n < 300; n += 1) {
      const jobId = `id-${String(n).padStart(4, '0')}`;
      const found = [...table.rowsOf(textHash(jobId))].filter((row) => table.part(row).jobId === jobId);
      assert.equal(found.length, n === 5 ? 2 : 1);
    }
    assert.deepEqual([...table.rowsOf(textHash('none'))], []);
  });

  it('finds where a page goes on, among equal starts too', () => {
    const table = tableOf(
      Array.from({ length: 50 }, (_, n) => part(n, DAY_MS + (n < 25 ? 1000 : 2000))),
      DAY,
    );
    for (let row = 0; row < 50; row += 1) assert.equal(table.rowBelow(table.placeOf(row)), row - 1);
    assert.equal(table.rowBelow({ startMs: Number.POSITIVE_INFINITY, jobId: '', run: '' }), 49);
    assert.equal(table.rowBelow({ startMs: 0, jobId: '', run: '' }), -1);
  });

  it('lists a start that is days away from its folder as of that day', () => {
    const table = tableOf([part(1, 0), part(2, DAY_MS + 10 * 86_400_000), part(3)], DAY);
    assert.deepEqual([...table.start], [DAY_MS, DAY_MS, DAY_MS + 3000]);
  });

  it('is merged without its dead', () => {
    const one = tableOf([part(1), part(3), part(5)], DAY);
    const two = tableOf([part(2), part(4)], DAY);
    one.bury(1);
    one.bury(1);
    assert.equal(one.liveCount, 2);
    const merged = mergedTable([one, two]);
    assert.deepEqual(idsOf(merged), ['id-0001', 'id-0002', 'id-0004', 'id-0005']);
    assert.deepEqual(merged.part(2), part(4));
    assert.deepEqual([...merged.rowsOf(textHash('id-0005'))], [3]);
  });
});
