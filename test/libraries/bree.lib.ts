import assert from 'node:assert/strict';
import { lanesOf, mainsOf } from './lanes.ts';
import { runAlike, runScenario } from './scenario.ts';
import { bothSystems } from './schedule-runs.ts';
import type { Run } from './task-runs.ts';

const JOBS = {
  'jobs/finish.cjs': `
const { parentPort } = require('node:worker_threads');
console.log('finishing');
setTimeout(() => parentPort.postMessage('done'), 20);
setInterval(() => {}, 1000);`,
  'jobs/return.cjs': 'globalThis.answer = 42;',
  'jobs/fail.cjs': "throw new RangeError('x');",
  'jobs/leave.cjs': 'process.exit(3);',
  'jobs/hang.cjs': 'setInterval(() => {}, 1000);',
  'jobs/obey.cjs': `
const { parentPort } = require('node:worker_threads');
parentPort.on('message', (message) => message === 'cancel' && parentPort.postMessage('cancelled'));
parentPort.postMessage('listening');`,
} as const;

/** Every way in which a job ends, one after the other. */
const ENDINGS = `
const Bree = lib.default ?? lib;
const jobs = ['finish', 'return', 'fail', 'leave', { name: 'hang', closeWorkerAfterMs: 300 }, 'obey']
  .map((job) => typeof job === 'string' ? { name: job } : job);
let heard;
const bree = new Bree({
  root: process.cwd() + '/jobs', doRootCheck: false, defaultExtension: 'cjs', acceptedExtensions: ['.cjs'], jobs,
  logger: { info() {}, warn: (error) => console.log(error.message), error() {} },
  errorHandler: (error, { name }) => console.log(name, error.message),
  workerMessageHandler: ({ name, message }) => { if (message === 'listening') heard(); },
});
const deleted = () => new Promise((resolve) => bree.once('worker deleted', resolve));
for (const { name } of jobs.slice(0, 5)) {
  const gone = deleted();
  await bree.run(name);
  if (name === 'hang') await bree.run(name);
  await gone;
}
const listening = new Promise((resolve) => { heard = resolve; });
await bree.run('obey');
await listening;
await bree.stop('obey');
console.log('all over');
`;

const SCHEDULES = `
const Bree = lib.default ?? lib;
const jobs = [
  { name: 'return', ...JSON.parse(process.env.SCHEDULE) },
  { name: 'finish', date: new Date(1000) },
];
const bree = new Bree({
  root: process.cwd() + '/jobs', doRootCheck: false, defaultExtension: 'cjs', acceptedExtensions: ['.cjs'], jobs,
  logger: { info() {}, warn: (said) => typeof said === 'string' && console.log(said), error() {} },
});
await bree.start();
await new Promise((resolve) => bree.once('worker deleted', resolve));
await bree.stop();
`;

const told = ({ operation, status, errorType }: Run): string => [operation, status, errorType ?? ''].join(' ').trim();

describe('bree', () => {
  for (const { lane, title, version } of lanesOf('bree')) {
    for (const main of mainsOf(lane)) {
      it(`${title}, ${main}: a job is a run until done, an error or its exit`, async () => {
        const { runs, missed, spans } = await runAlike({
          lane,
          files: { ...JOBS, ...bothSystems('bree', ENDINGS) },
          main,
          metrics: true,
          env: { TASKSPAN_CONSOLE: 'on' },
        });
        assert.deepEqual(runs.map(told), [
          'finish success',
          'return success',
          'fail failure RangeError',
          'leave failure exit_code_3',
          'hang failure timeout',
          'obey cancelled aborted',
        ]);
        assert.ok(runs.every(({ attributes }) => attributes['task.trigger'] === 'manual'));
        assert.deepEqual(missed, { 'hang overlap': 1 });
        assert.equal(spans.filter(({ kind }) => kind === 'INTERNAL').length, runs.length);
      });

      it(`${title}, ${main}: a schedule is told, and a date that is past counted`, async () => {
        // Its first version does not get on with the newest of what reads cron lines.
        const every = version === '9.0.0' ? { interval: '1s' } : { cron: '* * * * * *', hasSeconds: true };
        const env = { SCHEDULE: JSON.stringify(every) };
        const { runs, missed } = await runScenario({
          lane,
          files: { ...JOBS, ...bothSystems('bree', SCHEDULES) },
          main,
          metrics: true,
          env,
        });
        const [first] = runs;
        assert.deepEqual([first?.operation, first?.status], ['return', 'success']);
        assert.deepEqual(
          [first?.attributes['task.trigger'], first?.attributes['task.schedule']],
          ['schedule', every.cron ?? 'every 1000 ms'],
        );
        assert.equal(missed['finish missed'], 1);
      });
    }
  }
});
