import assert from 'node:assert/strict';
import { lanesOf, mainsOf } from './lanes.ts';
import { runAlike, runScenario } from './scenario.ts';
import { assertEverySecond, BLOCK, bothSystems, slotOf, toldOf } from './schedule-runs.ts';

const ENDINGS = `
const heard = [];
const all = [];
const once = (name, handler) => {
  const given = typeof name === 'string' ? [name] : [];
  const job = lib.scheduleJob(...given, '* * * * * *', handler);
  job.on('error', (error) => heard.push(error.message));
  job.on('run', () => job.cancel());
  all.push(job);
};
once('nightly', async () => { await new Promise((resolve) => setTimeout(resolve, 10)); console.log('in report'); });
once(undefined, function broken() { all[1].cancel(); throw new RangeError('thrown'); });
once(undefined, async function rejected() { throw new TypeError('rejected'); });
const soon = lib.scheduleJob(new Date(Date.now() + 50), () => {});
const manual = new lib.Job(function byHand() { return 7; });
console.log(manual.invoke());
await new Promise((resolve) => setTimeout(resolve, 1500));
console.log(heard.sort().join(', '));
`;

const BLOCKED = `${BLOCK}
let runs = 0;
const job = lib.scheduleJob({ rule: '* * * * * *' }, function blocked() {
  runs += 1;
  if (runs === 1) block(2300);
  if (runs === 3) job.cancel();
});
`;

describe('node-schedule', () => {
  for (const { lane, title } of lanesOf('node-schedule')) {
    describe(title, () => {
      for (const main of mainsOf(lane)) {
        const files = (body: string) => bothSystems('node-schedule', body);
        const env = { TASKSPAN_CONSOLE: 'on' };

        it(`${main}: every ending has its status`, async () => {
          const { runs, stdout } = await runAlike({ lane, files: files(ENDINGS), main, env });
          assert.deepEqual(runs.map(toldOf).sort(), [
            'node-schedule manual INTERNAL byHand success',
            'node-schedule schedule INTERNAL broken failure RangeError',
            'node-schedule schedule INTERNAL nightly success',
            'node-schedule schedule INTERNAL node-schedule success',
            'node-schedule schedule INTERNAL rejected failure TypeError',
          ]);
          assert.match(stdout, /rejected, thrown/);
          const nightly = runs.find(({ operation }) => operation === 'nightly');
          assert.equal(nightly?.logLines[0]?.body, 'in report');
          assert.deepEqual(
            runs.filter((one) => slotOf(one) === undefined).map(({ operation }) => operation),
            ['byHand'],
          );
        });

        it(`${main}: what comes late has its slot, and nothing is missed`, async () => {
          const { runs, missed } = await runScenario({ lane, files: files(BLOCKED), main, metrics: true });
          assertEverySecond(runs, 0);
          assert.deepEqual(missed, {});
        });
      }
    });
  }
});
