import assert from 'node:assert/strict';
import { emptyRedis } from './data-servers.ts';
import { lanesOf } from './lanes.ts';
import { runAlike } from './scenario.ts';

/** A producer and a worker in one process, which end when all jobs are done. */
const APP = `
import { Queue, QueueEvents, Worker } from 'bullmq';
import { runTask } from 'taskspan';

const { hostname, port, pathname } = new URL(process.env.REDIS_URL);
const connection = { host: hostname, port: Number(port), db: Number(pathname.slice(1)), maxRetriesPerRequest: null };
const queue = new Queue('mail', { connection });
const events = new QueueEvents('mail', { connection });
await events.waitUntilReady();
const worker = new Worker('mail', async (job) => {
  if (job.data.to === '') throw new TypeError('nobody to write to');
  return await runTask('send', () => \`sent to \${job.data.to}\`);
}, { connection, autorun: true });
worker.on('failed', (job, error) => console.log(job.name, 'failed:', error.message));

for (const to of ['ada', '', 'grace']) {
  const job = await queue.add('welcome', { to });
  await job.waitUntilFinished(events).then((value) => console.log(value), () => undefined);
}
await worker.close();
await events.close();
await queue.close();
`;

describe('bullmq', () => {
  for (const { lane, title } of lanesOf('bullmq')) {
    it(`${title}: an app prints and ends as it does without the flag`, async () => {
      const { stdout, runs } = await runAlike({
        lane,
        files: { 'app.mjs': APP },
        freshEnv: async () => ({ REDIS_URL: await emptyRedis() }),
        metrics: true,
      });
      assert.equal(stdout, 'sent to ada\nwelcome failed: nobody to write to\nsent to grace\n');
      const sent = runs.filter(({ operation }) => operation === 'send');
      assert.deepEqual(
        sent.map(({ status }) => status),
        ['success', 'success'],
      );
    });
  }
});
