import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { type RecordedRuns, recordRuns } from '../base/recorded-runs.test.support.ts';
import { CronInstrumentation } from './cron.ts';
import { type MockedClock, mockClock } from './mocked-clock.test.support.ts';
import { NestScheduleInstrumentation } from './nest-schedule.ts';

const EVERY_SECOND = '* * * * * *';

/** The library's explorer and registry, as far as they are hooked; `swallowed` is what its logger gets. */
const EXPLORER = `
exports.ScheduleExplorer = class {
  constructor(metadata) {
    this.swallowed = [];
    const of = (kind) => (method) => metadata.get(method)?.[kind];
    this.metadataAccessor = {
      getCronMetadata: of('cron'), getIntervalMetadata: of('interval'),
      getTimeoutMetadata: of('timeout'), getSchedulerName: of('name'),
    };
  }
  wrapFunctionInTryCatchBlocks(methodRef, instance) {
    return async (...args) => {
      try { await methodRef.call(instance, ...args); } catch (error) { this.swallowed.push(error); }
    };
  }
};
`;
const REGISTRY = `exports.SchedulerRegistry = class {
  addCronJob(name, job) {
    const { fireOnTick } = job;
    job.fireOnTick = async (...args) => { await fireOnTick.call(job, ...args); };
  }
};`;

type Method = (...args: never[]) => unknown;

interface Nest {
  readonly ScheduleExplorer: new (
    metadata: Map<Method, object>,
  ) => { readonly swallowed: unknown[]; wrapFunctionInTryCatchBlocks(method: Method, instance: object): () => void };
  readonly SchedulerRegistry: new () => { addCronJob(name: string, job: object): void };
}

class Reports {
  readonly made: unknown[] = [];
  async nightly(): Promise<void> {
    this.made.push('nightly');
    await Promise.resolve();
    throw new RangeError('x');
  }
  poll(): void {
    this.made.push('poll');
  }
}

for (const version of ['12.0.2', '5.0.1']) {
  describe(`@nestjs/schedule ${version}`, () => {
    let recorded: RecordedRuns;
    let clock: MockedClock;
    let instrumentations: (CronInstrumentation | NestScheduleInstrumentation)[];
    let folder: string;
    let nest: Nest;
    let cron: typeof import('cron');
    const jobs: { stop(): unknown }[] = [];

    beforeEach(() => {
      recorded = recordRuns();
      clock = mockClock();
      instrumentations = [new CronInstrumentation(), new NestScheduleInstrumentation()];
      folder = realpathSync(mkdtempSync(join(tmpdir(), 'taskspan-nest-')));
      const target = join(folder, 'node_modules', '@nestjs', 'schedule');
      mkdirSync(join(target, 'dist'), { recursive: true });
      const entry = version.startsWith('12')
        ? `exports.ScheduleExplorer = require('./schedule.explorer.js').ScheduleExplorer;`
        : '';
      writeFileSync(
        join(target, 'package.json'),
        JSON.stringify({ name: '@nestjs/schedule', version, main: 'dist/index.js' }),
      );
      writeFileSync(join(target, 'dist', 'index.js'), `${REGISTRY}\n${entry}`);
      writeFileSync(join(target, 'dist', 'schedule.explorer.js'), EXPLORER);
      const load = createRequire(join(folder, 'app.cjs')) as (id: string) => Nest;
      const { ScheduleExplorer } = load('@nestjs/schedule/dist/schedule.explorer.js');
      nest = { ...load('@nestjs/schedule'), ScheduleExplorer };
      cron = createRequire(import.meta.url)('cron') as typeof import('cron');
    });

    afterEach(() => {
      for (const job of jobs.splice(0)) job.stop();
      for (const one of instrumentations) one.disable();
      clock.stop();
      recorded.stop();
      rmSync(folder, { recursive: true, force: true });
    });

    function schedule(onTick: () => unknown, options: object = {}): import('cron').CronJob {
      const job = cron.CronJob.from({ cronTime: EVERY_SECOND, onTick, start: true, ...options } as never);
      jobs.push(job);
      return job;
    }

    function explored(method: Method, metadata: object, instance: object = new Reports()) {
      const explorer = new nest.ScheduleExplorer(new Map([[method, metadata]]));
      return { explorer, instance, target: explorer.wrapFunctionInTryCatchBlocks(method, instance) };
    }

    it('makes one run of a method that cron calls, which fails although its error is swallowed', async () => {
      const { nightly } = Reports.prototype;
      const { explorer, instance, target } = explored(nightly, { cron: { cronTime: EVERY_SECOND } });
      const job = schedule(target);
      new nest.SchedulerRegistry().addCronJob('a2b4c6d8-0000-4000-8000-000000000000', job);
      await clock.pass(1000);
      const run = recorded.run();
      assert.deepEqual(
        [run.operation, run.status, run.errorType, run.attributes['task.library'], run.attributes['task.trigger']],
        ['Reports.nightly', 'failure', 'RangeError', 'nest-schedule', 'schedule'],
      );
      assert.deepEqual(
        [run.attributes['task.schedule'], run.attributes['task.scheduled_at']],
        [EVERY_SECOND, clock.beginning / 1000 + 1],
      );
      assert.ok(explorer.swallowed[0] instanceof RangeError);
      assert.deepEqual((instance as Reports).made, ['nightly']);
      job.fireOnTick();
      await clock.pass(100);
      assert.equal(recorded.runs()[1]?.attributes['task.trigger'], 'manual');
      assert.deepEqual(recorded.warnings, []);
    });

    it('knows intervals and timeouts, by their names where they have some', () => {
      const { poll } = Reports.prototype;
      explored(poll, { interval: { timeout: 500 } }).target();
      explored(poll, { timeout: { timeout: 70 }, name: 'warm-up' }).target();
      explored(poll, { cron: { cronTime: EVERY_SECOND, name: 'named' } }).target();
      explored(poll, {}).target();
      assert.deepEqual(
        recorded.runs().map((run) => [run.operation, run.attributes['task.schedule']]),
        [
          ['Reports.poll', 'every 500 ms'],
          ['warm-up', 'after 70 ms'],
          ['named', EVERY_SECOND],
          ['Reports.poll', undefined],
        ],
      );
    });

    it('counts what its jobs miss under the names of their runs', async () => {
      const wait = (): Promise<void> => new Promise(() => {});
      const { target } = explored(wait, { cron: { cronTime: EVERY_SECOND, name: 'long' } });
      schedule(target, { waitForCompletion: true });
      await clock.pass(3000);
      assert.deepEqual(recorded.missed(), ['long overlap', 'long overlap']);
    });

    it('calls jobs that the application registers itself by their names there', async () => {
      const job = schedule(() => {});
      new nest.SchedulerRegistry().addCronJob('dynamic', job);
      await clock.pass(1000);
      assert.deepEqual(
        recorded.runs().map((run) => [run.operation, run.attributes['task.library']]),
        [['dynamic', 'cron']],
      );
    });

    it('captures the methods alone where cron is not captured', async () => {
      instrumentations[0]?.disable();
      const { target } = explored(Reports.prototype.poll, { cron: { cronTime: EVERY_SECOND } });
      schedule(target);
      await clock.pass(1000);
      assert.deepEqual(
        recorded.runs().map((run) => [run.operation, run.attributes['task.scheduled_at']]),
        [['Reports.poll', undefined]],
      );
    });

    it('goes away without a trace', () => {
      const { target } = explored(Reports.prototype.poll, {});
      for (const one of instrumentations) one.disable();
      target();
      assert.deepEqual(recorded.runs(), []);
    });
  });
}
