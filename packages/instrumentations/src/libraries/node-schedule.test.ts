import assert from 'node:assert/strict';
import { context, trace } from '@opentelemetry/api';
import { afterEach, beforeEach, describe, it } from 'mocha';
import nodeSchedule from 'node-schedule';
import { type RecordedRuns, recordRuns } from '../base/recorded-runs.test.support.ts';
import { type MockedClock, mockClock, turn } from './mocked-clock.test.support.ts';
import { NodeScheduleInstrumentation } from './node-schedule.ts';

interface Job {
  on(event: string, listener: (value: unknown) => void): unknown;
  invoke(date?: Date): unknown;
  cancel(): unknown;
  readonly name: string;
}

interface ScheduleModule {
  scheduleJob(...args: unknown[]): Job;
  readonly Job: { readonly prototype: Record<string, unknown> };
}

const schedule = nodeSchedule as unknown as ScheduleModule;

const EVERY_SECOND = '* * * * * *';

describe('node-schedule', () => {
  let recorded: RecordedRuns;
  let clock: MockedClock;
  let instrumentation: NodeScheduleInstrumentation;
  const jobs: Job[] = [];

  beforeEach(() => {
    recorded = recordRuns();
    clock = mockClock();
    instrumentation = new NodeScheduleInstrumentation();
  });

  afterEach(() => {
    for (const job of jobs.splice(0)) job.cancel();
    instrumentation.disable();
    clock.stop();
    recorded.stop();
  });

  function start(...args: unknown[]): Job {
    const job = schedule.scheduleJob(...args);
    jobs.push(job);
    return job;
  }

  it('makes every tick a run, with its slot, its lateness and its schedule', async () => {
    const seen: unknown[] = [];
    const job = start(EVERY_SECOND, function report(this: unknown, date: unknown) {
      seen.push(this, date);
    });
    await clock.pass(1000);
    const run = recorded.run();
    const { 'task.library': library, 'task.trigger': trigger, 'task.schedule': text } = run.attributes;
    assert.deepEqual(
      [run.operation, run.status, library, trigger, text, run.attributes['task.scheduled_at']],
      ['report', 'success', 'node-schedule', 'schedule', EVERY_SECOND, clock.beginning / 1000 + 1],
    );
    assert.deepEqual(seen, [job, new Date(clock.beginning + 1000)]);
    clock.block(2500);
    await clock.pass(100);
    const slots = recorded.runs().map((one) => Number(one.attributes['task.scheduled_at']) - clock.beginning / 1000);
    assert.deepEqual(slots, [1, 2, 3], 'the library catches up');
  });

  it('names runs by job, handler or schedule, never by a generated name or a date', async () => {
    const anonymous = (): (() => void) => () => {};
    start('nightly', '*/5 * * * * *', anonymous());
    start('*/5 * * * * *', function handler() {});
    start('*/5 * * * * *', anonymous());
    start({ second: 5, tz: 'Etc/UTC' }, anonymous());
    start({ rule: '*/5 * * * * *' }, anonymous());
    start(new Date(clock.beginning + 5000), anonymous());
    start(new Date(clock.beginning + 5000).toISOString(), anonymous());
    start(new Date(clock.beginning + 5000).toString(), anonymous());
    await clock.pass(5000);
    assert.deepEqual(
      recorded
        .runs()
        .map((run) => run.operation)
        .sort(),
      [
        '*/5 * * * * *',
        '*/5 * * * * *',
        'handler',
        'nightly',
        'node-schedule',
        'node-schedule',
        'node-schedule',
        'second=5 tz=Etc/UTC',
      ],
    );
  });

  it('fails with what the library turns into events', async () => {
    const errors: unknown[] = [];
    const [thrown, rejected] = [new RangeError('x'), new TypeError('y')];
    start(EVERY_SECOND, () => {
      throw thrown;
    }).on('error', (error) => errors.push(error));
    start(EVERY_SECOND, async () => {
      await Promise.resolve();
      throw rejected;
    }).on('error', (error) => errors.push(error));
    await clock.pass(1000);
    assert.deepEqual(errors, [thrown, rejected]);
    assert.deepEqual(
      recorded.runs().map((run) => [run.status, run.errorType]),
      [
        ['failure', 'RangeError'],
        ['failure', 'TypeError'],
      ],
    );
  });

  it('tells a run by hand from one by the clock, and leaves its rejection to the application', async () => {
    const error = new RangeError('x');
    const job = start('byHand', { second: 59 }, async () => {
      throw error;
    });
    const request = trace.getTracer('app').startSpan('request');
    const result = context.with(trace.setSpan(context.active(), request), () => job.invoke());
    request.end();
    await assert.rejects(result as Promise<unknown>, error);
    const run = recorded.run();
    assert.deepEqual(
      [run.status, run.attributes['task.trigger'], run.attributes['task.scheduled_at'], run.span.parentSpanContext],
      ['failure', 'manual', undefined, undefined],
    );
    job.cancel();
  });

  it('goes away without a trace', async () => {
    const { invoke } = schedule.Job.prototype;
    start('seen', EVERY_SECOND, () => {});
    instrumentation.disable();
    assert.notEqual(schedule.Job.prototype['invoke'], invoke);
    await clock.pass(1000);
    await turn();
    assert.deepEqual(recorded.runs(), []);
    assert.deepEqual(recorded.warnings, []);
  });
});
