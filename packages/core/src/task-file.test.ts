import assert from 'node:assert/strict';
import fc from 'fast-check';
import { afterEach, describe, it } from 'mocha';
import { state } from './internal/state.ts';
import { heardWarnings, stopRecording } from './recorded-sdk.test.ts';
import { nameFile, safeFileName, taskFile, utcDate } from './task-file.ts';

const SAFE = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

const HOSTILE: readonly [string, RegExp][] = [
  ['../../etc/passwd', /^_._.._etc_passwd-[0-9a-f]{8}$/],
  ['/etc/passwd', /^_etc_passwd-[0-9a-f]{8}$/],
  ['..', /^_\.-[0-9a-f]{8}$/],
  ['.', /^_-[0-9a-f]{8}$/],
  ['.hidden', /^_hidden-[0-9a-f]{8}$/],
  ['-rf', /^_rf-[0-9a-f]{8}$/],
  ['_process', /^_process-[0-9a-f]{8}$/],
  ['a\\b', /^a_b-[0-9a-f]{8}$/],
  ['a\0b', /^a_b-[0-9a-f]{8}$/],
  ['a\nb', /^a_b-[0-9a-f]{8}$/],
  ['C:\\x', /^C__x-[0-9a-f]{8}$/],
  ['ä', /^__-[0-9a-f]{8}$/],
  ['\u{1f600}', /^____-[0-9a-f]{8}$/],
  ['\ud800', /^___-[0-9a-f]{8}$/],
  ['a%2fb', /^a_2fb-[0-9a-f]{8}$/],
  ['a b', /^a_b-[0-9a-f]{8}$/],
  ['x'.repeat(129), /^x{119}-[0-9a-f]{8}$/],
  ['x'.repeat(1_000_000), /^x{119}-[0-9a-f]{8}$/],
];

describe('safeFileName', () => {
  for (const [id, expected] of HOSTILE) {
    it(`contains ${JSON.stringify(id.slice(0, 20))}`, () => {
      // The first character counts as one that is no letter or digit, and becomes `_`, which collector and reader allow.
      assert.match(safeFileName(id), expected);
      assert.ok(safeFileName(id).length <= 128);
    });
  }

  it('leaves a safe id as it is', () => {
    for (const id of ['a', '0', 'job-1.2_3', '01890a5d-ac96-774b-bcce-b302099a8057', 'x'.repeat(128), 'a..b'])
      assert.equal(safeFileName(id), id);
    fc.assert(fc.property(fc.stringMatching(SAFE), (id) => safeFileName(id) === id));
  });

  it('gives an empty id a name of its own', () => {
    assert.match(safeFileName(''), SAFE);
    assert.notEqual(safeFileName(''), safeFileName(''));
  });

  it('gives any id a name inside its folder, the same each time', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 300 }), (id) => {
        const name = safeFileName(id);
        return /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/.test(name) && safeFileName(id) === name;
      }),
      { numRuns: 1000 },
    );
  });

  it('gives distinct ids distinct names', () => {
    const id = fc.string({ unit: 'binary', minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(id, id, (one, other) => one === other || safeFileName(one) !== safeFileName(other)),
      { numRuns: 1000 },
    );
    const prefix = 'x'.repeat(200);
    assert.notEqual(safeFileName(`${prefix}a`), safeFileName(`${prefix}b`));
    assert.notEqual(safeFileName('a/b'), safeFileName('a:b'));
  });
});

describe('utcDate', () => {
  it('is the UTC day', () => {
    assert.equal(utcDate(Date.UTC(2026, 10, 21, 23, 59, 59, 999)), '2026-11-21');
    assert.equal(utcDate(Date.UTC(2026, 10, 22)), '2026-11-22');
    assert.equal(utcDate(Date.UTC(2024, 1, 29)), '2024-02-29');
  });

  it('has four digits of year, whatever a clock says', () => {
    for (const ms of [
      0,
      -1,
      -1e20,
      1e20,
      1.7e15,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      Number.NEGATIVE_INFINITY,
      253_402_300_799_999,
    ])
      assert.match(utcDate(ms), /^\d{4}-\d{2}-\d{2}$/);
    assert.equal(utcDate(253_402_300_799_999), '9999-12-31');
    assert.equal(utcDate(253_402_300_800_000), '9999-12-31');
    assert.equal(utcDate(-1), '1970-01-01');
  });
});

describe('nameFile', () => {
  afterEach(stopRecording);

  it('asks the budget, and does without one that throws', () => {
    const time = Date.UTC(2026, 0, 2);
    assert.equal(taskFile('a', time), '2026-01-02/a');
    assert.equal(nameFile('a', time), '2026-01-02/a');
    state.fileNamer = () => '2026-01-02/_05.12345678';
    assert.equal(nameFile('a', time), '2026-01-02/_05.12345678');
    heardWarnings();
    state.fileNamer = () => {
      throw new Error('budget');
    };
    assert.equal(nameFile('a/b', time).startsWith('2026-01-02/a_b-'), true);
  });
});
