import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { type Settler, settle } from './settle.ts';

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

describe('settle', () => {
  it('tells of a plain value at once and returns it', () => {
    const values = [
      undefined,
      null,
      0,
      '',
      'x',
      Symbol('x'),
      () => 1,
      Object.fromEntries([['then', 5]]),
      [1],
      Object.create(null),
    ];
    for (const value of values) {
      const heard = new Heard();
      assert.equal(settle(value, heard), value);
      assert.deepEqual(heard.said, [['returned', value]]);
    }
  });

  it('waits for a promise and passes its value and its error on', async () => {
    const good = new Heard();
    const promise = Promise.resolve(1);
    const derived = settle(promise, good);
    assert.deepEqual(good.said, []);
    assert.equal(await derived, 1);
    assert.deepEqual(good.said, [['returned', 1]]);
    const bad = new Heard();
    await assert.rejects(settle(Promise.reject(failure), bad), failure);
    assert.deepEqual(bad.said, [['threw', failure]]);
  });

  it('reads then once and calls it once', async () => {
    let reads = 0;
    let calls = 0;
    const thenable = {
      // biome-ignore lint/suspicious/noThenProperty: a thenable is what is tested.
      get then() {
        reads += 1;
        return function (this: unknown, resolve: (value: string) => void): void {
          calls += 1;
          assert.equal(this, thenable);
          resolve('value');
          resolve('again');
        };
      },
    };
    const heard = new Heard();
    assert.equal(await settle(thenable, heard), 'value');
    assert.deepEqual([reads, calls, heard.said.length], [1, 1, 1]);
  });

  it('adopts what looks like a promise of Bluebird: a class with chaining of its own, and lazy queries', async () => {
    class Query {
      executed = 0;
      // biome-ignore lint/suspicious/noThenProperty: a thenable is what is tested.
      then(resolve: (rows: number[]) => unknown, reject: (error: unknown) => unknown): Query {
        this.executed += 1;
        setImmediate(() => (this.executed === 1 ? resolve([1, 2]) : reject(new Error('executed twice'))));
        return this;
      }
      catch(): Query {
        return this;
      }
    }
    const query = new Query();
    assert.deepEqual(await settle(query as unknown as Promise<number[]>, new Heard()), [1, 2]);
    assert.equal(query.executed, 1);
  });

  it('follows a thenable that gives another one', async () => {
    const heard = new Heard();
    // biome-ignore lint/suspicious/noThenProperty: a thenable is what is tested.
    const outer = { then: (resolve: (value: unknown) => void) => resolve(Promise.resolve('inner')) };
    assert.equal(await (settle(outer, heard) as unknown), 'inner');
    assert.deepEqual(heard.said, [['returned', 'inner']]);
  });

  it('keeps the class of a promise', async () => {
    class Traced<T> extends Promise<T> {}
    const derived = settle(Traced.resolve(1), new Heard());
    assert.ok(derived instanceof Traced);
    assert.equal(await derived, 1);
  });

  it('rejects when then throws', async () => {
    const heard = new Heard();
    const bad = {
      // biome-ignore lint/suspicious/noThenProperty: a thenable is what is tested.
      then: () => {
        throw failure;
      },
    };
    await assert.rejects(settle(bad, heard) as unknown as Promise<unknown>, failure);
    assert.deepEqual(heard.said, [['threw', failure]]);
  });

  it('returns what cannot be asked for then as it is: no rejection that nobody waits for', () => {
    const unreadable = Object.defineProperty({}, 'then', {
      get: () => {
        throw failure;
      },
    });
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    class Refusing extends Promise<number> {
      // biome-ignore lint/suspicious/noThenProperty: a thenable is what is tested.
      override then(): never {
        throw failure;
      }
    }
    for (const value of [unreadable, proxy, new Refusing(() => {})]) {
      const heard = new Heard();
      assert.equal(settle(value, heard) === value, true);
      assert.equal(heard.said.length, 1);
      assert.equal(heard.said[0]?.[0], 'threw');
    }
  });

  it('does not handle a rejection that the caller leaves alone', async () => {
    const derived = settle(Promise.reject(failure), new Heard());
    let handled = false;
    derived.catch(() => {
      handled = true;
    });
    await new Promise(setImmediate);
    assert.equal(handled, true);
  });
});
