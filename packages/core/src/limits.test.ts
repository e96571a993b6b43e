import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { LIMITS } from './limits.ts';

describe('the limits', () => {
  it('are those that the contract names', () => {
    assert.equal(LIMITS.taskIdChars, 1024);
    assert.equal(LIMITS.fileNameChars, 128);
    assert.equal(LIMITS.recordBytes, 1024 * 1024);
    assert.equal(1000 / LIMITS.progressIntervalMs, 10);
  });

  it('are whole numbers', () => {
    for (const limit of Object.values(LIMITS)) assert.ok(Number.isSafeInteger(limit) && limit > 0);
  });
});
