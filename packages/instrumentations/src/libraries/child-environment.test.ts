import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { environmentWithRun, pairsWithRun } from './child-environment.ts';

const RUN = { TRACEPARENT: 'new', TRACESTATE: 'state', TASKSPAN_TASK_ID: 'id-1' };
const INHERITED = { TRACEPARENT: 'inherited', TRACESTATE: 'of the inherited', TASKSPAN_TASK_ID: 'id-0' };

/** What a child gets, whichever way the variables are written. */
const CASES: Readonly<
  Record<string, readonly [given: Record<string, string>, run: typeof RUN | object, expected: object]>
> = {
  'is that of the run': [{ A: '1' }, RUN, { A: '1', ...RUN }],
  'replaces what this process inherited itself': [{ ...INHERITED, A: '1' }, RUN, { A: '1', ...RUN }],
  'has no state of another parent': [
    { ...INHERITED },
    { ...RUN, TRACESTATE: undefined },
    { TRACEPARENT: 'new', TASKSPAN_TASK_ID: 'id-1' },
  ],
  'keeps what the caller says': [
    { TRACEPARENT: 'mine', TRACESTATE: 'mine too' },
    RUN,
    { TRACEPARENT: 'mine', TRACESTATE: 'mine too', TASKSPAN_TASK_ID: 'id-1' },
  ],
  'keeps the id that the caller says': [{ TASKSPAN_TASK_ID: 'mine' }, RUN, { ...RUN, TASKSPAN_TASK_ID: 'mine' }],
  'keeps what was inherited when the run has nothing': [
    { ...INHERITED },
    { TRACEPARENT: undefined, TRACESTATE: undefined, TASKSPAN_TASK_ID: undefined },
    INHERITED,
  ],
  'has values with = in them': [{ A: 'b=c=d' }, RUN, { A: 'b=c=d', ...RUN }],
};

describe('the environment of a child', () => {
  const before = { ...process.env };
  beforeEach(() => {
    Object.assign(process.env, INHERITED);
  });
  afterEach(() => {
    for (const name in INHERITED) {
      if (before[name] === undefined) delete process.env[name];
      else process.env[name] = before[name];
    }
  });

  for (const [what, [given, run, expected]] of Object.entries(CASES)) {
    it(`${what}, as an object`, () => {
      const frozen = Object.freeze({ ...given });
      assert.deepEqual(environmentWithRun(frozen, run as typeof RUN), expected);
    });

    it(`${what}, as pairs`, () => {
      const pairs = Object.freeze(Object.entries(given).map(([name, value]) => `${name}=${value}`));
      const result = pairsWithRun(pairs, run as typeof RUN);
      assert.deepEqual(Object.fromEntries(result.map((pair) => pair.split(/=(.*)/s).slice(0, 2))), expected);
      assert.equal(result.length, Object.keys(expected).length);
    });
  }

  it('has inherited variables, as Node takes them', () => {
    assert.deepEqual(environmentWithRun(Object.create({ A: '1' }) as Record<string, unknown>, RUN), { A: '1', ...RUN });
  });

  it('is that of this process where pairs are not given', () => {
    const pairs = pairsWithRun(undefined, RUN);
    assert.ok(pairs.includes('TRACEPARENT=new'));
    assert.ok(pairs.some((pair) => pair.startsWith('PATH=')));
  });

  it('tells no case apart on Windows', () => {
    const { platform } = process;
    Object.defineProperty(process, 'platform', { value: 'win32' });
    try {
      assert.deepEqual(environmentWithRun({ TraceParent: 'inherited' }, RUN), RUN);
      assert.deepEqual(pairsWithRun(['TraceParent=mine'], RUN), ['TraceParent=mine', 'TASKSPAN_TASK_ID=id-1']);
    } finally {
      Object.defineProperty(process, 'platform', { value: platform });
    }
  });
});
