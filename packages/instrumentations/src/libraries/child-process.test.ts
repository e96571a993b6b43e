import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { runTask } from '@taskspan/core';
import { describe, it } from 'mocha';
import { recordRuns } from '../base/recorded-runs.test.support.ts';
import { ChildProcessInstrumentation } from './child-process.ts';

describe('the instrumentation of child processes', () => {
  const started = (): string =>
    runTask('op', () => spawnSync('sh', ['-c', 'echo "$TASKSPAN_TASK_ID"']).stdout.toString(), { id: 'id-1' });

  it('hands them their run from its construction until it is disabled, as an SDK expects it', () => {
    const seen = recordRuns();
    const instrumentation = new ChildProcessInstrumentation();
    try {
      assert.equal(instrumentation.instrumentationName, '@taskspan/child-process');
      assert.equal(started(), 'id-1\n');
      instrumentation.disable();
      assert.notEqual(started(), 'id-1\n');
      instrumentation.enable();
      assert.equal(started(), 'id-1\n');
    } finally {
      instrumentation.disable();
      seen.stop();
    }
  });

  it('does nothing when it is made disabled', () => {
    assert.equal(new ChildProcessInstrumentation({ enabled: false }).isEnabled(), false);
    assert.notEqual(started(), 'id-1\n');
  });
});
