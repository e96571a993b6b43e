import assert from 'node:assert/strict';
import { lanesOf, mainsOf } from './lanes.ts';
import { runAlike } from './scenario.ts';
import { bothSystems } from './schedule-runs.ts';
import type { Run } from './task-runs.ts';

/** Two tasks that a task of the app pushes; the second one waits for the first. */
const P_QUEUE = `
const { runTask } = await import('taskspan');
const PQueue = lib.default?.default ?? lib.default ?? lib;
const queue = new PQueue({ concurrency: 1 });
await runTask('request', async () => {
  const slow = queue.add(async function resize() {
    console.log('resizing');
    await new Promise((resolve) => setTimeout(resolve, 50));
    return 'small';
  });
  console.log(await slow);
  await queue.add(async function broken() { throw new RangeError('x'); }).catch((error) => console.log(error.message));
  console.log(...await queue.addAll([() => 1, () => 2]));
});
`;

const FASTQ = `
const { runTask } = await import('taskspan');
const fastq = lib.default ?? lib;
const queue = fastq(function resize(task, done) {
  console.log('resizing', task);
  setTimeout(() => task === 'huge' ? done(new RangeError('x')) : done(null, 'small'), 10);
}, 1);
await runTask('request', () => new Promise((resolve) => {
  queue.drain = resolve;
  for (const task of ['photo', 'huge']) queue.push(task, (error, result) => console.log(error?.message ?? result));
}));
const promises = fastq.promise(async function send(to) { return 'sent to ' + to; }, 1);
console.log(await promises.push('ada'));
`;

const ASYNC = `
const { runTask } = await import('taskspan');
const async = lib.default?.queue === undefined ? lib : lib.default;
const asked = (queue, task) => new Promise((resolve) => queue.push(task, (error, result) => resolve(error?.message ?? result)));
const queue = async.queue(function resize(task, done) {
  console.log('resizing', task);
  setTimeout(() => task === 'huge' ? done(new RangeError('x')) : done(null, 'small'), 10);
}, 1);
const sending = async.queue(async function send(to) { return 'sent to ' + to; }, 2);
await runTask('request', async () => {
  console.log(await asked(queue, 'photo'), await asked(queue, 'huge'), await asked(sending, 'ada'));
});
const cargo = async.cargo(function load(tasks, done) { console.log(tasks.join()); done(); }, 2);
await Promise.all(['a', 'b', 'c'].map((task) => asked(cargo, task)));
const first = async.priorityQueue(function rank(task, done) { console.log(task); done(); }, 1);
await Promise.all([new Promise((resolve) => first.push('late', 2, resolve)), new Promise((resolve) => first.push('soon', 1, resolve))]);
`;

const APPS: Readonly<Record<string, string>> = { 'p-queue': P_QUEUE, fastq: FASTQ, async: ASYNC };

const EXPECTED: Readonly<Record<string, readonly string[]>> = {
  'p-queue': ['resize success', 'broken failure RangeError', 'p-queue success', 'p-queue success'],
  fastq: ['resize success', 'resize failure RangeError', 'send success'],
  async: [
    'resize success',
    'resize failure RangeError',
    'send success',
    'load success',
    'load success',
    'load success',
    'rank success',
    'rank success',
  ],
};

const told = ({ operation, status, errorType }: Run): string => [operation, status, errorType ?? ''].join(' ').trim();

for (const [library, body] of Object.entries(APPS)) {
  describe(library, () => {
    for (const { lane, title } of lanesOf(library)) {
      for (const main of mainsOf(lane)) {
        it(`${title}, ${main}: tasks are runs with wait, log and a link to whatever pushed them`, async () => {
          const { runs } = await runAlike({
            lane,
            files: bothSystems(library, body),
            main,
            env: { TASKSPAN_CONSOLE: 'on', TASKSPAN_INSTRUMENTATIONS: `+${library}` },
          });
          const request = runs.find(({ operation }) => operation === 'request');
          const tasks = runs.filter((run) => run !== request);
          assert.deepEqual(tasks.map(told).sort(), [...(EXPECTED[library] ?? [])].sort());
          const [resize] = tasks.filter(({ operation }) => operation === 'resize');
          assert.deepEqual(
            resize?.links.map(({ spanId }) => spanId),
            [request?.spanId],
          );
          assert.match(String(resize?.logLines[0]?.body), /^resizing/);
          assert.ok(Number(resize?.startedAttributes['task.enqueued_at']) > 0);
          assert.ok(tasks.every((run) => run.attributes['task.library'] === library && run.kind === 'INTERNAL'));
          assert.ok(tasks.every((run) => run.parentSpanId === ''));
        });
      }
    }
    it('is off unless it is asked for', async () => {
      const [newest] = lanesOf(library);
      assert.ok(newest !== undefined);
      const { runs } = await runAlike({ lane: newest.lane, files: bothSystems(library, body) });
      assert.deepEqual(
        runs.map(({ operation }) => operation),
        ['request'],
      );
    });
  });
}
