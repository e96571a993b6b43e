import assert from 'node:assert/strict';
import { emptyPostgres } from './data-servers.ts';
import { lanesOf, mainsOf } from './lanes.ts';
import { runAlike, runScenario, type Scenario, ScenarioFolder } from './scenario.ts';

const freshEnv = async (): Promise<Record<string, string>> => ({ DATABASE_URL: await emptyPostgres() });

const BODY = `
const { Logger, makeWorkerUtils, parseCrontab, runOnce, run } = worker.run === undefined ? worker.default : worker;
const connectionString = process.env.DATABASE_URL;
const logger = new Logger(() => () => {});
const utils = await makeWorkerUtils({ connectionString, logger });
await utils.migrate();

const taskList = {
  async mail({ to }, helpers) {
    console.log('mail to', to, 'attempt', helpers.job.attempts);
    if (to === '') throw new TypeError('nobody to write to');
    if (to === 'ada') await helpers.addJob('thanks', { from: to }, { flags: ['polite'] });
  },
  thanks: (payload, helpers) => console.log('thanks', JSON.stringify(payload), JSON.stringify(helpers.job.flags)),
  many: (payloads) => payloads.map(async (at) => {
    await null;
    if (at === 2) throw new RangeError('not ' + at);
  }),
  tick: (payload) => console.log('tick', payload._cron.backfilled),
};
// A list may be frozen.
Object.freeze(taskList);

await utils.addJob('mail', { to: 'ada' });
await utils.addJob('mail', { to: '' }, { maxAttempts: 1 });
await utils.addJob('many', [1, 2, 3], { maxAttempts: 2 });
if (utils.addJobs) await utils.addJobs([{ identifier: 'thanks', payload: {} }]);
else await utils.addJob('thanks', {});
await runOnce({ connectionString, logger, taskList, concurrency: 1 });

// Known for three minutes, so that what was missed is made up for.
await utils.withPgClient((client) => client.query(
  "insert into graphile_worker." + process.env.CRONTABS + " (identifier, known_since, last_execution) " +
  "values ('tick', now() - interval '1 hour', date_trunc('minute', now()) - interval '1 minute')",
));
const runner = await run({ connectionString, logger, taskList, parsedCronItems: parseCrontab('* * * * * tick ?fill=1h') });
await new Promise((resolve) => runner.events.on('job:complete', resolve));
await runner.stop();
await utils.release();
console.log('stopped');
`;

const APPS = {
  'app.mjs': `import * as worker from 'graphile-worker';\n${BODY}`,
  'app.cjs': `const worker = require('graphile-worker');\n(async () => {${BODY}})();`,
};

describe('graphile-worker', () => {
  for (const { lane, title, version } of lanesOf('graphile-worker')) {
    // An ES module that is required: what it imports is not seen before Node 22, which is what it asks for.
    const mains = version === '0.18.0' && lane.node === undefined ? ['app.mjs'] : mainsOf(lane);
    for (const main of mains) {
      it(`${title}, ${main}: runs, failures, batches and schedules`, async () => {
        const scenario: Scenario = {
          lane,
          files: APPS,
          main,
          env: { TASKSPAN_CONSOLE: 'on', CRONTABS: '_private_known_crontabs' },
        };
        const { runs, producers } = await (main === mains[0]
          ? runAlike({ ...scenario, freshEnv })
          : runScenario({ ...scenario, env: { ...scenario.env, ...(await freshEnv()) } }));
        const told = runs.map((run) => [run.operation, run.status, run.errorType, run.attempt, run.willRetry]);
        assert.deepEqual(told, [
          ['mail', 'success', undefined, 1, undefined],
          ['mail', 'failure', 'TypeError', 1, false],
          ['many', 'failure', 'RangeError', 1, true],
          ['thanks', 'success', undefined, 1, undefined],
          ['thanks', 'success', undefined, 1, undefined],
          ['tick', 'success', undefined, 1, undefined],
        ]);
        const [mail, , many, , thanks, tick] = runs;
        const jobId = String(mail?.attributes['task.job.id']);
        assert.equal(mail?.taskId, `mail.${jobId}.1`);
        assert.deepEqual([mail?.kind, mail?.maxAttempts], ['CONSUMER', 25]);
        assert.deepEqual(
          ['messaging.system', 'messaging.operation.type', 'messaging.destination.name', 'messaging.message.id'].map(
            (key) => mail?.attributes[key],
          ),
          ['graphile-worker', 'process', 'mail', jobId],
        );
        assert.deepEqual(
          mail?.logLines.map(({ body }) => body),
          ['mail to ada attempt 1'],
        );
        assert.equal(typeof mail?.startedAttributes['task.enqueued_at'], 'number');
        assert.equal(many?.attributes['task.batch.size'], 3);
        // A job that a task adds is below the run of that task, and its own run is linked to it.
        const added = producers.find(({ spanId }) => spanId === thanks?.links[0]?.spanId);
        assert.deepEqual([added?.name, added?.parentSpanId], ['send thanks', mail?.spanId]);
        assert.equal(producers.length, 5);
        assert.equal(tick?.attributes['task.trigger'], 'schedule');
        assert.equal(tick?.attributes['graphile_worker.backfilled'], true);
        assert.equal(Number(tick?.attributes['task.scheduled_at']) % 60, 0);
      });
    }
  }

  const [newest] = lanesOf('graphile-worker');
  it('links a run to the process that has enqueued its job', async () => {
    assert.ok(newest);
    const folder = new ScenarioFolder({
      lane: newest.lane,
      files: {
        'producer.mjs': `
          import worker from 'graphile-worker';
          const logger = new worker.Logger(() => () => {});
          await worker.quickAddJob({ connectionString: process.env.DATABASE_URL, logger }, 'mail', { to: 'ada' });`,
        'worker.mjs': `
          import worker from 'graphile-worker';
          const logger = new worker.Logger(() => () => {});
          const taskList = { mail: (payload, { job }) => console.log(JSON.stringify(payload)) };
          await worker.runOnce({ connectionString: process.env.DATABASE_URL, logger, taskList });`,
      },
    });
    try {
      const call = { env: await freshEnv() };
      await folder.run('producer.mjs', call);
      const { stdout } = await folder.run('worker.mjs', call);
      assert.equal(stdout, '{"to":"ada"}\n');
      const { runs, producers } = folder.report();
      assert.deepEqual(
        runs.map(({ links }) => links.map(({ spanId }) => spanId)),
        [producers.map(({ spanId }) => spanId)],
      );
    } finally {
      await folder.remove();
    }
  });
});
