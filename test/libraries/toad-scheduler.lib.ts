import assert from 'node:assert/strict';
import { lanesOf, mainsOf } from './lanes.ts';
import { runAlike, runScenario } from './scenario.ts';
import { bothSystems, slotOf, toldOf } from './schedule-runs.ts';

const ENDINGS = `
const { AsyncTask, CronJob, SimpleIntervalJob, Task, ToadScheduler } = lib;
const scheduler = new ToadScheduler();
const heard = [];
process.on('unhandledRejection', (error) => heard.push(error.message));
const every = { milliseconds: 300 };
let left = 4;
const once = (Job, schedule, task) => {
  const job = new Job(schedule, task, { id: task.id });
  const { handler } = task;
  task.handler = function once(...args) { job.stop(); left -= 1; return handler.apply(this, args); };
  Object.defineProperty(task.handler, 'name', { value: handler.name });
  Job === CronJob ? scheduler.addCronJob(job) : scheduler.addSimpleIntervalJob(job);
};
const hear = (error) => heard.push('handled ' + error.message);
once(CronJob, { cronExpression: '* * * * * *' }, new AsyncTask('nightly', async () => { await new Promise((resolve) => setTimeout(resolve, 10)); console.log('in report'); }));
once(SimpleIntervalJob, every, new Task('broken', () => { throw new RangeError('thrown'); }, hear));
once(SimpleIntervalJob, every, new AsyncTask('rejected', async () => { throw new TypeError('rejected'); }, hear));
once(SimpleIntervalJob, every, new Task('unheard', async () => { throw new TypeError('unheard'); }, hear));
while (left > 0) await new Promise((resolve) => setTimeout(resolve, 50));
await new Promise((resolve) => setTimeout(resolve, 100));
console.log(heard.sort().join(', '));
scheduler.stop();
`;

const OVERRUN = `
const { AsyncTask, SimpleIntervalJob, ToadScheduler } = lib;
const scheduler = new ToadScheduler();
let runs = 0;
const task = new AsyncTask('long', async () => {
  if ((runs += 1) === 2) return scheduler.stop();
  await new Promise((resolve) => setTimeout(resolve, 1100));
});
scheduler.addSimpleIntervalJob(new SimpleIntervalJob({ milliseconds: 300 }, task, { preventOverrun: true }));
`;

describe('toad-scheduler', () => {
  for (const { lane, title, version } of lanesOf('toad-scheduler')) {
    describe(title, () => {
      for (const main of mainsOf(lane)) {
        const run = (body: string) =>
          runAlike({
            lane,
            files: bothSystems('toad-scheduler', body),
            main,
            metrics: true,
            env: { TASKSPAN_CONSOLE: 'on' },
          });

        it(`${main}: every ending has its status, and every tick one run`, async () => {
          const { runs, stdout } = await run(ENDINGS);
          assert.deepEqual(runs.map(toldOf).sort(), [
            'toad-scheduler schedule INTERNAL broken failure RangeError',
            'toad-scheduler schedule INTERNAL nightly success',
            'toad-scheduler schedule INTERNAL rejected failure TypeError',
            'toad-scheduler schedule INTERNAL unheard failure TypeError',
          ]);
          assert.match(stdout, /handled rejected, handled thrown, unheard/);
          const nightly = runs.find(({ operation }) => operation === 'nightly');
          assert.equal(nightly?.logLines[0]?.body, 'in report');
          assert.deepEqual([nightly?.attributes['task.job.id']], ['nightly']);
          assert.equal(nightly !== undefined && slotOf(nightly) !== undefined, true, version);
        });
      }

      it('intervals that the prevention of overruns skips are counted', async () => {
        const files = bothSystems('toad-scheduler', OVERRUN);
        const { runs, missed } = await runScenario({ lane, files, main: 'app.cjs', metrics: true });
        assert.equal(runs.length, 2);
        // On a machine that is late the clock itself passes over some of them.
        const { 'long overlap': overlaps = 0, 'long missed': late = 0, ...others } = missed;
        assert.deepEqual(others, {});
        assert.ok(overlaps > 0 && overlaps + late >= 3, JSON.stringify(missed));
      });
    });
  }
});
