import assert from 'node:assert/strict';
import { emptyPostgres } from './data-servers.ts';
import { lanesOf, mainsOf } from './lanes.ts';
import { runAlike, runScenario, type Scenario } from './scenario.ts';

const freshEnv = async (): Promise<Record<string, string>> => ({ DATABASE_URL: await emptyPostgres() });

/** Queues, a worker each, and what a run needs to be known by; every version in its own words. */
const BODY = `
const PgBoss = pgBoss.PgBoss ?? pgBoss.default ?? pgBoss;
const boss = new PgBoss({ connectionString: process.env.DATABASE_URL, newJobCheckInterval: 200 });
boss.on('error', (error) => console.log('error', error.message));
await boss.start();

const options = { pollingIntervalSeconds: 0.5, newJobCheckInterval: 200 };
const one = (given) => (Array.isArray(given) ? given[0] : given);
async function queue(name, rest, handler) {
  await boss.createQueue?.(name);
  await boss.work(name, { ...options, ...rest }, handler);
}
/** Resolves once the handler was called so many times. */
function calls(count, handler) {
  let left = count;
  let done;
  const all = new Promise((resolve) => { done = resolve; });
  const counted = async (given) => {
    try {
      return await handler(given);
    } finally {
      left -= 1;
      if (left === 0) setTimeout(done, 50);
    }
  };
  return { all, counted };
}

const mail = calls(3, async (given) => {
  const job = one(given);
  console.log('mail to', job.data.to, Object.keys(job).join());
  if (job.data.to === '') throw new TypeError('nobody to write to');
  return { sent: job.data.to };
});
await queue('mail', {}, mail.counted);
await boss.send('mail', { to: 'ada' }, { retryLimit: 2 });
await boss.send('mail', { to: '' }, { retryLimit: 1 });
await mail.all;

const slow = calls(1, async () => {
  await new Promise((resolve) => setTimeout(resolve, 1500));
  console.log('slow ends');
});
await queue('slow', {}, slow.counted);
await boss.send('slow', null, { expireInSeconds: 1, retryLimit: 0 });
await slow.all;

const batch = calls(1, async (jobs) => {
  console.log('batch of', jobs.length);
  // Version 8 leaves that to the handler.
  if (jobs[0].done !== undefined) await boss.complete(jobs.map(({ id }) => id));
});
await boss.createQueue?.('batch');
for (const at of [1, 2, 3]) await boss.send({ name: 'batch', data: { at } });
await queue('batch', { batchSize: 3 }, batch.counted);
await batch.all;

const stopped = new Promise((resolve) => boss.once('stopped', resolve));
await boss.stop({ graceful: true, timeout: 5000 });
await stopped;
console.log('stopped');
`;

const APPS = {
  'app.mjs': `import * as pgBoss from 'pg-boss';\n${BODY}`,
  'app.cjs': `const pgBoss = require('pg-boss');\n(async () => {${BODY}})();`,
};

describe('pg-boss', () => {
  for (const { lane, title } of lanesOf('pg-boss')) {
    const mains = mainsOf(lane);
    for (const main of mains) {
      it(`${title}, ${main}: runs, retries, timeouts and batches`, async () => {
        const scenario: Scenario = { lane, files: APPS, main, env: { TASKSPAN_CONSOLE: 'on' } };
        const { runs, producers, stdout } = await (main === mains[0]
          ? runAlike({ ...scenario, freshEnv })
          : runScenario({ ...scenario, env: { ...scenario.env, ...(await freshEnv()) } }));
        assert.match(stdout, /stopped\n$/);
        const told = runs.map((run) => [run.operation, run.status, run.errorType, run.attempt, run.willRetry]);
        assert.deepEqual(told, [
          ['mail', 'success', undefined, 1, undefined],
          ['mail', 'failure', 'TypeError', 1, true],
          ['mail', 'failure', 'TypeError', 2, false],
          ['slow', 'failure', 'timeout', 1, false],
          ['batch', 'success', undefined, 1, undefined],
          ['batch', 'success', undefined, 1, undefined],
          ['batch', 'success', undefined, 1, undefined],
        ]);
        const [first, second, third, , ...batch] = runs;
        assert.equal(first?.kind, 'CONSUMER');
        const jobId = String(first?.attributes['task.job.id']);
        assert.equal(first?.taskId, `mail.${jobId}.1`);
        assert.equal(first?.maxAttempts, 3);
        assert.deepEqual(
          ['messaging.system', 'messaging.operation.type', 'messaging.destination.name', 'messaging.message.id'].map(
            (key) => first?.attributes[key],
          ),
          ['pg-boss', 'process', 'mail', jobId],
        );
        assert.match(String(first?.logLines.map(({ body }) => body)), /^mail to ada id,name,data/);
        assert.equal(second?.attributes['task.job.id'], third?.attributes['task.job.id']);
        assert.equal(typeof second?.startedAttributes['task.enqueued_at'], 'number');
        assert.equal(third?.startedAttributes['task.enqueued_at'], undefined);
        assert.deepEqual(
          batch.map(({ attributes }) => attributes['task.batch.size']),
          [3, 3, 3],
        );
        // A job has no slot for a carrier: its id joins the two.
        const sent = producers.find(({ attributes }) => attributes['messaging.message.id'] === jobId);
        assert.equal(sent?.name, 'send mail');
        assert.equal(producers.length, 6);
      });
    }
  }
});
