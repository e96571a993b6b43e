import assert from 'node:assert/strict';
import { lanesOf, mainsOf } from './lanes.ts';
import { runAlike, runScenario, type Scenario } from './scenario.ts';
import { assertEverySecond, BLOCK, bothSystems, slotOf, toldOf } from './schedule-runs.ts';

/** Every way in which a callback ends. What the library does not catch reaches the process. */
const ENDINGS = `
const { CronJob } = lib;
// On a busy machine the library runs a job twice, and says so.
console.warn = () => {};
let said = false;
let left = 4;
const heard = [];
const over = () => { if ((left -= 1) === 0) setTimeout(() => { console.log(heard.sort().join('\\n')); process.exitCode = 0; }, 300); };
process.on('uncaughtException', (error) => heard.push(error.message));
process.on('unhandledRejection', (error) => heard.push(error.message));
const job = (onTick) => {
  const made = new CronJob('* * * * * *', function (...args) { made.stop(); if (!made.isDone) over(); made.isDone = true; return onTick.apply(this, args); }, null, false, undefined, undefined, undefined, undefined, undefined, undefined, (error) => heard.push(error.message), onTick.name);
  Object.defineProperty(made._callbacks[0], 'name', { value: onTick.name });
  made.start();
};
job(async function report() { await new Promise((resolve) => setTimeout(resolve, 10)); if (!said) console.log('in report'); said = true; });
job(function broken() { throw new RangeError('thrown'); });
job(async function rejected() { throw new TypeError('rejected'); });
const command = new CronJob('* * * * * *', process.execPath + ' -e process.exit(3)');
command.addCallback(function stopCommand() { command.stop(); if (!command.isDone) over(); command.isDone = true; });
command.start();
`;

/** A handler that blocks, and one that is stopped by hand. */
const BLOCKED = `${BLOCK}
let runs = 0;
const job = new lib.CronJob('* * * * * *', function blocked() {
  runs += 1;
  if (runs === 1) block(2300);
  if (runs === 3) job.stop();
});
job.start();
`;

const OVERLAPPING = `
let runs = 0;
const job = lib.CronJob.from({ cronTime: '* * * * * *', name: 'overlapping', waitForCompletion: true, start: true, onTick: async () => {
  await new Promise((resolve) => setTimeout(resolve, 2500));
  if ((runs += 1) === 1) job.stop();
} });
`;

describe('cron', () => {
  for (const { lane, title, version } of lanesOf('cron')) {
    describe(title, () => {
      for (const main of mainsOf(lane)) {
        const scenario = (body: string): Scenario => ({
          lane,
          files: bothSystems('cron', body),
          main,
          env: { TASKSPAN_CONSOLE: 'on' },
        });

        it(`${main}: every ending has its status`, async () => {
          const { runs, stdout } = await runAlike(scenario(ENDINGS));
          assert.deepEqual(
            [...new Set(runs.map(toldOf))].sort(),
            [
              'cron schedule INTERNAL broken failure RangeError',
              `cron schedule INTERNAL ${version.startsWith('1') ? '* * * * * *' : 'node'} failure exit_code`,
              'cron schedule INTERNAL rejected failure TypeError',
              'cron schedule INTERNAL report success',
              'cron schedule INTERNAL stopCommand success',
            ].sort(),
          );
          assert.match(stdout, /rejected\nthrown/);
          const report = runs.find(({ operation }) => operation === 'report');
          assert.equal(report?.logLines[0]?.body, 'in report');
          assert.equal(
            runs.every((one) => slotOf(one) !== undefined),
            true,
          );
        });

        it(`${main}: slots that a blocked event loop passes over are counted`, async () => {
          const { runs, missed } = await runScenario({ ...scenario(BLOCKED), metrics: true });
          assert.deepEqual(new Set(runs.map(toldOf)), new Set(['cron schedule INTERNAL blocked success']));
          assertEverySecond(runs, missed['blocked missed'] ?? 0);
        });
      }

      if (version.startsWith('4') || version.startsWith('3.5')) {
        it('overlaps that are prevented are counted', async () => {
          const files = bothSystems('cron', OVERLAPPING);
          const { runs, missed } = await runScenario({ lane, files, main: 'app.mjs', metrics: true });
          assert.deepEqual(runs.map(toldOf), [
            `cron schedule INTERNAL ${version.startsWith('4') ? 'overlapping' : '* * * * * *'} success`,
          ]);
          assert.equal(Object.values(missed).reduce((sum, one) => sum + one, 0) >= 2, true);
        });
      }
    });
  }
});
