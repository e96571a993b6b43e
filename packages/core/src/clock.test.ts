import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'mocha';
import { monoMs, wallAt, wallMs } from './clock.ts';

describe('the clocks', () => {
  const now = Date.now;
  afterEach(() => {
    Date.now = now;
  });

  it('wallMs stays within a millisecond of the wall clock', () => {
    for (let count = 0; count < 10_000; count += 1) {
      const before = Date.now();
      const time = wallMs();
      assert.ok(time >= before - 1 && time <= Date.now() + 1);
    }
  });

  it('wallMs has steps below a millisecond, and does not go back', () => {
    const times = Array.from({ length: 10_000 }, wallMs);
    assert.ok(times.some((time) => !Number.isInteger(time)));
    for (let index = 1; index < times.length; index += 1) assert.ok((times[index] ?? 0) >= (times[index - 1] ?? 0));
  });

  it('wallMs follows a wall clock that is set', () => {
    for (const set of [1_000_000_000_000, 2_000_000_000_000]) {
      Date.now = () => set;
      assert.ok(Math.abs(wallMs() - set) <= 1);
      assert.ok(Math.abs(wallAt(performance.now()) - set) <= 1);
    }
  });

  it('monoMs never goes back', () => {
    const first = monoMs();
    assert.ok(monoMs() >= first);
  });
});
