import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { TokenBucket } from './token-bucket.ts';

describe('TokenBucket', () => {
  it('lets its rate through, and what came in on top', () => {
    let now = 0;
    const bucket = new TokenBucket(1000, () => now);
    assert.equal(bucket.waitMs, 0);
    bucket.take(3000);
    assert.equal(bucket.waitMs, 2001);
    now = 1000;
    assert.equal(bucket.waitMs, 1001);
    bucket.give(1500);
    assert.equal(bucket.waitMs, 0);
    bucket.take(1000);
    assert.equal(bucket.waitMs, 501);
  });

  it('keeps no more than its reserve, however long it rests', () => {
    let now = 0;
    const bucket = new TokenBucket(1000, () => now);
    now = 3_600_000;
    bucket.give(5000);
    bucket.take(1001);
    assert.equal(bucket.waitMs, 2);
  });
});
