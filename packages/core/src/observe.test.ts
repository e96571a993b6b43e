import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, it } from 'mocha';
import { type Observation, observe } from './observe.ts';
import type { Settler } from './settle.ts';

class Heard implements Settler {
  readonly said: unknown[][] = [];
  returned(value: unknown): void {
    this.said.push(['returned', value]);
  }
  threw(error: unknown): void {
    this.said.push(['threw', error]);
  }
}

const failure = new Error('x');
const HOW: readonly Observation[] = ['beside', 'through'];

/** A query builder: every `then` runs it once more. */
function lazy(settle: (resolve: (value: unknown) => void, reject: (error: unknown) => void) => void) {
  const builder = {
    runs: 0,
    // biome-ignore lint/suspicious/noThenProperty: a thenable is what is tested.
    then(resolve: (value: unknown) => void, reject: (error: unknown) => void): unknown {
      builder.runs += 1;
      settle(resolve, reject);
      return 'what then returns';
    },
  };
  return builder;
}

/** Resolves when the process heard of a rejection that nobody handles. */
function unhandledRejection(): Promise<unknown> {
  const before = process.listeners('unhandledRejection');
  process.removeAllListeners('unhandledRejection');
  return new Promise((resolve) => {
    process.once('unhandledRejection', (reason) => {
      for (const listener of before) process.on('unhandledRejection', listener);
      resolve(reason);
    });
  });
}

describe('observe', () => {
  it('lets the process hear of a rejection that nobody handles, also where an async context is kept', async () => {
    const heard = unhandledRejection();
    new AsyncLocalStorage().run({}, () => void observe(Promise.reject(failure), new Heard(), 'through'));
    assert.equal(await heard, failure);
  });

  for (const how of HOW) {
    it(`tells of a plain value at once and hands it on (${how})`, () => {
      for (const value of [undefined, null, 0, '', 'x', () => 1, [1], Object.create(null)]) {
        const heard = new Heard();
        assert.equal(observe(value, heard, how), value);
        assert.deepEqual(heard.said, [['returned', value]]);
      }
    });

    it(`hears a promise and what it hands on settles alike (${how})`, async () => {
      const good = new Heard();
      assert.equal(await observe(Promise.resolve(1), good, how), 1);
      assert.deepEqual(good.said, [['returned', 1]]);
      const bad = new Heard();
      await assert.rejects(observe(Promise.reject(failure), bad, how), (error) => error === failure);
      assert.deepEqual(bad.said, [['threw', failure]]);
    });
  }

  it('beside: hands on the very promise', () => {
    const promise = Promise.resolve(1);
    assert.equal(observe(promise, new Heard(), 'beside'), promise);
  });

  it('through: a rejection that nobody handles reaches the process, as without us', async () => {
    const heard = new Heard();
    const unhandled = unhandledRejection();
    observe(Promise.reject(failure), heard, 'through');
    assert.equal(await unhandled, failure);
    assert.deepEqual(heard.said, [['threw', failure]]);
  });

  it('through: a promise with members of its own, or of a class of its own, is handed on as it is', async () => {
    class Own<T> extends Promise<T> {}
    const withCancel = Object.assign(Promise.resolve(1), { cancel() {} });
    for (const promise of [withCancel, Own.resolve(2)]) {
      const heard = new Heard();
      assert.equal(observe<Promise<number>>(promise, heard, 'through'), promise);
      await promise;
      assert.equal(heard.said.length, 1);
    }
  });

  it('never asks a thenable by itself: a query runs as often as its owner asks', async () => {
    const heard = new Heard();
    const query = lazy((resolve) => resolve('rows'));
    assert.equal(observe(query, heard, 'beside'), query);
    assert.equal(query.runs, 0);
    assert.deepEqual(heard.said, []);
    assert.equal(await query, 'rows');
    assert.equal(query.runs, 1);
    assert.deepEqual(heard.said, [['returned', 'rows']]);
    assert.deepEqual(Object.keys(query), ['runs', 'then']);
  });

  it('hears a thenable fail, and gives back what its then gives back', () => {
    const heard = new Heard();
    const query = observe(
      lazy((_, reject) => reject(failure)),
      heard,
      'beside',
    );
    const answers: unknown[] = [];
    assert.equal(
      query.then(
        () => {},
        (error) => answers.push(error),
      ),
      'what then returns',
    );
    assert.deepEqual([answers, heard.said], [[failure], [['threw', failure]]]);
  });

  it('takes a thenable that nobody asks for a value, and so a frozen one', async () => {
    const unasked = new Heard();
    const query = lazy(() => {});
    observe(query, unasked, 'beside');
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(unasked.said, [['returned', query]]);
    assert.equal(query.runs, 0);
    const frozen = Object.freeze(lazy((resolve) => resolve(1)));
    const heard = new Heard();
    assert.equal(observe(frozen, heard, 'beside'), frozen);
    assert.deepEqual(heard.said, [['returned', frozen]]);
  });

  it('a then that throws when it is read is a failure, and the value goes on', () => {
    const heard = new Heard();
    const value = {
      // biome-ignore lint/suspicious/noThenProperty: a broken thenable is what is tested.
      get then() {
        throw failure;
      },
    };
    assert.equal(observe(value, heard, 'beside'), value);
    assert.deepEqual(heard.said, [['threw', failure]]);
  });
});
