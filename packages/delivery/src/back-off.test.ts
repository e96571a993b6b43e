import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { BackOff } from './back-off.ts';

const FAILED = { kind: 'retryable', reason: 'down' } as const;

describe('BackOff', () => {
  it('doubles, spreads, and ends at half a minute', () => {
    const backOff = new BackOff({ longestAskedMs: 300_000 });
    assert.ok(backOff.waitMs <= 0);
    for (const base of [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]) {
      backOff.fail(FAILED);
      assert.ok(backOff.waitMs > base * 0.7 && backOff.waitMs <= base * 1.25, `${backOff.waitMs} for ${base}`);
    }
    assert.equal(backOff.failures, 7);
    backOff.reset();
    assert.deepEqual([backOff.failures, backOff.waitMs <= 0], [0, true]);
  });

  it('waits as long as the receiver asks, within its own limit, and never shorter than by itself', () => {
    const backOff = new BackOff({ longestAskedMs: 300_000 });
    backOff.fail({ ...FAILED, retryAfterMs: 120_000 });
    assert.ok(backOff.waitMs > 119_000 && backOff.waitMs <= 120_000);
    backOff.fail({ ...FAILED, retryAfterMs: 1e9 });
    assert.ok(backOff.waitMs > 299_000 && backOff.waitMs <= 300_000);
    backOff.reset();
    backOff.fail({ ...FAILED, retryAfterMs: 0 });
    assert.ok(backOff.waitMs > 700);
  });

  it('hurries when the receiver is known to be back, unless it asked to wait', () => {
    const backOff = new BackOff({ longestAskedMs: 300_000 });
    for (let at = 0; at < 5; at += 1) backOff.fail(FAILED);
    backOff.receiverIsBack();
    assert.ok(backOff.waitMs <= 0);
    backOff.fail({ ...FAILED, retryAfterMs: 120_000 });
    backOff.receiverIsBack();
    assert.ok(backOff.waitMs > 119_000);
  });

  it('does not hurry where only a person can help, unless somebody flushes', () => {
    const backOff = new BackOff({ longestAskedMs: 300_000 });
    backOff.fail({ ...FAILED, misconfigured: true });
    assert.ok(backOff.waitMs > 20_000);
    backOff.hurry();
    assert.ok(backOff.waitMs <= 0);
    backOff.pause();
    assert.ok(backOff.waitMs > 900 && backOff.waitMs <= 1000);
  });
});
