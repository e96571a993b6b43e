import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { callThrough, type Interceptor, isWrapped, unwrapFunction, wrapFunction } from './wrapped-function.ts';

const KEY = 'library.method';

describe('wrapFunction', () => {
  it('cannot be told from the original: name, length, own properties, tag, this, arguments, result', async () => {
    const handler = Object.assign(
      async function sendEmail(this: unknown, ...args: [unknown, unknown]): Promise<unknown> {
        return [this, ...args];
      },
      { concurrency: 3 },
    );
    const seen: unknown[] = [];
    const wrapped = wrapFunction(handler, KEY, (call) => {
      seen.push(call.self, call.args);
      return callThrough(call);
    });
    assert.notEqual(wrapped, handler);
    assert.deepEqual([wrapped.name, wrapped.length, wrapped.concurrency], ['sendEmail', handler.length, 3]);
    assert.equal(Object.prototype.toString.call(wrapped), '[object AsyncFunction]');
    assert.equal(wrapped.constructor, handler.constructor);
    assert.ok(wrapped instanceof Function);
    const self = {};
    assert.deepEqual(await wrapped.call(self, 1, 2), [self, 1, 2]);
    assert.deepEqual(seen, [self, [1, 2]]);
    wrapped.concurrency = 5;
    assert.equal(handler.concurrency, 5);
  });

  it('lets a class be constructed and extended', () => {
    class Queue {
      readonly name: string;
      constructor(name: string) {
        this.name = name;
      }
    }
    const Wrapped = wrapFunction(Queue, KEY, callThrough);
    class Own extends Wrapped {}
    assert.ok(new Own('x') instanceof Queue);
    assert.equal(new Wrapped('y').name, 'y');
  });

  it('wraps once for one key; the second in line acts when the first has gone, and nobody when both have', () => {
    const said: string[] = [];
    const speaker =
      (word: string): Interceptor =>
      (call) => {
        said.push(word);
        return callThrough(call);
      };
    const [first, second] = [speaker('first'), speaker('second')];
    const original = (): number => 1;
    const wrapped = wrapFunction(original, KEY, first);
    assert.equal(wrapFunction(wrapped, KEY, second), wrapped);
    assert.equal(wrapFunction(wrapped, KEY, first), wrapped);
    assert.deepEqual(
      [isWrapped(wrapped, KEY), isWrapped(wrapped, 'other'), isWrapped(original, KEY)],
      [true, false, false],
    );
    wrapped();
    assert.equal(unwrapFunction(wrapped, KEY, first), false);
    wrapped();
    assert.equal(unwrapFunction(wrapped, KEY, second), true);
    assert.equal(wrapped(), 1);
    assert.deepEqual(said, ['first', 'second']);
    assert.equal(unwrapFunction(original, KEY, first), false);
  });

  it('wraps again for another key', () => {
    const said: string[] = [];
    const inner = wrapFunction(
      () => 1,
      'a',
      (call) => {
        said.push('a');
        return callThrough(call);
      },
    );
    const outer = wrapFunction(inner, 'b', (call) => {
      said.push('b');
      return callThrough(call);
    });
    assert.equal(outer(), 1);
    assert.deepEqual(said, ['b', 'a']);
  });
});
