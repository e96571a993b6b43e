import assert from 'node:assert/strict';
import { emptyRedis } from './data-servers.ts';
import { lanesOf, mainsOf } from './lanes.ts';
import { runAlike } from './scenario.ts';
import type { Run } from './task-runs.ts';

/** Every way in which a job ends, one after the other. */
const APP = `
const { hostname, port, pathname } = new URL(process.env.REDIS_URL);
const queue = new Queue('mail', {
  redis: { host: hostname, port: Number(port), db: Number(pathname.slice(1)) },
  activateDelayedJobs: true,
});
const runs = {};
queue.process(async (job) => {
  const { kind } = job.data;
  console.log(kind);
  const run = (runs[kind] = (runs[kind] ?? 0) + 1);
  switch (kind) {
    case 'flaky': if (run === 1) throw new TypeError('not yet'); return 'at last';
    case 'hopeless': throw new RangeError('never');
    case 'slow': await new Promise((resolve) => setTimeout(resolve, 400)); console.log('slow is done');
  }
  return kind;
});
const ended = () => new Promise((resolve) => {
  queue.once('succeeded', (job, result) => resolve(result));
  queue.once('failed', (job, error) => resolve(error.message));
});
const change = { flaky: (job) => job.retries(1), slow: (job) => job.timeout(100), hopeless: (job) => job.retries(0) };
for (const kind of ['fine', 'flaky', 'hopeless', 'slow']) {
  const job = queue.createJob({ kind }).setId('id-' + kind);
  change[kind]?.(job);
  await job.save();
  let result = await ended();
  if (result === 'not yet') result = await ended();
  if (kind === 'slow') await new Promise((resolve) => setTimeout(resolve, 500));
  console.log(result);
}
const both = ['one', 'two'].map((kind) => queue.createJob({ kind }).setId('id-' + kind));
await queue.saveAll(both);
while ((runs.one ?? 0) + (runs.two ?? 0) < 2) await ended();
console.log(JSON.stringify(both.map(({ data }) => data)));
await queue.close();
`;

const APPS = {
  'app.mjs': `import Queue from 'bee-queue';${APP}`,
  'app.cjs': `const Queue = require('bee-queue');(async () => {${APP}})();`,
};

const told = (runs: readonly Run[]): unknown[] =>
  runs
    .map(({ taskId, status, errorType, attempt, maxAttempts, willRetry }) =>
      [taskId, status, errorType, `${attempt}/${maxAttempts}`, willRetry].filter((one) => one !== undefined).join(' '),
    )
    .sort();

describe('bee-queue', () => {
  for (const { lane, title } of lanesOf('bee-queue')) {
    for (const main of mainsOf(lane)) {
      it(`${title}, ${main}: every ending has its status, every run its link`, async () => {
        const { runs, producers } = await runAlike({
          lane,
          files: APPS,
          main,
          env: { TASKSPAN_CONSOLE: 'on' },
          freshEnv: async () => ({ REDIS_URL: await emptyRedis() }),
        });
        assert.deepEqual(told(runs), [
          'mail.id-fine.1 success 1/1',
          'mail.id-flaky.1 failure TypeError 1/2 true',
          'mail.id-flaky.2 success 2/2',
          'mail.id-hopeless.1 failure RangeError 1/1 false',
          'mail.id-one.1 success 1/1',
          'mail.id-slow.1 failure timeout 1/1 false',
          'mail.id-two.1 success 1/1',
        ]);
        assert.deepEqual(
          producers.map(({ attributes }) => [
            attributes['messaging.operation.name'],
            attributes['messaging.batch.message_count'],
          ]),
          [...Array.from({ length: 4 }, () => ['save', undefined]), ['saveAll', 2]],
        );
        for (const run of runs) {
          assert.equal(run.operation, 'mail');
          assert.equal(run.kind, 'CONSUMER');
          assert.equal(run.links.length, 1);
          assert.ok(producers.some(({ spanId }) => spanId === run.links[0]?.spanId));
          const [, id = ''] = run.taskId.split('.');
          const lines = run.logLines.map(({ body }) => body).filter((body) => body !== '');
          assert.ok(lines.includes(id.replace('id-', '')), String(lines));
        }
      });
    }
  }
});
