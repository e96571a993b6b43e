import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { context, trace } from '@opentelemetry/api';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { type RecordedRuns, recordRuns } from '../base/recorded-runs.test.support.ts';
import { currentTick, type TickFacts, whileOwning } from '../base/schedule-frame.ts';
import { CronerInstrumentation } from './croner.ts';
import { type MockedClock, mockClock, turn } from './mocked-clock.test.support.ts';

type CronerModule = typeof import('croner');
type Job = import('croner').Cron;

const EVERY_SECOND = '* * * * * *';

/** Newest, and the one before. */
const PLACES = ['croner', '../../../../node_modules/toad-scheduler/node_modules/croner'];

for (const place of PLACES) {
  describe(`croner of ${place}`, () => {
    let recorded: RecordedRuns;
    let clock: MockedClock;
    let instrumentation: CronerInstrumentation;
    let croner: CronerModule;
    const jobs: Job[] = [];

    beforeEach(() => {
      recorded = recordRuns();
      clock = mockClock();
      instrumentation = new CronerInstrumentation();
      croner = createRequire(import.meta.url)(place) as CronerModule;
    });

    afterEach(() => {
      for (const job of jobs.splice(0)) job.stop();
      instrumentation.disable();
      clock.stop();
      recorded.stop();
    });

    function start(pattern: string | Date, options: object, handler?: unknown): Job {
      const job = new croner.Cron(pattern, options, handler as never);
      jobs.push(job);
      return job;
    }

    const slots = (): number[] =>
      recorded.runs().map((run) => Number(run.attributes['task.scheduled_at']) * 1000 - clock.beginning);

    it('makes every tick a run, with its slot and its schedule', async () => {
      const seen: unknown[] = [];
      const own = { mine: true };
      const job = start('*/2 * * * * *', { context: own }, function report(self: unknown, given: unknown) {
        seen.push(self, given);
      });
      const { fn } = job as unknown as { fn: unknown };
      await clock.pass(2000);
      const run = recorded.run();
      const { 'task.library': library, 'task.trigger': trigger, 'task.schedule': schedule } = run.attributes;
      assert.deepEqual(
        [run.operation, run.status, library, trigger, schedule],
        ['report', 'success', 'croner', 'schedule', '*/2 * * * * *'],
      );
      assert.deepEqual(seen, [job, own]);
      assert.equal((job as unknown as { fn: unknown }).fn, fn);
      await clock.pass(4000);
      assert.deepEqual(slots(), [2000, 4000, 6000]);
      assert.deepEqual(recorded.missed(), []);
    });

    it('names runs by job, handler or pattern, never by a date', async () => {
      const anonymous = (): (() => void) => () => {};
      start('*/5 * * * * *', { name: 'nightly' }, function handler() {});
      start('*/5 * * * * *', {}, anonymous());
      start(new Date(clock.beginning + 5000), {}, anonymous());
      await clock.pass(6000);
      assert.deepEqual(
        recorded.runs().map((run) => run.operation),
        ['nightly', '*/5 * * * * *', 'croner'],
      );
      assert.equal(recorded.runs()[2]?.attributes['task.schedule'], new Date(clock.beginning + 5000).toISOString());
    });

    it('fails with what the library catches', async () => {
      const caught: unknown[] = [];
      const error = new RangeError('x');
      const handler = async (): Promise<void> => {
        await Promise.resolve();
        throw error;
      };
      start(EVERY_SECOND, { catch: (one: unknown) => caught.push(one) }, handler);
      await clock.pass(1000);
      assert.equal(caught[0], error);
      assert.deepEqual([recorded.run().status, recorded.run().errorType], ['failure', 'RangeError']);
    });

    it('leaves what the library does not catch to the process', async () => {
      const error = new RangeError('x');
      const heard: unknown[] = [];
      const before = process.listeners('unhandledRejection');
      process.removeAllListeners('unhandledRejection');
      process.once('unhandledRejection', (one) => heard.push(one));
      start(EVERY_SECOND, {}, async () => {
        throw error;
      });
      await clock.pass(1000);
      process.removeAllListeners('unhandledRejection');
      for (const listener of before) process.on('unhandledRejection', listener);
      assert.equal(heard[0], error);
      assert.equal(recorded.run().status, 'failure');
    });

    it('begins runs at the root, also by hand, in an application that has a request', async () => {
      const job = start(EVERY_SECOND, { paused: true, name: 'byHand' }, () => {});
      const request = trace.getTracer('app').startSpan('request');
      await context.with(trace.setSpan(context.active(), request), () => job.trigger());
      request.end();
      const run = recorded.run();
      assert.deepEqual(
        [run.attributes['task.trigger'], run.attributes['task.scheduled_at'], run.span.parentSpanContext],
        ['manual', undefined, undefined],
      );
    });

    it('counts what protection prevents, and gives the run after it its own slot', async () => {
      let release = (): void => {};
      const handler = (): Promise<void> =>
        new Promise((resolve) => {
          release = resolve;
        });
      start(EVERY_SECOND, { name: 'long', protect: true }, handler);
      await clock.pass(3500);
      assert.deepEqual(recorded.missed(), ['long overlap', 'long overlap']);
      release();
      await turn();
      await clock.pass(1000);
      release();
      await turn();
      assert.deepEqual(slots(), [1000, 4000]);
      assert.deepEqual(recorded.missed(), ['long overlap', 'long overlap']);
    });

    it('counts slots that vanish behind a blocked event loop, and behind a handler that blocks', async () => {
      start(EVERY_SECOND, { name: 'blocked' }, () => {
        if (recorded.runs().length === 3) clock.block(2500);
      });
      await clock.pass(1000);
      clock.block(3300);
      await clock.pass(6700);
      const ran = slots();
      assert.equal(ran.length + recorded.missed().length, Math.max(...ran) / 1000);
      assert.deepEqual([...new Set(recorded.missed())], ['blocked missed']);
      assert.deepEqual(new Set(ran).size, ran.length);
    });

    it('counts nothing of a pause', async () => {
      const job = start(EVERY_SECOND, { name: 'paused' }, () => {});
      await clock.pass(1000);
      job.pause();
      await clock.pass(3500);
      job.resume();
      await clock.pass(1500);
      assert.deepEqual(recorded.missed(), []);
      assert.deepEqual(
        slots().map((slot) => [1000, 5000, 6000].includes(slot)),
        slots().map(() => true),
      );
    });

    it('leaves a tick to the library above that made the job, and tells it what it missed', async () => {
      const ticks: (TickFacts | undefined)[] = [];
      const missed: string[] = [];
      const owner = { missed: (reason: string, slot?: Date | number) => missed.push(`${reason} ${Number(slot)}`) };
      whileOwning('croner', owner, () =>
        start(EVERY_SECOND, {}, () => {
          if (ticks.length === 0) ticks.push(currentTick());
        }),
      );
      await clock.pass(2000);
      assert.deepEqual(ticks, [{ trigger: 'schedule', scheduledAt: clock.beginning + 1000, schedule: EVERY_SECOND }]);
      assert.deepEqual(missed, [`overlap ${clock.beginning + 2000}`], 'a tick that led to no run');
      assert.deepEqual([recorded.runs(), recorded.missed()], [[], []]);
    });

    it('goes away without a trace', async () => {
      start(EVERY_SECOND, { name: 'seen' }, () => {});
      instrumentation.disable();
      await clock.pass(1000);
      assert.deepEqual(recorded.runs(), []);
      assert.deepEqual(recorded.warnings, []);
    });
  });
}
