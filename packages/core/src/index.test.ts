import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import * as api from './index.ts';

describe('@taskspan/core', () => {
  it('is this, and nothing else', () => {
    assert.deepEqual(Object.keys(api).sort(), [
      'ATTR',
      'ATTRIBUTES',
      'CLAIMABLE_STATUSES',
      'EVENT',
      'EVENTS',
      'MANIFEST_METADATA_PREFIX',
      'METRIC_LABEL_PREFIX',
      'RUN_CHANNEL',
      'SCOPE',
      'SEVERITY',
      'SUBMISSION_FIELDS',
      'TASK_STATUSES',
      'isClaimableStatus',
      'isTaskStatus',
      'recordMissedTask',
      'recordOrphanedTask',
      'runTask',
      'runTaskSteps',
      'startTask',
      'startTaskSpan',
    ]);
  });
});
