import assert from 'node:assert/strict';
import { once } from './once.ts';

describe('once', () => {
  it('makes nothing before it is asked, and one thing however often it is', () => {
    let made = 0;
    const get = once(() => {
      made += 1;
      return { made };
    });
    assert.equal(made, 0);
    assert.equal(get(), get());
    assert.equal(made, 1);
  });

  it('remembers undefined too', () => {
    let made = 0;
    const get = once(() => {
      made += 1;
    });
    get();
    get();
    assert.equal(made, 1);
  });

  it('tries again after a failure', () => {
    let calls = 0;
    const get = once(() => {
      calls += 1;
      if (calls === 1) throw new Error('not yet');
      return calls;
    });
    assert.throws(get, /not yet/);
    assert.equal(get(), 2);
  });
});
