import assert from 'node:assert/strict';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { errorFacts, errorMessage, errorStack, errorType, isArray, readSafely } from './error-facts.ts';
import { LIMITS } from './limits.ts';

class Conflict extends Error {}

const thrower = (key: string): Error =>
  Object.defineProperty(new Error('x'), key, {
    get: () => {
      throw new Error('getter');
    },
  });

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable(new Error('x'), {});
  revoke();
  return proxy;
}

const hostile = new Proxy(new Error('x'), {
  get: () => {
    throw new Error('trap');
  },
  getPrototypeOf: () => {
    throw new Error('trap');
  },
});

const TYPES: readonly [string, unknown, string][] = [
  ['the name', new TypeError('x'), 'TypeError'],
  ['a name of its own', Object.assign(new Error('x'), { name: 'Custom' }), 'Custom'],
  ['the name before the code', Object.assign(new TypeError('x'), { code: 'E_X' }), 'TypeError'],
  ['the code when the name is Error', Object.assign(new Error('x'), { code: 'ENOENT' }), 'ENOENT'],
  ['no code that is a number', Object.assign(new Error('x'), { code: 42 }), 'Error'],
  ['the class when there is neither', new Conflict('x'), 'Conflict'],
  ['Error at last', new Error('x'), 'Error'],
  ['an empty name', Object.assign(new Conflict('x'), { name: '' }), 'Conflict'],
  ['an error of another realm', runInNewContext('new RangeError("x")'), 'RangeError'],
  ['an AggregateError', new AggregateError([], 'x'), 'AggregateError'],
  ['null', null, 'null'],
  ['undefined', undefined, 'undefined'],
  ['a string', 'secret text', 'string'],
  ['an empty string', '', 'string'],
  ['a number', 1, 'number'],
  ['a symbol', Symbol('x'), 'symbol'],
  ['an object', { name: 'NotAnError' }, 'object'],
  ['a frozen error', Object.freeze(new TypeError('x')), 'TypeError'],
  ['a name that throws', thrower('name'), 'Error'],
  ['a constructor that throws', thrower('constructor'), 'Error'],
  ['a revoked proxy', revoked(), 'object'],
  ['a proxy whose traps throw', hostile, 'Error'],
];

describe('errorType', () => {
  for (const [title, error, expected] of TYPES) {
    // A proxy that refuses `getPrototypeOf` cannot be told from an object.
    const type = error === hostile ? 'object' : expected;
    it(`${title}: ${type}`, () => assert.equal(errorType(error), type));
  }

  it('is bounded', () => assert.equal(errorType(Object.assign(new Error(), { name: 'x'.repeat(1e6) })).length, 256));
});

describe('errorMessage', () => {
  const MESSAGES: readonly [string, unknown, string][] = [
    ['an error', new Error('no space'), 'no space'],
    ['a string', 'no space', 'no space'],
    ['an object with a message', { message: 'no space' }, 'no space'],
    ['an object', { a: 1 }, '{"a":1}'],
    [
      'a cycle',
      Object.assign(Object.create({}), {
        get self() {
          return this;
        },
      }),
      '(unreadable value)',
    ],
    ['a symbol', Symbol('x'), 'Symbol(x)'],
    ['null', null, 'null'],
    ['a message that throws', thrower('message'), '(unreadable message)'],
    ['a message that is no text', Object.assign(new Error(), { message: 5 }), '(unreadable message)'],
    ['a revoked proxy', revoked(), '(unreadable value)'],
  ];
  for (const [title, error, expected] of MESSAGES) {
    it(`${title}: ${expected}`, () => assert.equal(errorMessage(error), expected));
  }
});

describe('errorStack', () => {
  it('holds the causes and the aggregated errors, each once, also in a cycle', () => {
    const root = new Error('root');
    const middle = new Error('middle', { cause: root });
    root.cause = middle;
    const all = new AggregateError([middle, new Error('other')], 'all');
    const stack = errorStack(all) ?? '';
    for (const text of [
      'AggregateError: all',
      'Aggregated: Error: middle',
      'Caused by: Error: root',
      'Aggregated: Error: other',
    ])
      assert.equal(stack.split(text).length, 2, text);
  });

  it('stops at a depth, however long the chain', () => {
    let error = new Error('0');
    for (let depth = 1; depth < 1000; depth += 1) error = new Error(String(depth), { cause: error });
    assert.equal((errorStack(error) ?? '').split('Caused by: ').length, LIMITS.errorDepth);
  });

  it('does without a stack that throws, and without a list that cannot be read', () => {
    assert.equal(errorStack(thrower('stack')), 'Error: x');
    const list = new Proxy([new Error('a')], {
      get: () => {
        throw new Error('trap');
      },
    });
    assert.match(errorStack(Object.assign(new Error('x'), { errors: list })) ?? '', /^Error: x/);
    const { proxy, revoke } = Proxy.revocable([], {});
    revoke();
    assert.match(errorStack(Object.assign(new Error('x'), { errors: proxy })) ?? '', /^Error: x/);
  });

  it('is undefined for what is no error', () => assert.equal(errorStack('x'), undefined));
});

describe('errorFacts', () => {
  it('never throws, whatever was thrown', () => {
    fc.assert(
      fc.property(fc.anything({ withNullPrototype: true, withSparseArray: true, withBigInt: true }), (value) => {
        const facts = errorFacts(value);
        return typeof facts.type === 'string' && facts.type !== '' && typeof facts.message === 'string';
      }),
    );
    assert.equal(errorFacts(hostile).message, '(unreadable value)');
  });
});

describe('readSafely', () => {
  it('reads what can be read', () => {
    assert.equal(readSafely({ a: 1 }, 'a'), 1);
    assert.equal(
      readSafely(
        Object.assign(() => 0, { a: 1 }),
        'a',
      ),
      1,
    );
    assert.equal(readSafely(null, 'a'), undefined);
    assert.equal(readSafely('text', 'length'), undefined);
    assert.equal(readSafely(thrower('a'), 'a'), undefined);
  });
});

describe('isArray', () => {
  it('is false for a revoked proxy', () => {
    const { proxy, revoke } = Proxy.revocable([], {});
    assert.equal(isArray(proxy), true);
    revoke();
    assert.equal(isArray(proxy), false);
  });
});
