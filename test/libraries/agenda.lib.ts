import assert from 'node:assert/strict';
import { emptyPostgres, emptyRedis } from './data-servers.ts';
import { lanesOf } from './lanes.ts';
import { runAlike, runScenario, type Scenario } from './scenario.ts';

const BODY = `
const backend = process.env.REDIS_URL === undefined
  ? new PostgresBackend({ connectionString: process.env.DATABASE_URL })
  : new RedisBackend({ connectionString: process.env.REDIS_URL });
const agenda = new Agenda({ backend, processEvery: 100 });
agenda.on('error', () => console.log('error'));

/** Resolves when a job has come to an end so many times. */
const completed = (name, count = 1) => new Promise((resolve) => {
  agenda.on('complete:' + name, () => {
    count -= 1;
    if (count === 0) resolve();
  });
});
agenda.define('mail', async (job) => {
  console.log('mail to', job.attrs.data.to, Object.keys(job.attrs.data).join());
  if (job.attrs.data.to === '') throw new TypeError('nobody to write to');
}, { backoff: ({ attempt }) => attempt < 2 ? 10 : null });
agenda.define('callback', (job, done) => done(new RangeError('not today')));
agenda.define('tick', async () => console.log('tick'));
await agenda.start();

let done = completed('mail');
await agenda.now('mail', { to: 'ada' });
await done;
done = completed('mail', 2);
await agenda.schedule(new Date(Date.now() + 200), 'mail', { to: '' });
await done;
done = completed('callback');
await agenda.now('callback');
await done;
done = completed('tick');
await agenda.every('1 hour', 'tick');
await done;
await agenda.stop();
console.log('stopped');
// A timer of each job's lock goes on for minutes.
process.exit();
`;

const imports = (names: string): string =>
  `import { Agenda } from 'agenda';\nimport { ${names} } from '@agendajs/${names === 'RedisBackend' ? 'redis' : 'postgres'}-backend';\n`;

const APPS = {
  'redis.mjs': `${imports('RedisBackend')}const PostgresBackend = undefined;\n${BODY}`,
  'postgres.mjs': `${imports('PostgresBackend')}const RedisBackend = undefined;\n${BODY}`,
  'redis.cjs': `const { Agenda } = require('agenda');
const { RedisBackend } = require('@agendajs/redis-backend');
(async () => {${BODY}})();`,
};

describe('agenda', () => {
  for (const { lane, title, version } of lanesOf('agenda')) {
    // Before 6, MongoDB is its only backend.
    if (Number.parseInt(version, 10) < 6) continue;
    for (const main of lane.name === 'newest' ? ['redis.mjs', 'redis.cjs'] : ['postgres.mjs']) {
      it(`${title}, ${main}: runs, retries and schedules`, async () => {
        const freshEnv = async (): Promise<Record<string, string>> =>
          main === 'postgres.mjs' ? { DATABASE_URL: await emptyPostgres() } : { REDIS_URL: await emptyRedis() };
        const scenario: Scenario = {
          lane,
          files: APPS,
          main,
          env: { TASKSPAN_CONSOLE: 'on' },
        };
        const { runs, producers } = await (main.endsWith('.mjs')
          ? runAlike({ ...scenario, freshEnv })
          : runScenario({ ...scenario, env: { ...scenario.env, ...(await freshEnv()) } }));
        const told = runs.map((run) => [run.operation, run.status, run.errorType, run.attempt, run.willRetry]);
        assert.deepEqual(told, [
          ['mail', 'success', undefined, 1, undefined],
          ['mail', 'failure', 'TypeError', 1, true],
          ['mail', 'failure', 'TypeError', 2, false],
          ['callback', 'failure', 'RangeError', 1, false],
          ['tick', 'success', undefined, 1, undefined],
        ]);
        const [mail, failed, retried, , tick] = runs;
        const jobId = String(mail?.attributes['task.job.id']);
        assert.deepEqual([mail?.taskId, mail?.kind], [`mail.${jobId}.1`, 'CONSUMER']);
        assert.deepEqual(
          ['messaging.system', 'messaging.operation.type', 'messaging.destination.name', 'messaging.message.id'].map(
            (key) => mail?.attributes[key],
          ),
          ['agenda', 'process', 'mail', jobId],
        );
        assert.deepEqual(
          mail?.logLines.map(({ body }) => body),
          ['mail to ada to'],
        );
        assert.equal(typeof failed?.startedAttributes['task.enqueued_at'], 'number');
        assert.equal(retried?.startedAttributes['task.enqueued_at'], undefined);
        assert.deepEqual([tick?.attributes['task.trigger'], tick?.attributes['task.schedule']], ['schedule', '1 hour']);
        assert.equal(typeof tick?.attributes['task.scheduled_at'], 'number');
        // The id of a job joins it to what has enqueued it; a schedule is not enqueued.
        assert.deepEqual(
          producers.map(({ name }) => name),
          ['send mail', 'send mail', 'send callback'],
        );
        assert.equal(producers[0]?.attributes['messaging.message.id'], jobId);
      });
    }
  }
});
