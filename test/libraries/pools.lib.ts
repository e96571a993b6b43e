import assert from 'node:assert/strict';
import { lanesOf, mainsOf } from './lanes.ts';
import { runAlike } from './scenario.ts';
import { bothSystems } from './schedule-runs.ts';
import type { Run } from './task-runs.ts';

/** What runs in the threads. */
const WORKER = `
const work = async ({ how, value }) => {
  if (how === 'fail') throw new RangeError('x');
  if (how === 'hang') await new Promise(() => setInterval(() => {}, 1000));
  if (how === 'leave') process.exit(3);
  return value;
};
module.exports = work;
module.exports.thumbnail = work;
`;

/** Piscina and its descendant; of threads that leave Piscina tells since 4. */
const threadPool = (name: string, leave: boolean): string => `
const { join } = await import('node:path');
const Pool = lib.${name} ?? lib.default?.${name} ?? lib;
const pool = new Pool({ filename: join(process.cwd(), 'resize.cjs'), minThreads: 1, maxThreads: 1 });
console.log(await pool.run({ value: 'small' }));
console.log(await pool.run({ value: 'tiny' }, { name: 'thumbnail' }));
const failed = async (promise) => await promise.then(() => console.log('no failure'), (error) => console.log(error.name, error.message));
await failed(pool.run({ how: 'fail' }));
const abort = new AbortController();
setTimeout(() => abort.abort(), 100);
await failed(pool.run({ how: 'hang' }, { signal: abort.signal }));
${leave ? "await failed(pool.run({ how: 'leave' }));" : ''}
const last = failed(pool.run({ how: 'hang' }));
await new Promise((resolve) => setTimeout(resolve, 100));
await Promise.all([pool.destroy(), last]);
`;

const CALCULATIONS = `
const workerpool = require('workerpool');
workerpool.worker({
  add: (a, b) => a + b,
  fail: () => { throw Object.assign(new Error('x'), { name: 'Conflict' }); },
  hang: () => new Promise(() => { setInterval(() => {}, 1000); }),
  leave: () => process.exit(3),
});
`;

const WORKERPOOL = `
const { join } = await import('node:path');
const workerpool = lib.pool === undefined ? lib.default : lib;
const made = () => workerpool.pool(join(process.cwd(), 'calculations.cjs'), { maxWorkers: 1, workerType: process.env.WORKER_TYPE, workerTerminateTimeout: 50 });
const pool = made();
const failed = (promise) => new Promise((resolve) => promise.then(() => resolve('no failure'), (error) => resolve(error.name)));
console.log(await pool.exec('add', [2, 3]));
console.log(await pool.exec(function double(value) { return value * 2; }, [4]));
console.log(await (await pool.proxy()).add(1, 1));
console.log(await failed(pool.exec('fail')));
console.log(await failed(pool.exec('hang').cancel()));
// Some versions give the worker that is being ended another task.
const others = [made(), made()];
console.log(await failed(others[0].exec('hang').timeout(300)));
console.log(await failed(others[1].exec('leave')));
await Promise.all([pool, ...others].map((one) => one.terminate(true)));
`;

const told = ({ operation, status, errorType }: Run): string => [operation, status, errorType ?? ''].join(' ').trim();

for (const [name, library] of [
  ['Piscina', 'piscina'],
  ['Tinypool', 'tinypool'],
] as const) {
  describe(library, () => {
    for (const { lane, title, version } of lanesOf(library)) {
      for (const main of mainsOf(lane)) {
        it(`${title}, ${main}: tasks are runs of the thread that asks`, async () => {
          const leave = library === 'piscina' && !version.startsWith('3');
          const { runs } = await runAlike({
            lane,
            files: { ...bothSystems(library, threadPool(name, leave)), 'resize.cjs': WORKER },
            main,
            env: { TASKSPAN_INSTRUMENTATIONS: `+${library}` },
          });
          assert.deepEqual(runs.map(told), [
            'resize success',
            'thumbnail success',
            'resize failure RangeError',
            'resize cancelled aborted',
            ...(leave ? ['resize failure worker_exit'] : []),
            'resize cancelled aborted',
          ]);
        });
      }
    }
  });
}

describe('workerpool', () => {
  for (const { lane, title, version } of lanesOf('workerpool')) {
    for (const main of mainsOf(lane)) {
      // Child processes of 6.0 do not work on any Node of today.
      const type = main === 'app.mjs' || version.startsWith('6.0.') ? 'thread' : 'process';
      it(`${title}, ${main}: tasks are runs of the thread that asks, in a worker ${type}`, async () => {
        const { runs } = await runAlike({
          lane,
          files: { ...bothSystems('workerpool', WORKERPOOL), 'calculations.cjs': CALCULATIONS },
          main,
          env: { WORKER_TYPE: type, TASKSPAN_INSTRUMENTATIONS: '+workerpool' },
        });
        assert.deepEqual(runs.map(told), [
          'add success',
          'double success',
          'add success',
          'fail failure Conflict',
          'hang cancelled aborted',
          'hang failure timeout',
          'leave failure worker_exit',
        ]);
      });
    }
  }
});
