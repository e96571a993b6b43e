import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { nanosSeconds, nanosText, parseNanosText, secondsNanos } from './nanos-text.ts';

const LAST = 9_223_372_035_999_999_999n;
const instants = fc.bigInt({ min: 0n, max: LAST });

describe('nanoseconds as text', () => {
  it('are read as what was written, and sort as they follow each other', () => {
    fc.assert(
      fc.property(instants, instants, (one, other) => {
        assert.equal(parseNanosText(nanosText(one)), one);
        assert.equal(nanosText(one) < nanosText(other), one < other);
      }),
    );
  });

  for (const [text, nanos] of [
    ['2026-01-27T10:30:45Z', 1769509845000000000n],
    ['2026-01-27t10:30:45z', 1769509845000000000n],
    ['2026-01-27 10:30:45+00:00', 1769509845000000000n],
    ['2026-01-27T10:30:45.000000001Z', 1769509845000000001n],
    ['2026-01-27T10:30:45.1Z', 1769509845100000000n],
    ['2026-01-27T10:30:45.1234567899Z', 1769509845123456789n],
    ['2026-01-27T12:00:45+01:30', 1769509845000000000n],
    ['2026-01-26T23:30:45-11:00', 1769509845000000000n],
    ['2024-02-29T00:00:00Z', 1709164800000000000n],
    ['2016-12-31T23:59:60Z', 1483228800000000000n],
    ['1970-01-01T00:00:00Z', 0n],
    ['2262-04-11T23:47:15.999999999Z', LAST],
  ] as const) {
    it(`are read from ${text}`, () => assert.equal(parseNanosText(text), nanos));
  }

  for (const text of [
    '',
    'now',
    '2026-01-27',
    '2026-01-27T10:30Z',
    '2026-01-27T10:30:45',
    '2026-02-29T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-00-10T00:00:00Z',
    '2026-01-27T24:00:00Z',
    '2026-01-27T10:60:00Z',
    '2026-01-27T10:30:61Z',
    '2026-01-27T10:30:45+24:00',
    '2026-01-27T10:30:45.Z',
    '1969-12-31T23:59:59Z',
    '1970-01-01T00:00:00+01:00',
    '2262-04-11T23:47:16Z',
    '9999-12-31T23:59:59Z',
    '0000-01-01T00:00:00Z',
    '2026-01-27T10:30:45Z\n',
    ' 2026-01-27T10:30:45Z',
  ]) {
    it(`are not read from ${JSON.stringify(text)}`, () => assert.equal(parseNanosText(text), undefined));
  }
});

describe('nanoseconds as Unix seconds', () => {
  it('are exact: a number where that can tell them, else a text', () => {
    fc.assert(
      fc.property(instants, (nanos) => {
        assert.equal(secondsNanos(nanosSeconds(nanos)), nanos);
      }),
    );
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 4_000_000_000_000_000n }), (micros) => {
        assert.equal(typeof nanosSeconds(micros * 1000n), 'number');
      }),
    );
  });

  for (const [seconds, nanos] of [
    [0, 0n],
    [-0, 0n],
    [1e-9, 1n],
    [4e-7, 400n],
    [1769509845.123, 1769509845123000000n],
    [1769509845.123456, 1769509845123456000n],
    ['1769509845.000000001', 1769509845000000001n],
    ['1769509845', 1769509845000000000n],
    [-1, undefined],
    [Number.NaN, undefined],
    [Number.POSITIVE_INFINITY, undefined],
    [1e21, undefined],
    [9_223_372_036, undefined],
    ['', undefined],
    ['1e9', undefined],
    ['soon', undefined],
  ] as const) {
    it(`are read from ${JSON.stringify(seconds)}`, () => assert.equal(secondsNanos(seconds), nanos));
  }
});
