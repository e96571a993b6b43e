import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { context, trace } from '@opentelemetry/api';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { type RecordedRuns, recordRuns } from '../base/recorded-runs.test.support.ts';
import { CronerInstrumentation } from './croner.ts';
import { type MockedClock, mockClock, turn } from './mocked-clock.test.support.ts';
import { ToadSchedulerInstrumentation } from './toad-scheduler.ts';

type Toad = typeof import('toad-scheduler');

const EVERY_SECOND = '* * * * * *';

describe('toad-scheduler', () => {
  let recorded: RecordedRuns;
  let clock: MockedClock;
  let instrumentations: (ToadSchedulerInstrumentation | CronerInstrumentation)[];
  let toad: Toad;
  let scheduler: import('toad-scheduler').ToadScheduler;

  beforeEach(() => {
    recorded = recordRuns();
    clock = mockClock();
    instrumentations = [new ToadSchedulerInstrumentation(), new CronerInstrumentation()];
    toad = createRequire(import.meta.url)('toad-scheduler') as Toad;
    scheduler = new toad.ToadScheduler();
  });

  afterEach(() => {
    scheduler.stop();
    for (const one of instrumentations) one.disable();
    clock.stop();
    recorded.stop();
  });

  const attributes = (name: string): unknown[] => recorded.runs().map((run) => run.attributes[name]);

  it('makes one run of a task that croner has done, with what croner knows', async () => {
    const seen: unknown[] = [];
    const task = new toad.Task('report', (...args) => seen.push(...args));
    scheduler.addCronJob(new toad.CronJob({ cronExpression: EVERY_SECOND }, task, { id: 'job-1' }));
    await clock.pass(1000);
    const run = recorded.run();
    assert.deepEqual(
      [run.operation, run.status, run.attributes['task.library'], run.attributes['task.trigger']],
      ['report', 'success', 'toad-scheduler', 'schedule'],
    );
    assert.deepEqual(
      [run.attributes['task.schedule'], run.attributes['task.scheduled_at'], run.attributes['task.job.id']],
      [EVERY_SECOND, clock.beginning / 1000 + 1, 'job-1'],
    );
    assert.deepEqual(seen, ['report', 'job-1']);
    assert.deepEqual(recorded.warnings, []);
  });

  it('fails although the library swallows what is thrown, which its error handler gets', async () => {
    const errors: unknown[] = [];
    const [thrown, rejected] = [new RangeError('x'), new TypeError('y')];
    const hear = (error: Error): void => void errors.push(error);
    const sync = new toad.Task(
      'sync',
      () => {
        throw thrown;
      },
      hear,
    );
    const async = new toad.AsyncTask('async', async () => Promise.reject(rejected), hear);
    for (const task of [sync, async]) scheduler.addSimpleIntervalJob(new toad.SimpleIntervalJob({ seconds: 1 }, task));
    await clock.pass(1000);
    assert.deepEqual(errors, [thrown, rejected]);
    assert.deepEqual(
      recorded.runs().map((run) => [run.operation, run.status, run.errorType]),
      [
        ['sync', 'failure', 'RangeError'],
        ['async', 'failure', 'TypeError'],
      ],
    );
    assert.deepEqual(attributes('task.schedule'), ['every 1000 ms', 'every 1000 ms']);
  });

  it('leaves the rejection of a task that is not meant to be asynchronous to the process', async () => {
    const error = new RangeError('x');
    const heard: unknown[] = [];
    const before = process.listeners('unhandledRejection');
    process.removeAllListeners('unhandledRejection');
    process.once('unhandledRejection', (one) => heard.push(one));
    new toad.Task('sync', async () => Promise.reject(error)).execute();
    await turn();
    process.removeAllListeners('unhandledRejection');
    for (const listener of before) process.on('unhandledRejection', listener);
    assert.equal(heard[0], error);
    assert.equal(recorded.run().status, 'failure');
  });

  it('begins runs at the root; those that are called for have no clock', async () => {
    const task = new toad.AsyncTask('now', async () => {});
    const request = trace.getTracer('app').startSpan('request');
    const job = new toad.SimpleIntervalJob({ seconds: 10, runImmediately: true }, task);
    context.with(trace.setSpan(context.active(), request), () => scheduler.addSimpleIntervalJob(job));
    await turn();
    await job.executeAsync();
    request.end();
    await clock.pass(10_000);
    assert.deepEqual(attributes('task.trigger'), ['manual', 'manual', 'schedule']);
    assert.deepEqual(
      recorded.runs().map((run) => run.span.parentSpanContext),
      [undefined, undefined, undefined],
    );
  });

  it('counts what the prevention of overruns skips, of crons and of intervals', async () => {
    let release: (() => void)[] = [];
    const wait = (): Promise<void> => new Promise((resolve) => release.push(resolve));
    const options = { preventOverrun: true };
    scheduler.addCronJob(new toad.CronJob({ cronExpression: EVERY_SECOND }, new toad.AsyncTask('cron', wait), options));
    scheduler.addSimpleIntervalJob(
      new toad.SimpleIntervalJob({ seconds: 1 }, new toad.AsyncTask('interval', wait), options),
    );
    await clock.pass(3500);
    const done = release;
    release = [];
    for (const one of done) one();
    await clock.pass(1000);
    assert.deepEqual(recorded.missed().sort(), [
      'cron overlap',
      'cron overlap',
      'interval overlap',
      'interval overlap',
    ]);
  });

  it('counts intervals that a blocked event loop passed over', async () => {
    scheduler.addSimpleIntervalJob(new toad.SimpleIntervalJob({ seconds: 1 }, new toad.Task('blocked', () => {})));
    await clock.pass(1000);
    clock.block(4000);
    await clock.pass(1000);
    const late = recorded.missed();
    assert.ok(late.length >= 3 && late.every((one) => one === 'blocked missed'), late.join());
  });

  it('does not take the inner tasks of long intervals for runs', async () => {
    const job = new toad.LongIntervalJob({ days: 30 }, new toad.Task('monthly', () => {}));
    scheduler.addLongIntervalJob(job);
    clock.block(2_147_483_647);
    await clock.pass(200);
    clock.block(500_000_000);
    await clock.pass(200);
    assert.deepEqual(
      recorded.runs().map((run) => run.operation),
      recorded.runs().map(() => 'monthly'),
    );
    job.stop();
  });

  it('goes away without a trace', async () => {
    const handler = (): void => {};
    const task = new toad.Task('seen', handler);
    scheduler.addSimpleIntervalJob(new toad.SimpleIntervalJob({ seconds: 1 }, task));
    await clock.pass(1000);
    assert.equal((task as unknown as { handler: unknown }).handler, handler);
    for (const one of instrumentations) one.disable();
    await clock.pass(1000);
    assert.equal(recorded.runs().length, 1);
  });
});
