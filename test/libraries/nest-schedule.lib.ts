import assert from 'node:assert/strict';
import { lanesOf, mainsOf } from './lanes.ts';
import { runScenario } from './scenario.ts';
import { slotOf, toldOf } from './schedule-runs.ts';

/** The decorators are called by hand: there is no compiler here. */
const APP = `
const { CronJob } = cron;
const { Cron, Interval, Timeout, ScheduleModule, SchedulerRegistry } = nest;
let left = 5;
const over = () => { left -= 1; };
class Reports {
  async nightly() { this.done ??= over(); await new Promise((resolve) => setTimeout(resolve, 10)); console.log('in report'); }
  broken() { if (!this.failed) { this.failed = true; over(); } throw new RangeError('swallowed'); }
  poll() { if (!this.polled) { this.polled = true; over(); } }
  warm() { over(); }
}
const decorate = (decorator, method) => decorator(Reports.prototype, method, Object.getOwnPropertyDescriptor(Reports.prototype, method));
decorate(Cron('* * * * * *'), 'nightly');
decorate(Cron('* * * * * *', { name: 'failing' }), 'broken');
decorate(Interval(200), 'poll');
decorate(Timeout('warm-up', 100), 'warm');
Injectable()(Reports);
class App {}
Module({ imports: [ScheduleModule.forRoot()], providers: [Reports] })(App);
const app = await NestFactory.createApplicationContext(App, { logger: false });
const registry = app.get(SchedulerRegistry);
let ticked = false;
const job = new CronJob('* * * * * *', () => { if (!ticked) { ticked = true; over(); } });
registry.addCronJob('dynamic', job);
job.start();
while (left > 0) await new Promise((resolve) => setTimeout(resolve, 20));
await app.close();
await new Promise((resolve) => setTimeout(resolve, 100));
console.log([...registry.getCronJobs().keys()].length);
`;

const FILES = {
  'app.mjs': `import 'reflect-metadata';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import * as nest from '@nestjs/schedule';
import { createRequire } from 'node:module';
const require = createRequire(import.meta.url);
const cron = createRequire(require.resolve('@nestjs/schedule'))('cron');
${APP}`,
  'app.cjs': `require('reflect-metadata');
const { Injectable, Module } = require('@nestjs/common');
const { NestFactory } = require('@nestjs/core');
const nest = require('@nestjs/schedule');
const { createRequire } = require('node:module');
const cron = createRequire(require.resolve('@nestjs/schedule'))('cron');
(async () => {
${APP}
})();`,
};

describe('@nestjs/schedule', () => {
  for (const { lane, title } of lanesOf('@nestjs/schedule')) {
    describe(title, () => {
      for (const main of mainsOf(lane)) {
        // How often a second ticks is up to the clock: that output is alike is proved by the example.
        it(`${main}: one run of every method that a clock calls`, async () => {
          const { runs } = await runScenario({ lane, files: FILES, main, env: { TASKSPAN_CONSOLE: 'on' } });
          assert.deepEqual([...new Set(runs.map(toldOf))].sort(), [
            'cron schedule INTERNAL dynamic success',
            'nest-schedule schedule INTERNAL Reports.nightly success',
            'nest-schedule schedule INTERNAL Reports.poll success',
            'nest-schedule schedule INTERNAL failing failure RangeError',
            'nest-schedule schedule INTERNAL warm-up success',
          ]);
          const nightly = runs.filter(({ operation }) => operation === 'Reports.nightly');
          assert.equal(nightly[0]?.logLines[0]?.body, 'in report');
          assert.equal(nightly[0]?.attributes['task.schedule'], '* * * * * *');
          const slots = runs.filter(({ operation }) => /nightly|failing|dynamic/.test(operation)).map(slotOf);
          assert.equal(slots.includes(undefined), false);
          // One for each method and slot, not another one of cron.
          assert.equal(new Set(nightly.map(slotOf)).size, nightly.length);
        });
      }
    });
  }
});
