import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { decideOutcome, NO_RULES, type OutcomeRules, type RunEnd } from './outcome.ts';
import { heardWarnings, stopRecording } from './recorded-sdk.test.ts';

class Conflict extends Error {
  override readonly name = 'Conflict';
}

const PAST = Date.now() - 60_000;
const FUTURE = Date.now() + 60_000;
const revoked = (): object => {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
};

function aborted(reason: unknown): AbortSignal {
  const controller = new AbortController();
  controller.abort(reason);
  return controller.signal;
}

function abortedFor(reason: unknown): { signal: AbortSignal; reason: unknown } {
  const signal = aborted(reason);
  return { signal, reason: signal.reason };
}

const named = (name: string, cause?: unknown): Error =>
  Object.assign(new Error('x', cause === undefined ? {} : { cause }), { name });
const stop = new Error('stop');
const noReason = { aborted: true, addEventListener: () => {} } as unknown as AbortSignal;
const byDefault = abortedFor(undefined);
const timeout = abortedFor(named('TimeoutError'));

type Row = [string, RunEnd, Partial<OutcomeRules>, string, string | undefined];

const ROWS: readonly Row[] = [
  ['a return', {}, {}, 'success', undefined],
  ['a thrown error', { thrown: { error: new TypeError('x') } }, {}, 'failure', 'TypeError'],
  ['a thrown undefined', { thrown: { error: undefined } }, {}, 'failure', 'undefined'],
  ['a thrown null', { thrown: { error: null } }, {}, 'failure', 'null'],
  ["a thrown ''", { thrown: { error: '' } }, {}, 'failure', 'string'],
  [
    'an error after the deadline outranks it',
    { thrown: { error: new Conflict() } },
    { deadlineMs: PAST },
    'failure',
    'Conflict',
  ],
  ['a return after the deadline', {}, { deadlineMs: PAST }, 'expired', undefined],
  ['a return before the deadline', {}, { deadlineMs: FUTURE }, 'success', undefined],
  ['deadline 0 is none', {}, { deadlineMs: 0 }, 'success', undefined],
  [
    'an acceptable class',
    { thrown: { error: new Conflict() } },
    { acceptableErrors: [Conflict] },
    'success',
    'Conflict',
  ],
  [
    'an acceptable name',
    { thrown: { error: new Conflict() } },
    { acceptableErrors: ['Conflict'] },
    'success',
    'Conflict',
  ],
  [
    'an acceptable code',
    { thrown: { error: Object.assign(new Error(), { code: 'EEXIST' }) } },
    { acceptableErrors: ['EEXIST'] },
    'success',
    'EEXIST',
  ],
  [
    'a predicate',
    { thrown: { error: 'busy' } },
    { acceptableErrors: (error) => error === 'busy' },
    'success',
    'string',
  ],
  [
    'a predicate that only looks true',
    { thrown: { error: 'x' } },
    { acceptableErrors: (() => 1) as never },
    'failure',
    'string',
  ],
  ['another class', { thrown: { error: new TypeError() } }, { acceptableErrors: [Conflict] }, 'failure', 'TypeError'],
  [
    'acceptable after the deadline',
    { thrown: { error: new Conflict() } },
    { acceptableErrors: [Conflict], deadlineMs: PAST },
    'expired',
    'Conflict',
  ],
  [
    'acceptable and claimed',
    { thrown: { error: new Conflict() }, status: 'deferred' },
    { acceptableErrors: [Conflict] },
    'deferred',
    'Conflict',
  ],
  [
    'acceptable outranks aborted',
    { thrown: { error: stop } },
    { acceptableErrors: [Error], signal: aborted(stop) },
    'success',
    'Error',
  ],
  ['the reason of the signal', { thrown: { error: stop } }, { signal: aborted(stop) }, 'cancelled', 'aborted'],
  ['an AbortError', { thrown: { error: named('AbortError') } }, { signal: aborted(stop) }, 'cancelled', 'aborted'],
  ['the default reason', { thrown: { error: byDefault.reason } }, { signal: byDefault.signal }, 'cancelled', 'aborted'],
  [
    'the reason as cause',
    { thrown: { error: named('Wrapped', stop) } },
    { signal: aborted(stop) },
    'cancelled',
    'aborted',
  ],
  ['a reason that is text', { thrown: { error: 'enough' } }, { signal: aborted('enough') }, 'cancelled', 'aborted'],
  [
    'another error although aborted',
    { thrown: { error: new Conflict() } },
    { signal: aborted(stop) },
    'failure',
    'Conflict',
  ],
  [
    'an AbortError of somebody else',
    { thrown: { error: named('AbortError') } },
    { signal: new AbortController().signal },
    'failure',
    'AbortError',
  ],
  ['a return although aborted', {}, { signal: aborted(stop) }, 'success', undefined],
  [
    'cancelled outranks expired',
    { thrown: { error: stop } },
    { signal: aborted(stop), deadlineMs: PAST },
    'cancelled',
    'aborted',
  ],
  ['a timeout', { thrown: { error: timeout.reason } }, { signal: timeout.signal }, 'failure', 'timeout'],
  [
    'an AbortError after a timeout',
    { thrown: { error: named('AbortError') } },
    { signal: timeout.signal },
    'failure',
    'timeout',
  ],
  [
    'any error with a signal that has no reason',
    { thrown: { error: new Conflict() } },
    { signal: noReason },
    'failure',
    'Conflict',
  ],
  [
    'an AbortError with a signal that has no reason',
    { thrown: { error: named('AbortError') } },
    { signal: noReason },
    'cancelled',
    'aborted',
  ],
  ['claimed success', { status: 'success' }, {}, 'success', undefined],
  ['claimed success after the deadline', { status: 'success' }, { deadlineMs: PAST }, 'success', undefined],
  ['claimed failure', { status: 'failure' }, {}, 'failure', '_OTHER'],
  ['claimed cancelled', { status: 'cancelled' }, {}, 'cancelled', 'aborted'],
  ['claimed deferred', { status: 'deferred' }, {}, 'deferred', undefined],
  ['an error outranks a claim', { thrown: { error: new Conflict() }, status: 'success' }, {}, 'failure', 'Conflict'],
  ['expired cannot be claimed', { status: 'expired' }, {}, 'success', undefined],
  ['orphaned cannot be claimed', { status: 'orphaned' }, {}, 'success', undefined],
  ['a claim that is no word', { status: { toString: () => 'failure' } }, {}, 'success', undefined],
  ['a null claim', { status: null }, {}, 'success', undefined],
  [
    'outcome() alone decides on a value',
    { returned: { value: 1 } },
    { outcome: () => ({ status: 'failure', errorType: 'E1' }), deadlineMs: PAST },
    'failure',
    'E1',
  ],
  [
    'outcome() alone decides on an error',
    { thrown: { error: new Conflict() } },
    { outcome: () => ({ status: 'deferred' }) },
    'deferred',
    undefined,
  ],
  [
    'outcome() without a type: that of the error',
    { thrown: { error: new Conflict() } },
    { outcome: () => ({ status: 'failure' }) },
    'failure',
    'Conflict',
  ],
  [
    'outcome() without a type or error',
    { returned: { value: 1 } },
    { outcome: () => ({ status: 'failure' }) },
    'failure',
    '_OTHER',
  ],
  [
    'outcome() cancelled',
    { returned: { value: 1 } },
    { outcome: () => ({ status: 'cancelled' }) },
    'cancelled',
    'aborted',
  ],
  [
    'outcome() success outranks the deadline',
    { returned: { value: 1 } },
    { outcome: () => ({ status: 'success' }), deadlineMs: PAST },
    'success',
    undefined,
  ],
  [
    'outcome() that says nothing',
    { returned: { value: 1 } },
    { outcome: () => undefined, deadlineMs: PAST },
    'expired',
    undefined,
  ],
  ['outcome() that says null', { returned: { value: 1 } }, { outcome: (() => null) as never }, 'success', undefined],
  [
    'outcome() that claims expired',
    { returned: { value: 1 } },
    { outcome: (() => ({ status: 'expired' })) as never },
    'success',
    undefined,
  ],
  [
    'outcome() that throws',
    { thrown: { error: new Conflict() } },
    {
      outcome: () => {
        throw new Error('hook');
      },
    },
    'failure',
    'Conflict',
  ],
  [
    'outcome() that is async and rejects',
    { returned: { value: 1 } },
    {
      outcome: (async () => {
        throw new Error('hook');
      }) as never,
    },
    'success',
    undefined,
  ],
  [
    'outcome() whose answer cannot be read',
    { returned: { value: 1 } },
    { outcome: (() => revoked()) as never },
    'success',
    undefined,
  ],
  [
    'a predicate that throws',
    { thrown: { error: new Conflict() } },
    {
      acceptableErrors: () => {
        throw new Error('hook');
      },
    },
    'failure',
    'Conflict',
  ],
  [
    'a predicate that rejects',
    { thrown: { error: new Conflict() } },
    {
      acceptableErrors: (async () => {
        throw new Error('hook');
      }) as never,
    },
    'failure',
    'Conflict',
  ],
  [
    'a list with what is no class',
    { thrown: { error: new Conflict() } },
    { acceptableErrors: [5, null, {}, Conflict] as never },
    'success',
    'Conflict',
  ],
  [
    'a list that cannot be read',
    { thrown: { error: new Conflict() } },
    {
      acceptableErrors: new Proxy([1], {
        get: () => {
          throw new Error('no');
        },
      }) as never,
    },
    'failure',
    'Conflict',
  ],
  [
    'a signal that cannot be read',
    { thrown: { error: stop } },
    { signal: revoked() as AbortSignal },
    'failure',
    'Error',
  ],
  [
    'an error that cannot be read',
    { thrown: { error: revoked() } },
    { acceptableErrors: [Error, 'x'], signal: aborted(stop) },
    'failure',
    'object',
  ],
];

