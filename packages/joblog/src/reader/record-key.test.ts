import assert from 'node:assert/strict';
import fc from 'fast-check';
import { BadRequestError } from './reader-error.ts';
import { compareKeys, cursorText, parseCursor, type RecordKey } from './record-key.ts';

const KEY: fc.Arbitrary<RecordKey> = fc.record({
  nanos: fc.bigInt(0n, 2n ** 64n - 1n),
  stream: fc.stringMatching(/^[0-9a-f]{16}$/),
  number: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
});

describe('cursors', () => {
  it('name a place, and are read back', () => {
    fc.assert(fc.property(KEY, (key) => assert.deepEqual(parseCursor(cursorText(key)), { ...key })));
  });

  it('are fit for an address and a header as they are', () => {
    fc.assert(fc.property(KEY, (key) => assert.match(cursorText(key), /^[A-Za-z0-9._~-]{1,44}$/)));
  });

  for (const bad of [
    '',
    '0',
    'a.b.c',
    '1.0123456789abcdef.',
    '1.0123456789abcde.1',
    'x'.repeat(1_000_000),
    '1.0123456789abcdef.zzzzzzzzzzz',
    '../../etc',
    '1.0123456789abcdef.1\n',
  ]) {
    it(`refuses ${JSON.stringify(bad.slice(0, 30))}`, () => {
      assert.throws(
        () => parseCursor(bad),
        (error) => error instanceof BadRequestError && error.parameter === 'cursor',
      );
    });
  }
});

describe('compareKeys', () => {
  it('orders by time, stream and number', () => {
    const a = { nanos: 1n, stream: '0000000000000000', number: 1 };
    assert.ok(compareKeys(a, { ...a, nanos: 2n }) < 0);
    assert.ok(compareKeys({ ...a, stream: '0000000000000001' }, a) > 0);
    assert.ok(compareKeys(a, { ...a, number: 10 }) < 0);
    assert.equal(compareKeys(a, { ...a }), 0);
  });
});
