import assert from 'node:assert/strict';
import { SpanKind } from '@opentelemetry/api';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { heardWarnings, stopRecording } from './recorded-sdk.test.ts';
import {
  normaliseAttribute,
  normaliseAttributes,
  normaliseChoice,
  normaliseCount,
  normaliseFunction,
  normaliseInstant,
  normaliseKind,
  normaliseOperation,
  normaliseOutputs,
  normaliseSignal,
  normaliseTaskRecord,
  normaliseText,
  readableOptions,
  submissionFields,
} from './task-options.ts';

const fn = (): number => 1;
const { signal } = new AbortController();
const polyfill = { aborted: false, addEventListener: fn };

interface Table {
  readonly of: (value: unknown) => unknown;
  readonly good: readonly (readonly [given: unknown, kept: unknown])[];
  /** What is reported, and what stands in for it. */
  readonly bad: readonly unknown[];
  readonly instead: unknown;
}

const TABLES: Readonly<Record<string, Table>> = {
  operation: {
    of: normaliseOperation,
    good: [
      ['commit', 'commit'],
      [' ', ' '],
      ['x'.repeat(256), 'x'.repeat(256)],
    ],
    bad: ['', undefined, null, 5, {}],
    instead: 'unknown',
  },
  instant: {
    of: (value) => normaliseInstant('deadline', value),
    good: [
      [new Date(5), 5],
      [5, 5],
      [1.5, 1.5],
      [-1, -1],
      [0, undefined],
      [new Date(0), undefined],
      [null, undefined],
    ],
    bad: [
      '2026-01-01',
      Number.NaN,
      Number.POSITIVE_INFINITY,
      new Date(Number.NaN),
      Object.create(Date.prototype),
      {},
      true,
    ],
    instead: undefined,
  },
  count: {
    of: (value) => normaliseCount('attempt', value),
    good: [
      [1, 1],
      [99, 99],
      [null, undefined],
      [undefined, undefined],
    ],
    bad: [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '1', {}, 2 ** 60],
    instead: undefined,
  },
  kind: {
    of: normaliseKind,
    good: [
      [undefined, SpanKind.INTERNAL],
      [SpanKind.INTERNAL, SpanKind.INTERNAL],
      [SpanKind.CONSUMER, SpanKind.CONSUMER],
    ],
    bad: [SpanKind.SERVER, SpanKind.CLIENT, SpanKind.PRODUCER, 'consumer', 99, {}],
    instead: SpanKind.INTERNAL,
  },
  text: {
    of: (value) => normaliseText('label', value),
    good: [
      ['x', 'x'],
      ['', ''],
      [null, undefined],
      [undefined, undefined],
    ],
    bad: [5, {}, [], fn, Symbol('x')],
    instead: undefined,
  },
  outputs: {
    of: normaliseOutputs,
    good: [
      [
        ['a', 'b'],
        ['a', 'b'],
      ],
      [[], []],
      [null, undefined],
    ],
    bad: ['a', 5, {}, new Set(['a'])],
    instead: undefined,
  },
  signal: {
    of: normaliseSignal,
    good: [
      [signal, signal],
      [polyfill, polyfill],
      [null, undefined],
    ],
    bad: [{}, new AbortController(), 'x', { aborted: true }],
    instead: undefined,
  },
  choice: {
    of: (value) => normaliseChoice('relation', value, ['link', 'child']),
    good: [
      ['link', 'link'],
      ['child', 'child'],
      [null, undefined],
    ],
    bad: ['LINK', '', 5, {}, 'toString'],
    instead: undefined,
  },
  function: {
    of: (value) => normaliseFunction('outcome', value),
    good: [
      [fn, fn],
      [null, undefined],
    ],
    bad: [5, {}, 'x'],
    instead: undefined,
  },
  record: {
    of: (value) => normaliseTaskRecord('record', value),
    good: [
      [polyfill, polyfill],
      [null, undefined],
    ],
    bad: [5, 'x', true],
    instead: undefined,
  },
};

describe('what a caller gives', () => {
  let warnings: string[];
  beforeEach(() => {
    warnings = heardWarnings();
  });
  afterEach(stopRecording);

  for (const [name, table] of Object.entries(TABLES)) {
    it(`${name}: good values are kept in silence, bad ones replaced and reported once`, () => {
      for (const [given, kept] of table.good) assert.deepEqual(table.of(given), kept);
      assert.deepEqual(warnings, []);
      for (const given of [...table.bad, ...table.bad]) assert.equal(table.of(given), table.instead);
      assert.equal(warnings.length, 1);
      assert.match(warnings[0] ?? '', /^taskspan: /);
    });
  }

  it('an operation of 10 kB is cut with a mark', () => {
    const operation = normaliseOperation('x'.repeat(10_000));
    assert.ok(operation.length <= 256);
    assert.match(operation, /^x+…\[cut \d+ bytes\]$/);
    assert.equal(warnings.length, 1);
  });

  it('outputs lose what is no text, and keep the rest', () => {
    assert.deepEqual(normaliseOutputs(['a', 5, null, 'b', {}]), ['a', 'b']);
    assert.equal(warnings.length, 1);
  });

  it('attributes that belong to the toolkit are refused', () => {
    for (const key of ['operation', 'task.id', 'task.anything', '', '__proto__'])
      assert.equal(
        normaliseAttribute('attributes', key, () => 'x'),
        undefined,
      );
    assert.equal(
      normaliseAttribute('attributes', 'task', () => 'x'),
      'x',
    );
    assert.equal(
      normaliseAttribute('attributes', 'tasks.id', () => 'x'),
      'x',
    );
    assert.equal(warnings.length, 5);
    assert.deepEqual(normaliseAttributes('attributes', JSON.parse('{"__proto__": ["x"], "a": 1}')), { a: 1 });
  });

  it('options that throw are read one by one', () => {
    const options = Object.defineProperty({ id: 'a', attempt: 2, other: 5 }, 'label', {
      get: () => {
        throw new Error('getter');
      },
    });
    const read = readableOptions(options);
    assert.deepEqual([read.id, read.attempt, read.label], ['a', 2, undefined]);
    assert.equal('other' in read, false);
    assert.equal(readableOptions(undefined).id, undefined);
  });
});

describe('submissionFields', () => {
  it('are those of the run over those of the run around it', () => {
    const outer = { user: 'outer', request_id: 'r' };
    assert.equal(submissionFields(undefined, undefined), undefined);
    assert.equal(submissionFields(undefined, outer), outer);
    assert.equal(submissionFields({ other: 1 }, outer), outer);
    assert.equal(submissionFields({ other: 1 }, undefined), undefined);
    assert.deepEqual(submissionFields({ user: 'me', other: 1 }, outer), { user: 'me', request_id: 'r' });
    assert.deepEqual(outer, { user: 'outer', request_id: 'r' });
  });
});
