import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import type * as workerpoolModule from 'workerpool';
import { type RecordedRuns, recordRuns } from '../base/recorded-runs.test.support.ts';
import { WorkerpoolInstrumentation } from './workerpool.ts';

const require = createRequire(import.meta.url);

const SCRIPT = `
const workerpool = require(${JSON.stringify(require.resolve('workerpool'))});
workerpool.worker({
  add: (a, b) => a + b,
  fail: () => { throw Object.assign(new Error('x'), { name: 'Conflict' }); },
  hang: () => new Promise(() => { setInterval(() => {}, 1000); }),
  leave: () => process.exit(3),
});
`;

interface PoolPromise extends Promise<unknown> {
  cancel(): this;
  timeout(delay: number): this;
}

interface Pool {
  exec(method: unknown, params?: unknown, options?: unknown): PoolPromise;
  proxy(): Promise<Record<string, (...args: unknown[]) => unknown>>;
  terminate(force?: boolean): Promise<unknown>;
}

describe('WorkerpoolInstrumentation', () => {
  let folder: string;
  let recorded: RecordedRuns;
  let instrumentation: WorkerpoolInstrumentation;
  let pool: Pool;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'taskspan-workerpool-'));
    const script = join(folder, 'calculations.cjs');
    writeFileSync(script, SCRIPT);
    recorded = recordRuns();
    instrumentation = new WorkerpoolInstrumentation();
    const options = { workerType: 'thread', maxWorkers: 1, workerTerminateTimeout: 10 };
    pool = (require('workerpool') as typeof workerpoolModule).pool(script, options as never) as unknown as Pool;
  });
  afterEach(async () => {
    await pool.terminate(true);
    instrumentation.disable();
    recorded.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('makes a run of every task, named by its method, or by its script', async () => {
    assert.equal(await pool.exec('add', [2, 3]), 5);
    const twice = function double(value: number): number {
      return value * 2;
    };
    assert.equal(await pool.exec(twice, [4]), 8);
    assert.equal(await pool.exec((value: number) => value, [7]), 7);
    assert.equal(await (await pool.proxy())['add']?.(1, 1), 2);
    assert.deepEqual(
      recorded.runs().map((run) => [run.operation, run.status, run.attributes['task.trigger']]),
      [
        ['add', 'success', 'queue'],
        ['double', 'success', 'queue'],
        ['calculations', 'success', 'queue'],
        ['add', 'success', 'queue'],
      ],
    );
  });

  const ended = (promise: PoolPromise): Promise<unknown> => new Promise((resolve) => promise.then(resolve, resolve));

  for (const [what, { make, status, errorType }] of Object.entries<{
    make: (one: Pool) => PoolPromise;
    status: string;
    errorType?: string;
  }>({
    'a failure': { make: (one) => one.exec('fail'), status: 'failure', errorType: 'Conflict' },
    cancel: { make: (one) => one.exec('hang').cancel(), status: 'cancelled', errorType: 'aborted' },
    timeout: { make: (one) => one.exec('hang').timeout(20), status: 'failure', errorType: 'timeout' },
    'a worker that leaves': { make: (one) => one.exec('leave'), status: 'failure', errorType: 'worker_exit' },
    'the end of the pool': {
      make: (one) => {
        const promise = one.exec('hang');
        void one.terminate(true);
        return promise;
      },
      status: 'cancelled',
      errorType: 'aborted',
    },
  })) {
    it(`${what}: ${status} ${errorType ?? ''}`, async () => {
      const error = await ended(make(pool));
      assert.ok(error instanceof Error);
      const run = recorded.run();
      assert.deepEqual([run.status, run.errorType], [status, errorType]);
    });
  }

  it("hands on the library's own promise, and what it throws", async () => {
    const promise = pool.exec('add', [1, 2]);
    assert.deepEqual([typeof promise.cancel, typeof promise.timeout], ['function', 'function']);
    assert.equal(promise instanceof Promise, false);
    await promise;
    assert.throws(() => pool.exec('add', 'no array'), TypeError);
    assert.deepEqual(
      recorded.runs().map((run) => run.status),
      ['success', 'failure'],
    );
  });

  it('is gone when it is disabled', async () => {
    instrumentation.disable();
    assert.equal(await pool.exec('add', [2, 3]), 5);
    assert.deepEqual(recorded.runs(), []);
  });
});
