import assert from 'node:assert/strict';
import { lanesOf, mainsOf } from './lanes.ts';
import { runAlike, runScenario, type Scenario } from './scenario.ts';
import { assertEverySecond, BLOCK, bothSystems, slotOf, toldOf } from './schedule-runs.ts';

/** Version 4 has a logger of its own; the versions before print an error, or nothing. */
const SHARED = `
const logger = { info() {}, warn() {}, debug() {}, error() {} };
console.error = () => {};
// Up to version 3 a task that is stopped by itself goes on.
const stop = (task) => new Promise((resolve) => setTimeout(async () => { await task.stop(); resolve(); }, 0));
`;

/** Each task until it has run once; version 2.0 itself cannot go on after a failure. */
const ENDINGS = `
const once = (handler, options) => new Promise((resolve) => {
  let hasRun = false;
  const task = lib.schedule('* * * * * *', handler(() => { if (!hasRun) resolve(stop(task)); return hasRun !== (hasRun = true); }), { ...options, logger });
});
const all = [once((first) => async function report() {
  if (!first()) return;
  await new Promise((resolve) => setTimeout(resolve, 10));
  console.log('in report');
})];
if (process.env.FAILING) {
  all.push(once((first) => function broken() { first(); throw new RangeError('thrown'); }));
  all.push(once((first) => async () => { first(); throw new TypeError('rejected'); }, { name: 'nightly' }));
}
await Promise.all(all);
await new Promise((resolve) => setTimeout(resolve, 100));
`;

const BLOCKED = `${BLOCK}
let runs = 0;
const task = lib.schedule('* * * * * *', function blocked() {
  runs += 1;
  if (runs === 1) block(2300);
  if (runs === 3) stop(task);
}, { logger });
`;

const BY_HAND = `
const task = lib.schedule('0 0 1 1 *', async function byHand() {}, {});
await (task.execute ? task.execute() : task.now());
await task.stop();
`;

/** Files in processes of their own. */
const BACKGROUND = `
const task = lib.schedule('0 0 1 1 *', './tasks/background.cjs', { name: 'background' });
await task.start();
console.log(await task.execute());
await new Promise((resolve) => setTimeout(resolve, 100));
process.exit(0);
`;
const TASK = `exports.task = () => 7;`;

/** Version 3 looks for the file from the working directory. */
const BACKGROUND_3 = `
const task = lib.schedule('* * * * * *', './tasks/background.cjs', { scheduled: true });
task.on('task-done', () => { console.log('done'); task.stop(); });
`;

describe('node-cron', () => {
  for (const { lane, title, version } of lanesOf('node-cron')) {
    const major = Number(version.split('.')[0]);
    describe(title, () => {
      for (const main of mainsOf(lane)) {
        const scenario = (body: string, env: Record<string, string> = {}): Scenario => ({
          lane,
          files: { ...bothSystems('node-cron', SHARED + body), 'tasks/background.cjs': TASK },
          main,
          env: { TASKSPAN_CONSOLE: 'on', ...env },
        });

        it(`${main}: every ending has its status`, async () => {
          const { runs } = await runAlike(scenario(ENDINGS, major > 2 ? { FAILING: 'yes' } : {}));
          const failures = [
            'node-cron schedule INTERNAL broken failure RangeError',
            'node-cron schedule INTERNAL nightly failure TypeError',
          ];
          assert.deepEqual([...new Set(runs.map(toldOf))].sort(), [
            ...(major > 2 ? failures : []),
            'node-cron schedule INTERNAL report success',
          ]);
          const report = runs.find(({ operation }) => operation === 'report');
          assert.equal(report?.logLines[0]?.body, 'in report');
          assert.equal(runs.map(slotOf).every(Number.isInteger), true);
        });

        it(`${main}: missed slots are counted`, async () => {
          const { runs, missed } = await runScenario({ ...scenario(BLOCKED), metrics: true });
          // Version 2 tells nobody, and there is nobody to be asked.
          if (major > 2) assertEverySecond(runs, missed['blocked missed'] ?? 0);
        });

        if (major > 2) {
          it(`${main}: a run by hand is none of the clock's`, async () => {
            const { runs } = await runAlike(scenario(BY_HAND));
            assert.deepEqual(runs.map(toldOf), ['node-cron manual INTERNAL byHand success']);
          });
        }

        if (major === 3) {
          it(`${main}: a file is found as ever`, async () => {
            assert.equal((await runAlike(scenario(BACKGROUND_3))).stdout, 'done\n');
          });
        }

        if (major === 4) {
          it(`${main}: a file is found as ever, and what it does is a run`, async () => {
            const { runs, stdout } = await runAlike(scenario(BACKGROUND));
            assert.equal(stdout, '7\n');
            assert.deepEqual(runs.map(toldOf), ['node-cron manual INTERNAL background success']);
          });
        }
      }
    });
  }
});
