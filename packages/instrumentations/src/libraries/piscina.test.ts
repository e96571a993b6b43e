import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'mocha';
import { type RecordedRuns, recordRuns } from '../base/recorded-runs.test.support.ts';
import { PiscinaInstrumentation } from './piscina.ts';
import { fileName } from './thread-pool-task.ts';
import { TinypoolInstrumentation } from './tinypool.ts';

const require = createRequire(import.meta.url);

const WORKER = `
const work = async ({ fail, hang, leave, value }) => {
  if (fail) throw new RangeError('x');
  if (hang) await new Promise(() => setInterval(() => {}, 1000));
  if (leave) process.exit(3);
  return value;
};
module.exports = work;
module.exports.thumbnail = work;
`;

interface Pool {
  run(
    task: object,
    options?: { readonly signal?: AbortSignal; readonly name?: string; readonly filename?: string },
  ): Promise<unknown>;
  destroy(): Promise<void>;
}

type PoolClass = new (options: { filename: string; maxThreads: number; minThreads: number }) => Pool;

for (const [Instrumentation, name, load] of [
  [PiscinaInstrumentation, 'Piscina', (): unknown => require('piscina')],
  [TinypoolInstrumentation, 'Tinypool', (): unknown => require('tinypool')],
] as const) {
  describe(Instrumentation.name, () => {
    let folder: string;
    let filename: string;
    let recorded: RecordedRuns;
    let instrumentation: PiscinaInstrumentation | TinypoolInstrumentation;
    let pool: Pool;

    before(() => {
      folder = mkdtempSync(join(tmpdir(), 'taskspan-pool-'));
      filename = join(folder, 'resize-image.cjs');
      writeFileSync(filename, WORKER);
    });
    after(() => rmSync(folder, { recursive: true, force: true }));

    beforeEach(() => {
      recorded = recordRuns();
      instrumentation = new Instrumentation();
      const { [name]: Pool } = load() as Record<string, PoolClass>;
      assert.ok(Pool !== undefined);
      instrumentation.enable();
      pool = new Pool({ filename, minThreads: 1, maxThreads: 1 });
    });
    afterEach(async () => {
      await pool.destroy();
      instrumentation.disable();
      recorded.stop();
    });

    it('makes a run of every task, named by its file, or by the export of that', async () => {
      assert.equal(await pool.run({ value: 7 }), 7);
      assert.equal(await pool.run({ value: 8 }, { name: 'thumbnail' }), 8);
      assert.deepEqual(
        recorded.runs().map((run) => [run.operation, run.status, run.attributes['task.library']]),
        [
          ['resize-image', 'success', name.toLowerCase()],
          ['thumbnail', 'success', name.toLowerCase()],
        ],
      );
    });

    const abortSoon = (reason?: Error): AbortSignal => {
      const controller = new AbortController();
      setImmediate(() => controller.abort(reason));
      return controller.signal;
    };
    const late = Object.assign(new Error('late'), { name: 'TimeoutError' });

    for (const [what, { make, status, errorType }] of Object.entries<{
      make: (one: Pool) => Promise<unknown>;
      status: string;
      errorType: string;
    }>({
      'a failure': { make: (one) => one.run({ fail: true }), status: 'failure', errorType: 'RangeError' },
      'an abort': {
        make: (one) => one.run({ hang: true }, { signal: abortSoon() }),
        status: 'cancelled',
        errorType: 'aborted',
      },
      'an abort for lateness': {
        make: (one) => one.run({ hang: true }, { signal: abortSoon(late) }),
        status: 'failure',
        errorType: 'timeout',
      },
      'the end of the pool': {
        make: (one) => {
          const promise = one.run({ hang: true });
          void one.destroy();
          return promise;
        },
        status: 'cancelled',
        errorType: 'aborted',
      },
    })) {
      it(`${what}: ${status} ${errorType}`, async () => {
        await assert.rejects(make(pool));
        const run = recorded.run();
        assert.deepEqual([run.status, run.errorType], [status, errorType]);
      });
    }

    if (name === 'Piscina') {
      it('a worker that leaves: failure worker_exit', async () => {
        await assert.rejects(pool.run({ leave: true }));
        assert.deepEqual([recorded.run().status, recorded.run().errorType], ['failure', 'worker_exit']);
      });
    }

    it('is gone when it is disabled', async () => {
      instrumentation.disable();
      assert.equal(await pool.run({ value: 7 }), 7);
      assert.deepEqual(recorded.runs(), []);
    });
  });
}

describe('the file of a pool', () => {
  it('is a name without folders and ending', () => {
    assert.equal(fileName('file:///app/jobs/resize.mjs'), 'resize');
    assert.equal(fileName('C:\\app\\resize.cjs'), 'resize');
    assert.equal(fileName('/app/resize.worker.js'), 'resize.worker');
    for (const none of [undefined, null, '', 'x'.repeat(200), 7]) assert.equal(fileName(none), undefined);
  });
});
