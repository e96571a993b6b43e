import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { type RecordedRuns, recordRuns } from '../base/recorded-runs.test.support.ts';
import { BreeInstrumentation } from './bree.ts';

const require = createRequire(import.meta.url);

const JOBS = {
  'finish.cjs': `require('node:worker_threads').parentPort.postMessage('done'); setInterval(() => {}, 1000);`,
  'return.cjs': `const a = 1;`,
  'fail.cjs': `throw new RangeError('x');`,
  'leave.cjs': `process.exit(3);`,
  'hang.cjs': `setInterval(() => {}, 1000);`,
  'obey.cjs': `
const { parentPort } = require('node:worker_threads');
parentPort.on('message', (message) => message === 'cancel' && parentPort.postMessage('cancelled'));
parentPort.postMessage('listening');`,
  'give-up.cjs': `
const { parentPort } = require('node:worker_threads');
parentPort.on('message', () => process.exit(0));
parentPort.postMessage('listening');`,
} as const;

interface Job {
  readonly name: string;
  readonly path?: string;
  readonly interval?: string;
  readonly cron?: string;
  readonly date?: Date;
  readonly timeout?: number;
  readonly closeWorkerAfterMs?: number;
}

interface Bree {
  readonly workers: Map<string, Worker>;
  run(name: string): Promise<void>;
  start(name?: string): Promise<void>;
  stop(name?: string): Promise<void>;
  once(event: string, listener: (name: string) => void): void;
}

type BreeClass = new (options: object) => Bree;

describe('BreeInstrumentation', () => {
  let folder: string;
  let recorded: RecordedRuns;
  let instrumentation: BreeInstrumentation;
  let Bree: BreeClass;
  const bees: Bree[] = [];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'taskspan-bree-'));
    for (const [file, source] of Object.entries(JOBS)) writeFileSync(join(folder, file), source);
    recorded = recordRuns();
    instrumentation = new BreeInstrumentation();
    Bree = require('bree') as BreeClass;
    instrumentation.enable();
  });
  afterEach(async () => {
    for (const bree of bees.splice(0)) {
      for (const worker of bree.workers.values()) await worker.terminate();
      await bree.stop();
    }
    instrumentation.disable();
    recorded.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  function breeOf(name: string, job: Partial<Job> = {}, heard?: (message: string) => void): Bree {
    const jobs = [{ name, path: join(folder, `${name}.cjs`), ...job }];
    const workerMessageHandler = ({ message }: { message: string }): void => heard?.(message);
    const bree = new Bree({ root: false, logger: false, jobs, workerMessageHandler, errorHandler: () => {} });
    bees.push(bree);
    return bree;
  }

  const deleted = (bree: Bree): Promise<string> => new Promise((resolve) => bree.once('worker deleted', resolve));

  for (const [what, { job, status, errorType }] of Object.entries<{
    job?: Partial<Job>;
    status: string;
    errorType?: string;
  }>({
    finish: { status: 'success' },
    return: { status: 'success' },
    fail: { status: 'failure', errorType: 'RangeError' },
    leave: { status: 'failure', errorType: 'exit_code_3' },
    hang: { job: { closeWorkerAfterMs: 20 }, status: 'failure', errorType: 'timeout' },
  })) {
    it(`a job that would ${what}: ${status} ${errorType ?? ''}`, async () => {
      const bree = breeOf(what, job);
      const gone = deleted(bree);
      await bree.run(what);
      await gone;
      const run = recorded.run();
      assert.deepEqual([run.operation, run.status, run.errorType], [what, status, errorType]);
      assert.deepEqual([run.attributes['task.library'], run.attributes['task.trigger']], ['bree', 'manual']);
    });
  }

  for (const [what, status] of Object.entries({ obey: 'cancelled', 'give-up': 'success' })) {
    it(`a job that is stopped, and would ${what}: ${status}`, async () => {
      let listening = (): void => {};
      const ready = new Promise<void>((resolve) => {
        listening = resolve;
      });
      const bree = breeOf(what, {}, listening);
      await bree.run(what);
      await ready;
      await bree.stop(what);
      assert.equal(recorded.run().status, status);
    });
  }

  it('a thread that the application ends: cancelled', async () => {
    const bree = breeOf('hang');
    const gone = deleted(bree);
    await bree.run('hang');
    await bree.workers.get('hang')?.terminate();
    await gone;
    assert.deepEqual([recorded.run().status, recorded.run().errorType], ['cancelled', 'aborted']);
  });

  it('says what began a run, and by which schedule', async () => {
    const date = new Date(Date.now() + 1500);
    for (const job of [{ date }, { interval: '20ms' }, { timeout: 10 }]) {
      const bree = breeOf('return', job as Partial<Job>);
      const gone = deleted(bree);
      await bree.start('return');
      await gone;
      await bree.stop('return');
    }
    const [once, every, later] = recorded.runs().map(({ attributes }) => attributes);
    assert.deepEqual([every?.['task.trigger'], every?.['task.schedule']], ['schedule', 'every 20 ms']);
    assert.deepEqual([once?.['task.trigger'], once?.['task.scheduled_at']], ['schedule', date.getTime() / 1000]);
    assert.deepEqual([later?.['task.trigger'], later?.['task.schedule']], ['schedule', undefined]);
  });

  it('counts what is left out: a job that runs still, and one whose date is past', async () => {
    const bree = breeOf('hang');
    await bree.run('hang');
    await bree.run('hang');
    const past = breeOf('return', { date: new Date(1000) });
    await past.run('nothing').catch(() => {});
    await past.start('return');
    assert.deepEqual(recorded.missed(), ['hang overlap', 'return missed']);
  });

  it('adds no listener to the thread', async () => {
    const counts = async (): Promise<number[]> => {
      const bree = breeOf('hang');
      await bree.run('hang');
      const worker = bree.workers.get('hang');
      return ['online', 'message', 'error', 'exit'].map((event) => worker?.listenerCount(event) ?? -1);
    };
    const hooked = await counts();
    instrumentation.disable();
    assert.deepEqual(hooked, await counts());
  });

  it('is gone when it is disabled', async () => {
    instrumentation.disable();
    const bree = breeOf('return');
    const gone = deleted(bree);
    await bree.run('return');
    await gone;
    assert.deepEqual(recorded.runs(), []);
  });
});