describe('decideOutcome', () => {
  beforeEach(() => void heardWarnings());
  afterEach(stopRecording);

  for (const [title, end, rules, status, type] of ROWS) {
    it(`${title}: ${status}${type === undefined ? '' : ` (${type})`}`, () => {
      const outcome = decideOutcome(end, { ...NO_RULES, ...rules });
      assert.equal(outcome.status, status);
      assert.equal(outcome.errorType, type);
      assert.equal(outcome.failure?.error, status === 'failure' ? end.thrown?.error : undefined);
    });
  }

  it('expires strictly after the deadline, not at it', () => {
    const now = Date.now;
    try {
      Date.now = () => 5000;
      assert.equal(decideOutcome({}, { ...NO_RULES, deadlineMs: 5000 }).status, 'success');
      assert.equal(decideOutcome({}, { ...NO_RULES, deadlineMs: 4999 }).status, 'expired');
    } finally {
      Date.now = now;
    }
  });

  it('reports what is no class once, however many runs meet it', () => {
    const warnings = heardWarnings();
    const rules = { ...NO_RULES, acceptableErrors: [5, Conflict] as never };
    for (let run = 0; run < 5; run += 1) decideOutcome({ thrown: { error: new Conflict() } }, rules);
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? '', /acceptableErrors takes classes and names, got 5/);
  });

  it('reports a claim that is none once, and names what can be claimed', () => {
    const warnings = heardWarnings();
    for (let run = 0; run < 3; run += 1) decideOutcome({ status: 'expired' }, NO_RULES);
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? '', /success, failure, cancelled or deferred/);
  });
});
