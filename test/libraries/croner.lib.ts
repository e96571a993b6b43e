import assert from 'node:assert/strict';
import { lanesOf, mainsOf } from './lanes.ts';
import { runAlike, runScenario, type Scenario } from './scenario.ts';
import { assertEverySecond, BLOCK, bothSystems, slotOf, toldOf } from './schedule-runs.ts';

/** Every way in which a handler ends; what the library does not catch reaches the process. */
const ENDINGS = `
const heard = [];
process.on('unhandledRejection', (error) => heard.push(error.message));
const all = [];
const job = (options, handler) => all.push(new lib.Cron('* * * * * *', { maxRuns: 1, ...options }, handler));
job({ name: 'nightly' }, async () => { await new Promise((resolve) => setTimeout(resolve, 10)); console.log('in report'); });
job({}, function broken() { throw new RangeError('thrown'); });
job({ catch: (error) => heard.push('caught ' + error.message) }, async function rejected() { throw new TypeError('rejected'); });
const manual = new lib.Cron('0 0 1 1 *', { paused: true }, async function byHand() {});
await manual.trigger();
manual.stop();
await new Promise((resolve) => setTimeout(resolve, 1500));
console.log(heard.sort().join(', '), all.map((one) => one.fn.name).join());
`;

const BLOCKED = `${BLOCK}
let runs = 0;
const job = new lib.Cron('* * * * * *', function blocked() {
  runs += 1;
  if (runs === 1) block(2300);
  if (runs === 3) job.stop();
});
const timer = setInterval(() => { if (runs >= 2) { clearInterval(timer); block(1300); } }, 100);
`;

const PROTECTED = `
let runs = 0;
const job = new lib.Cron('* * * * * *', { name: 'long', protect: true }, async () => {
  if ((runs += 1) === 2) return job.stop();
  await new Promise((resolve) => setTimeout(resolve, 2500));
});
`;

describe('croner', () => {
  for (const { lane, title } of lanesOf('croner')) {
    describe(title, () => {
      for (const main of mainsOf(lane)) {
        const scenario = (body: string): Scenario => ({
          lane,
          files: bothSystems('croner', body),
          main,
          env: { TASKSPAN_CONSOLE: 'on' },
        });

        it(`${main}: every ending has its status`, async () => {
          const { runs, stdout } = await runAlike(scenario(ENDINGS));
          assert.deepEqual(runs.map(toldOf).sort(), [
            'croner manual INTERNAL byHand success',
            'croner schedule INTERNAL broken failure RangeError',
            'croner schedule INTERNAL nightly success',
            'croner schedule INTERNAL rejected failure TypeError',
          ]);
          assert.match(stdout, /caught rejected, thrown/);
          const nightly = runs.find(({ operation }) => operation === 'nightly');
          assert.equal(nightly?.logLines[0]?.body, 'in report');
          assert.deepEqual(
            runs.filter((one) => slotOf(one) === undefined).map(({ operation }) => operation),
            ['byHand'],
          );
        });

        it(`${main}: slots that vanish are counted`, async () => {
          const { runs, missed } = await runScenario({ ...scenario(BLOCKED), metrics: true });
          assertEverySecond(runs, missed['blocked missed'] ?? 0);
        });
      }

      it('slots that protection leaves out are counted', async () => {
        const files = bothSystems('croner', PROTECTED);
        const { runs, missed } = await runScenario({ lane, files, main: 'app.mjs', metrics: true });
        assert.equal(runs.length, 2);
        const [first = 0, second = 0] = runs.map(slotOf);
        assert.ok((missed['long overlap'] ?? 0) >= second - first - 1, JSON.stringify([first, second, missed]));
        assert.equal(missed['long missed'], undefined);
      });
    });
  }
});
