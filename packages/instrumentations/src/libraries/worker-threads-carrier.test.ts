import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import workerThreads, { SHARE_ENV, Worker, type WorkerOptions } from 'node:worker_threads';
import { runTask } from '@taskspan/core';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { type RecordedRuns, recordRuns } from '../base/recorded-runs.test.support.ts';
import { WorkerThreadsCarrier } from './worker-threads-carrier.ts';

const NAMES = ['TRACEPARENT', 'TRACESTATE', 'TASKSPAN_TASK_ID'] as const;
const REPORT = `const { parentPort, workerData } = require('node:worker_threads');
parentPort.postMessage({ env: { ...process.env }, workerData, execArgv: process.execArgv, argv: process.argv.slice(2) });`;

interface Report {
  readonly env: Readonly<Record<string, string>>;
  readonly workerData: unknown;
  readonly execArgv: readonly string[];
  readonly argv: readonly string[];
}

/** Without the hooks of the tests, which take a thread half a second to load. */
const BARE: WorkerOptions = { eval: true, execArgv: [] };

async function report(worker: Worker): Promise<Report> {
  const [message] = (await once(worker, 'message')) as [Report];
  await worker.terminate();
  return message;
}

describe('worker threads', function () {
  this.timeout(20_000);
  const original = workerThreads.Worker;
  let carrier: WorkerThreadsCarrier;
  let seen: RecordedRuns;
  let inherited: readonly (readonly [string, string | undefined])[];

  beforeEach(() => {
    inherited = NAMES.map((name) => [name, process.env[name]] as const);
    for (const name of NAMES) delete process.env[name];
    seen = recordRuns();
    carrier = new WorkerThreadsCarrier();
    carrier.enable();
  });
  afterEach(() => {
    carrier.disable();
    seen.stop();
    for (const [name, value] of inherited) if (value !== undefined) process.env[name] = value;
  });

  const started = (options: WorkerOptions = {}): Promise<Report> =>
    runTask('op', () => report(new Worker(REPORT, { ...BARE, ...options })), { id: 'id-1' });
  const runSpan = (): string => seen.run().span.spanContext().spanId;

  it('find the run that started them, beside the variables of this process', async () => {
    const { env } = await started();
    assert.equal(env['TRACEPARENT']?.split('-')[2], runSpan());
    assert.equal(env['TASKSPAN_TASK_ID'], 'id-1');
    assert.equal(env['PATH'], process.env['PATH']);
    assert.equal(process.env['TASKSPAN_TASK_ID'], undefined);
  });

  it('find it beside the variables that they are given', async () => {
    const env = Object.freeze({ A: '1', B: undefined });
    const options = Object.freeze({ ...BARE, env, workerData: { job: 7 }, argv: ['x'] });
    const found = await runTask('op', () => report(new Worker(REPORT, options)), { id: 'id-1' });
    const { TRACEPARENT, ...rest } = found.env;
    assert.equal(TRACEPARENT?.split('-')[2], runSpan());
    // As Node makes text of them.
    assert.deepEqual(rest, { A: '1', B: 'undefined', TASKSPAN_TASK_ID: 'id-1' });
    assert.deepEqual([found.workerData, found.argv], [{ job: 7 }, ['x']]);
  });

  it('keep what the caller says', async () => {
    const { env } = await started({ env: { TRACEPARENT: 'mine' } });
    assert.equal(env['TRACEPARENT'], 'mine');
  });

  it('that share the environment leave it as it is', async () => {
    const { env } = await started({ env: SHARE_ENV });
    for (const name of NAMES) assert.equal(env[name] ?? process.env[name], undefined);
  });

  it('find nothing outside a run', async () => {
    const { env } = await report(new Worker(REPORT, BARE));
    for (const name of NAMES) assert.equal(env[name], undefined);
  });

  it('have options that are read where they lie', async () => {
    class Options {
      readonly #code = true;
      readonly execArgv: string[] = [];
      get eval(): boolean {
        return this.#code;
      }
    }
    const { env } = await runTask('op', () => report(new Worker(REPORT, new Options())), { id: 'id-1' });
    assert.equal(env['TASKSPAN_TASK_ID'], 'id-1');
  });

  it('without options inherit the arguments of this process', async () => {
    const source = `data:text/javascript,${encodeURIComponent(
      `import { parentPort } from 'node:worker_threads'; parentPort.postMessage({ env: { ...process.env }, execArgv: process.execArgv });`,
    )}`;
    const { env, execArgv } = await runTask('op', () => report(new Worker(new URL(source))), { id: 'id-1' });
    assert.equal(env['TASKSPAN_TASK_ID'], 'id-1');
    assert.deepEqual(execArgv, process.execArgv);
  });

  it('refuse the same arguments', () => {
    const wrong: readonly (readonly unknown[])[] = [
      [],
      [7],
      ['relative.js'],
      ['', null],
      ['', { eval: true, env: 7 }],
      ['', { eval: true, execArgv: 7 }],
    ];
    const outcome = (Class: unknown, args: readonly unknown[]): unknown => {
      try {
        return Reflect.construct(Class as () => void, args);
      } catch (error) {
        return (error as { code?: string; name: string }).code ?? (error as Error).message;
      }
    };
    for (const args of wrong) {
      const found = runTask('op', () => outcome(Worker, args));
      assert.equal(found, outcome(original, args), JSON.stringify(args));
    }
  });

  it('are made by a class that is the same in every other way', async () => {
    assert.notEqual(Worker, original);
    assert.equal(Worker, workerThreads.Worker);
    assert.equal(createRequire(import.meta.url)('worker_threads').Worker, Worker);
    assert.deepEqual([Worker.name, Worker.length], [original.name, original.length]);
    assert.deepEqual(Reflect.ownKeys(Worker), Reflect.ownKeys(original));
    assert.equal(Worker.prototype, original.prototype);
    assert.equal(Object.getPrototypeOf(Worker), Object.getPrototypeOf(original));
    const worker = new Worker('', BARE);
    assert.ok(worker instanceof Worker && worker instanceof original);
    assert.equal(worker.constructor, Worker);
    await worker.terminate();
    assert.throws(() => (Worker as unknown as () => void)(), TypeError);
  });

  it('can be subclassed', async () => {
    class Own extends Worker {
      readonly extra: number = 1;
    }
    const worker = runTask('op', () => new Own(REPORT, BARE), { id: 'id-1' });
    assert.ok(worker instanceof Own && worker instanceof Worker);
    assert.equal(worker.extra, 1);
    assert.equal((await report(worker)).env['TASKSPAN_TASK_ID'], 'id-1');
  });

  it('are left alone once it is disabled, and taken up again', async () => {
    carrier.disable();
    assert.equal(workerThreads.Worker, original);
    assert.equal(Worker, original);
    assert.equal(original.prototype.constructor, original);
    carrier.enable();
    carrier.enable();
    assert.equal((await started()).env['TASKSPAN_TASK_ID'], 'id-1');
  });

  it('are handed their run once by two of us, and by the one that is left', async () => {
    const current = workerThreads.Worker;
    const second = new WorkerThreadsCarrier();
    second.enable();
    assert.equal(workerThreads.Worker, current);
    carrier.disable();
    assert.equal(workerThreads.Worker, current);
    assert.equal((await started()).env['TASKSPAN_TASK_ID'], 'id-1');
    second.disable();
    assert.equal(workerThreads.Worker, original);
  });

  it('are made by the class that somebody else has put on top, and find nothing once it is disabled', async () => {
    const current = workerThreads.Worker;
    class Theirs extends current {}
    workerThreads.Worker = Theirs;
    try {
      carrier.disable();
      assert.equal(workerThreads.Worker, Theirs);
      const worker = runTask('op', () => new Theirs(REPORT, BARE), { id: 'id-1' });
      assert.equal((await report(worker)).env['TASKSPAN_TASK_ID'], undefined);
    } finally {
      workerThreads.Worker = current;
      carrier.enable();
    }
  });
});
