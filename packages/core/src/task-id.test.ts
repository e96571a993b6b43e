import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { heardWarnings, stopRecording } from './recorded-sdk.test.ts';
import { normaliseTaskId, randomRunId, uuidv7 } from './task-id.ts';

const V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

describe('uuidv7', () => {
  it('has version, variant and the time', () => {
    for (const ms of [0, 1, 1_700_000_000_000, 1_700_000_000_000.75, Date.now(), 2 ** 48 - 1]) {
      const id = uuidv7(ms);
      assert.match(id, V7);
      assert.equal(Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16), Math.floor(ms));
    }
  });

  it('never repeats, also within one millisecond', () => {
    const ids = new Set(Array.from({ length: 50_000 }, () => uuidv7(1_700_000_000_000)));
    assert.equal(ids.size, 50_000);
  });
});

describe('randomRunId', () => {
  it('looks like a span id and never repeats', () => {
    const ids = Array.from({ length: 10_000 }, randomRunId);
    assert.equal(new Set(ids).size, ids.length);
    for (const id of ids) assert.match(id, /^(?!0{16})[0-9a-f]{16}$/);
  });
});

describe('normaliseTaskId', () => {
  let warnings: string[];
  beforeEach(() => {
    warnings = heardWarnings();
  });
  afterEach(stopRecording);

  it('takes text and numbers', () => {
    for (const [given, expected] of [
      ['a', 'a'],
      ['../a', '../a'],
      ['x'.repeat(1024), 'x'.repeat(1024)],
      [5, '5'],
      [5n, '5'],
      [undefined, undefined],
      [null, undefined],
    ] as const)
      assert.equal(normaliseTaskId(given), expected);
    assert.deepEqual(warnings, []);
  });

  it('cuts what is longer than 1024 characters, with a mark', () => {
    const id = normaliseTaskId('x'.repeat(10_000)) ?? '';
    assert.ok(id.length <= 1024);
    assert.match(id, /^x+…\[cut \d+ bytes\]$/);
  });

  it('reports the rest once', () => {
    for (const bad of ['', '', {}, {}, true, Symbol('x'), [1]]) assert.equal(normaliseTaskId(bad), undefined);
    assert.equal(warnings.length, 2);
  });
});
