import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { context, trace } from '@opentelemetry/api';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { type RecordedRuns, recordRuns } from '../base/recorded-runs.test.support.ts';
import { claimHandler, currentTick, type TickFacts } from '../base/schedule-frame.ts';
import { CronInstrumentation } from './cron.ts';
import { type MockedClock, mockClock, turn } from './mocked-clock.test.support.ts';

type CronModule = typeof import('cron');

const EVERY_SECOND = '* * * * * *';

describe('cron', () => {
  let recorded: RecordedRuns;
  let clock: MockedClock;
  let instrumentation: CronInstrumentation;
  let cron: CronModule;
  const jobs: { stop(): unknown }[] = [];

  beforeEach(() => {
    recorded = recordRuns();
    clock = mockClock();
    instrumentation = new CronInstrumentation();
    cron = createRequire(import.meta.url)('cron') as CronModule;
  });

  afterEach(() => {
    for (const job of jobs.splice(0)) job.stop();
    instrumentation.disable();
    clock.stop();
    recorded.stop();
  });

  function start(params: Record<string, unknown>): import('cron').CronJob {
    const job = cron.CronJob.from({ cronTime: EVERY_SECOND, onTick: () => {}, start: true, ...params } as never);
    jobs.push(job);
    return job;
  }

  const operations = (): string[] => recorded.runs().map((run) => `${run.operation} ${run.status}`);

  it('makes every tick a run, with its slot and its schedule', async () => {
    start({ onTick: async function report() {}, cronTime: '*/2 * * * * *' });
    await clock.pass(2000);
    const run = recorded.run();
    const { 'task.library': library, 'task.trigger': trigger, 'task.schedule': schedule } = run.attributes;
    assert.deepEqual(
      [run.operation, run.status, library, trigger, schedule, run.attributes['task.scheduled_at']],
      ['report', 'success', 'cron', 'schedule', '*/2 * * * * *', (clock.beginning + 2000) / 1000],
    );
    await clock.pass(4000);
    assert.deepEqual(
      recorded.runs().map((one) => Number(one.attributes['task.scheduled_at']) * 1000 - clock.beginning),
      [2000, 4000, 6000],
    );
    assert.deepEqual(recorded.missed(), []);
  });

  it('names runs by job, handler, program or pattern, never by what is not bounded', async () => {
    const everyFive = '*/5 * * * * *';
    start({ name: 'nightly', onTick: function handler() {}, cronTime: everyFive });
    start({ name: 'c0ffee00-1111-2222', onTick: function handler() {}, cronTime: everyFive });
    start({ onTick() {}, cronTime: everyFive });
    start({ onTick: (() => () => {})(), cronTime: new Date(clock.beginning + 5000) });
    await clock.pass(5000);
    assert.deepEqual(
      recorded.runs().map((run) => [run.operation, run.attributes['task.schedule']]),
      [
        ['nightly', everyFive],
        ['handler', everyFive],
        [everyFive, everyFive],
        ['cron', new Date(clock.beginning + 5000).toISOString()],
      ],
    );
    assert.deepEqual(
      recorded.runs().map((run) => run.attributes['task.trigger']),
      ['schedule', 'schedule', 'schedule', 'schedule'],
    );
  });

  it('calls a handler as ever: this, arguments, the error that it throws', async () => {
    const seen: unknown[] = [];
    const errors: unknown[] = [];
    const error = new RangeError('x');
    const own = { mine: true };
    const job = start({
      context: own,
      onComplete: () => {},
      onTick(this: unknown, complete: unknown) {
        seen.push(this, typeof complete);
        throw error;
      },
      errorHandler: (one: unknown) => errors.push(one),
    });
    const before = [...(job as unknown as { _callbacks: unknown[] })._callbacks];
    await clock.pass(1000);
    assert.deepEqual(seen, [own, 'function']);
    assert.equal(errors[0], error);
    assert.deepEqual([recorded.run().status, recorded.run().errorType], ['failure', 'RangeError']);
    assert.deepEqual((job as unknown as { _callbacks: unknown[] })._callbacks, before);
  });

  it('hears of rejections that the library reports', async () => {
    const errors: unknown[] = [];
    const error = new TypeError('later');
    start({
      onTick: async () => {
        await Promise.resolve();
        throw error;
      },
      errorHandler: (one: unknown) => errors.push(one),
    });
    await clock.pass(1000);
    assert.equal(errors[0], error);
    assert.deepEqual([recorded.run().status, recorded.run().errorType], ['failure', 'TypeError']);
  });

  it('begins runs at the root, and lets what they do be inside of them', async () => {
    let inside: string | undefined;
    const request = trace.getTracer('app').startSpan('request');
    context.with(trace.setSpan(context.active(), request), () => {
      start({
        onTick: () => {
          inside = trace.getActiveSpan()?.spanContext().spanId;
        },
      });
    });
    request.end();
    await clock.pass(1000);
    const { span } = recorded.run();
    assert.equal(inside, span.spanContext().spanId);
    assert.deepEqual([span.parentSpanContext, span.links.length], [undefined, 0]);
  });

  it('counts an overlap that waitForCompletion prevents', async () => {
    let release = (): void => {};
    start({
      name: 'long',
      waitForCompletion: true,
      onTick: () =>
        new Promise<void>((resolve) => {
          release = resolve;
        }),
    });
    await clock.pass(3000);
    assert.deepEqual(recorded.missed(), ['long overlap', 'long overlap']);
    release();
    await turn();
    assert.deepEqual(operations(), ['long success']);
  });

  it('counts slots that a blocked event loop passed over, once each', async () => {
    start({ name: 'blocked' });
    await clock.pass(1000);
    clock.block(3500);
    await clock.pass(1500);
    const slots = recorded.runs().map((run) => Number(run.attributes['task.scheduled_at']) * 1000 - clock.beginning);
    assert.equal(slots.length + recorded.missed().length, Math.max(...slots) / 1000);
    assert.deepEqual([...new Set(recorded.missed())], ['blocked missed']);
    assert.ok(slots.includes(2000), 'the late run has the slot that it was due at');
  });

  it('tells a tick by hand from one by the clock', async () => {
    const job = start({ start: false, runOnInit: true, name: 'byHand' });
    await job.fireOnTick();
    assert.deepEqual(
      recorded.runs().map((run) => [run.attributes['task.trigger'], run.attributes['task.scheduled_at']]),
      [
        ['manual', undefined],
        ['manual', undefined],
      ],
    );
  });

  it('forgets the slot of a job that was stopped', async () => {
    const job = start({ cronTime: '*/10 * * * * *', name: 'again' });
    await clock.pass(1000);
    job.stop();
    await clock.pass(20_000);
    job.start();
    await clock.pass(9000);
    assert.equal(Number(recorded.run().attributes['task.scheduled_at']) * 1000 - clock.beginning, 30_000);
    assert.deepEqual(recorded.missed(), []);
  });

  it('sees every callback, and from its next tick on those that are added by one', async () => {
    const calls: string[] = [];
    const job = start({
      name: 'first',
      onTick: () => {
        if (calls.length === 0) job.addCallback(() => void calls.push('added'));
        calls.push('first');
      },
    });
    await clock.pass(2000);
    assert.deepEqual(operations(), ['first success', 'first success', 'first success']);
    assert.deepEqual(
      calls,
      ['first', 'added', 'first', 'added'],
      'as without us, it is called in the tick that adds it',
    );
  });

  describe('of commands', () => {
    // Processes are real, and so is their time.
    beforeEach(() => clock.stop());

    async function run(onTick: unknown): Promise<import('node:child_process').ChildProcess | undefined> {
      const job = start({ start: false, onTick });
      const made = (job as unknown as { _callbacks: (() => unknown)[] })._callbacks;
      let child: import('node:child_process').ChildProcess | undefined;
      const [spawn] = made;
      made[0] = () => {
        child = spawn?.() as typeof child;
        return child;
      };
      Object.defineProperty(made[0], 'name', { value: 'bound spawn' });
      await job.fireOnTick();
      return child;
    }

    const ended = async (): Promise<void> => {
      while (recorded.runs().length === 0) await turn();
    };

    it('ends at their exit, by their code', async () => {
      start({ start: false, onTick: `${process.execPath} -e 0` }).fireOnTick();
      await ended();
      const [first] = recorded.runs();
      assert.deepEqual(
        [first?.operation, first?.status, first?.attributes['process.exit.code']],
        ['node', 'success', 0],
      );
    });

    it('fails with another code than zero, with a signal, and without a program', async () => {
      start({ start: false, onTick: { command: process.execPath, args: ['-e', 'process.exit(3)'] } }).fireOnTick();
      await ended();
      const [first] = recorded.runs();
      assert.deepEqual(
        [first?.status, first?.errorType, first?.attributes['process.exit.code']],
        ['failure', 'exit_code', 3],
      );
      const child = await run({ command: process.execPath, args: ['-e', 'setInterval(() => {}, 1000)'] });
      assert.deepEqual([child?.listenerCount('exit'), child?.listenerCount('error')], [0, 0]);
      child?.kill('SIGKILL');
      while (recorded.runs().length < 2) await turn();
      assert.equal(recorded.runs()[1]?.errorType, 'SIGKILL');
      const missing = await run({ command: '/nowhere/at-all' });
      missing?.on('error', () => {});
      while (recorded.runs().length < 3) await turn();
      assert.equal(recorded.runs()[2]?.errorType, 'ENOENT');
    });
  });

  it('leaves a tick to the library above whose handler it is, and tells it what it missed', async () => {
    const ticks: (TickFacts | undefined)[] = [];
    const missed: string[] = [];
    const handler = (): Promise<void> => {
      ticks.push(currentTick());
      return new Promise(() => {});
    };
    claimHandler(handler, { missed: (reason, slot) => missed.push(`${reason} ${Number(slot) - clock.beginning}`) });
    start({ onTick: handler, waitForCompletion: true });
    await clock.pass(2000);
    assert.deepEqual(ticks, [{ trigger: 'schedule', scheduledAt: clock.beginning + 1000, schedule: EVERY_SECOND }]);
    assert.deepEqual(missed, ['overlap 2000']);
    assert.deepEqual([recorded.runs(), recorded.missed()], [[], []]);
  });

  it('asks the application for names, also of what did not happen', async () => {
    instrumentation.setConfig({ operation: (job) => `mine.${(job as { name?: string }).name}` });
    start({ name: 'a', waitForCompletion: true, onTick: () => new Promise(() => {}) });
    await clock.pass(2000);
    assert.deepEqual(recorded.missed(), ['mine.a overlap']);
  });

  it('goes away without a trace', async () => {
    const { fireOnTick } = cron.CronJob.prototype;
    start({ name: 'seen' });
    instrumentation.disable();
    assert.notEqual(cron.CronJob.prototype.fireOnTick, fireOnTick);
    await clock.pass(1000);
    assert.deepEqual(operations(), []);
    instrumentation.enable();
    await clock.pass(1000);
    assert.deepEqual(operations(), ['seen success']);
    assert.deepEqual(recorded.warnings, []);
  });
});
