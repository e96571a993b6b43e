import assert from 'node:assert/strict';
import workerThreads, { Worker } from 'node:worker_threads';
import { describe, it } from 'mocha';
import { WorkerThreadsInstrumentation } from './worker-threads.ts';

describe('the instrumentation of worker threads', () => {
  const { Worker: original } = workerThreads;

  it('hooks their class from its construction until it is disabled, as an SDK expects it', () => {
    const instrumentation = new WorkerThreadsInstrumentation();
    try {
      assert.equal(instrumentation.instrumentationName, '@taskspan/worker-threads');
      assert.notEqual(Worker, original);
      instrumentation.disable();
      assert.equal(Worker, original);
      instrumentation.enable();
      assert.notEqual(Worker, original);
    } finally {
      instrumentation.disable();
    }
    assert.equal(Worker, original);
  });

  it('does nothing when it is made disabled', () => {
    assert.equal(new WorkerThreadsInstrumentation({ enabled: false }).isEnabled(), false);
    assert.equal(workerThreads.Worker, original);
  });
});
