import assert from 'node:assert/strict';
import { diag } from '@opentelemetry/api';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { heardWarnings, stopRecording } from '../recorded-sdk.test.ts';
import { clearReports, describeValue, ignoreRejection, reportOnce, safely } from './report.ts';
import { state } from './state.ts';

const throwing = (): never => {
  throw new Error('broken');
};

describe('reports', () => {
  let warnings: string[];
  beforeEach(() => {
    warnings = heardWarnings();
  });
  afterEach(stopRecording);

  it('warn once per key, to diag and to whoever else listens', () => {
    const told: string[] = [];
    state.warn = (message) => told.push(message);
    for (let time = 0; time < 3; time += 1) reportOnce('key', 'bad value');
    reportOnce('other', 'another');
    assert.deepEqual(warnings, ['taskspan: bad value', 'taskspan: another']);
    assert.deepEqual(told, ['bad value', 'another']);
    clearReports('key');
    reportOnce('key', 'again');
    reportOnce('other', 'not again');
    assert.equal(warnings.length, 3);
  });

  it('remember a bounded number of problems', () => {
    for (let key = 0; key < 2500; key += 1) reportOnce(`key ${key}`, 'x');
    assert.ok(state.reported.size <= 1000);
  });

  it('survive a logger that throws', () => {
    state.warn = throwing;
    reportOnce('a', 'x');
    diag.setLogger(
      { error: throwing, warn: throwing, info: throwing, debug: throwing, verbose: throwing },
      { suppressOverrideMessage: true },
    );
    reportOnce('b', 'x');
  });

  it('safely returns what worked, and warns once per episode of what did not', () => {
    assert.equal(
      safely('a hook', () => 7),
      7,
    );
    for (let time = 0; time < 3; time += 1) assert.equal(safely('a hook', throwing), undefined);
    assert.deepEqual(warnings, ['taskspan: a hook failed: Error: broken']);
    safely('another hook', () => 1);
    assert.equal(
      safely('a hook', () => 7),
      7,
    );
    assert.equal(warnings[1], 'taskspan: a hook works again after 3 failures');
    safely('a hook', throwing);
    safely('a hook', () => 1);
    assert.equal(warnings.length, 3);
  });

  it('ignoreRejection keeps a rejected answer from ending the process, and leaves the rest alone', async () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    for (const answer of [1, null, undefined, proxy, Promise.resolve(1), Promise.reject(new Error('late'))])
      ignoreRejection(answer);
    await new Promise(setImmediate);
    assert.deepEqual(warnings, ['taskspan: a hook returned a promise that was rejected: Error: late']);
  });
});

describe('describeValue', () => {
  const VALUES: readonly [unknown, string][] = [
    ['x', '"x"'],
    ['x'.repeat(200), `"${'x'.repeat(80)}…"`],
    ['a\nb', '"a\\nb"'],
    [5, '5'],
    [null, 'null'],
    [undefined, 'undefined'],
    [{ secret: 1 }, '[object Object]'],
    [new TypeError('x'), 'TypeError: x'],
    [Symbol('x'), 'Symbol(x)'],
    [Object.defineProperty(new Error('x'), 'name', { get: throwing }), 'an unreadable value'],
  ];
  for (const [value, text] of VALUES) it(text, () => assert.equal(describeValue(value), text));

  it('is short for any value and never throws', () => {
    fc.assert(fc.property(fc.anything(), (value) => describeValue(value).length <= 200));
  });
});
