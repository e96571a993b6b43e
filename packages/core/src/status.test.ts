import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { CLAIMABLE_STATUSES, isClaimableStatus, isTaskStatus, TASK_STATUSES } from './status.ts';

describe('the statuses', () => {
  it('are six, of which two cannot be claimed', () => {
    assert.deepEqual(TASK_STATUSES, ['success', 'failure', 'expired', 'cancelled', 'deferred', 'orphaned']);
    assert.deepEqual(
      TASK_STATUSES.filter((status) => !isClaimableStatus(status)),
      ['expired', 'orphaned'],
    );
    assert.ok(CLAIMABLE_STATUSES.every(isTaskStatus));
  });

  it('are told from everything else', () => {
    for (const other of ['', 'SUCCESS', 'toString', undefined, null, 5, {}, ['success']]) {
      assert.equal(isTaskStatus(other), false);
      assert.equal(isClaimableStatus(other), false);
    }
  });
});
