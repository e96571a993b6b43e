import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { Watchers } from './watchers.ts';

describe('Watchers', () => {
  it('are told of every change, and let go when it is over', async () => {
    const watchers = new Watchers();
    let value = 0;
    const both = Promise.all([2, 3].map((end) => watchers.until(() => value >= end, 10_000)));
    for (; value < 3; value += 1) watchers.tell();
    watchers.tell();
    await both;
    watchers.tell();
  });

  it('wait no longer than they want to', async () => {
    const began = performance.now();
    await new Watchers().until(() => false, 20);
    assert.ok(performance.now() - began >= 18);
  });
});
