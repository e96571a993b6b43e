import assert from 'node:assert/strict';
import type { HrTime } from '@opentelemetry/api';
import { describe, it } from 'mocha';
import { hrNanos, msNanos } from './nanos.ts';

describe('hrNanos', () => {
  const table: readonly (readonly [time: HrTime, nanos: string])[] = [
    [[1_763_727_000, 5], '1763727000000000005'],
    [[1_763_727_000, 999_999_999], '1763727000999999999'],
    [[0, 5], '5'],
    [[0, 0], '0'],
    // Rounded up by whoever made it.
    [[5, 1_000_000_000], '6000000000'],
    [[5, -1], '4999999999'],
    [[5, 0.4], '5000000000'],
    [[1.5, 0], '1500000000'],
    [[-1, 0], '0'],
    [[Number.NaN, Number.NaN], '0'],
    [[Number.POSITIVE_INFINITY, 0], '0'],
    // Microseconds taken for milliseconds: no 64 bits hold it.
    [[1_763_727_000_000, 0], '0'],
  ];
  for (const [time, nanos] of table) it(`of ${time} are ${nanos}`, () => assert.equal(hrNanos(time), nanos));
});

describe('msNanos', () => {
  const table: readonly (readonly [ms: number, nanos: string])[] = [
    [1_763_727_000_123.25, '1763727000123250000'],
    [0, '0'],
    [0.000001, '1'],
    [999.9999999, '1000000000'],
    [-5, '0'],
    [Number.NaN, '0'],
    [Number.POSITIVE_INFINITY, '0'],
    [8.64e15, '0'],
  ];
  for (const [ms, nanos] of table) it(`of ${ms} are ${nanos}`, () => assert.equal(msNanos(ms), nanos));
});
