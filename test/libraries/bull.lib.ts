import assert from 'node:assert/strict';
import { emptyRedis } from './data-servers.ts';
import { lanesOf, mainsOf } from './lanes.ts';
import { runAlike, runScenario, ScenarioFolder } from './scenario.ts';
import type { Run } from './task-runs.ts';

/** The same lines for every app. */
const SHARED = `
const { hostname, port, pathname } = new URL(process.env.REDIS_URL);
const redis = { host: hostname, port: Number(port), db: Number(pathname.slice(1)) };
const queueOf = (name, options) => new Bull(name, { redis, ...options });
const when = (emitter, event, isIt = () => true) => new Promise((resolve) => {
  emitter.on(event, (...args) => { if (isIt(...args)) resolve(args); });
});
`;

const ESM = `import Bull from 'bull';\n${SHARED}`;
const CJS = `const Bull = require('bull');\n${SHARED}`;

/** Every way in which a job ends, one after the other, with each form of processor. */
const ENDINGS = `
const queue = queueOf('mail');
const runs = {};
queue.process('fine', async (job) => { console.log('fine'); return 42; });
queue.process('callback', (job, done) => { console.log('callback'); setImmediate(done, null, 1); });
queue.process('*', 2, async (job) => {
  console.log(job.name);
  const run = (runs[job.name] = (runs[job.name] ?? 0) + 1);
  switch (job.name) {
    case 'flaky': if (run === 1) throw new TypeError('not yet'); return 'at last';
    case 'hopeless': throw new RangeError('never');
    case 'discarded': await job.discard(); throw new Error('no use');
    case 'slow': await new Promise((resolve) => setTimeout(resolve, 400)); console.log('slow is done'); return 1;
  }
});
queue.process(process.cwd() + '/processor.js');
const ended = (name) => Promise.race([
  when(queue, 'completed', (job) => job.name === name),
  when(queue, 'failed', (job) => job.name === name && job.finishedOn),
]);
const options = { flaky: { attempts: 2 }, hopeless: { attempts: 2 }, discarded: { attempts: 2 }, slow: { timeout: 100 } };
for (const name of ['fine', 'callback', 'flaky', 'hopeless', 'discarded', 'slow']) {
  const end = ended(name);
  await queue.add(name, { secret: name }, { ...options[name], jobId: 'id-' + name });
  const [job, value] = await end;
  if (name === 'slow') await new Promise((resolve) => setTimeout(resolve, 500));
  console.log(String(value?.message ?? value));
}
const end = ended('__default__');
await queue.add({ secret: 1 }, { jobId: 'id-file' });
console.log((await end)[1]);
await queue.close();
`;

const APPS = { 'app.mjs': ESM + ENDINGS, 'app.cjs': `${CJS}(async () => {${ENDINGS}})();` };

const PROCESSOR = `
const { trace } = require('@opentelemetry/api');
module.exports = async (job) => {
  console.log('in the sandbox');
  await new Promise((resolve) => setTimeout(resolve, 5));
  trace.getTracer('app').startActiveSpan('inside', (span) => span.end());
  return Object.keys(job).includes('taskspan');
};
`;

const PRODUCER = `
const queue = queueOf('mail');
const handed = { attempts: 2 };
await queue.add('single', {}, handed);
const bulk = [{ name: 'bulk', data: 1, opts: { jobId: 'b1' } }, { name: 'bulk', data: 2 }];
if (queue.addBulk) await queue.addBulk(bulk);
await queue.add('own', {}, { telemetry: { metadata: 'their own words' } });
console.log(JSON.stringify([handed, bulk]));
await queue.close();
`;

const WORKER = `
let left = 4;
const queue = queueOf('mail');
queue.process('*', async () => {});
queue.on('completed', async () => { if (--left === 0) await queue.close(); });
await queue.isReady();
console.log('ready');
`;

/** Dies in its first job; another worker finds that out. */
const STALLING = `
const mine = process.env.ROLE;
const settings = { lockDuration: 1000, lockRenewTime: 100, stalledInterval: 500, maxStalledCount: Number(process.env.STALLS) };
const queue = queueOf('mail', { settings });
queue.process('*', async (job) => {
  console.log(mine, 'works');
  if (mine === 'victim') await new Promise(() => setInterval(() => {}, 1000));
});
queue.on('completed', () => queue.close());
queue.on('failed', async (job, error) => { console.log(error.message); await queue.close(); });
if (mine === 'victim') await queue.add('heavy', {}, { jobId: 'one' });
`;

/** A schedule whose first worker comes three slots late. */
const SCHEDULE = `
const queue = queueOf('mail');
await queue.add('tick', {}, { repeat: process.env.CRON ? { cron: process.env.CRON } : { every: 1000 } });
const [first] = [...(await queue.getDelayed()), ...(await queue.getWaiting())];
await new Promise((resolve) => setTimeout(resolve, first.opts.prevMillis - Date.now() + 3500));
let runs = 0;
queue.process('tick', async () => {});
await new Promise((resolve) => queue.on('completed', () => { if ((runs += 1) === 2) resolve(); }));
await queue.close();
`;

const told = (runs: readonly Run[], operation: string): unknown[] =>
  runs
    .filter((run) => run.operation === operation)
    .map(({ taskId, status, errorType, attempt, maxAttempts, willRetry }) =>
      [taskId, status, errorType, `${attempt}/${maxAttempts}`, willRetry].filter((one) => one !== undefined).join(' '),
    );

describe('bull', () => {
  for (const { lane, title } of lanesOf('bull')) {
    describe(title, () => {
      for (const main of mainsOf(lane)) {
        it(`${main}: every ending has its status, with every form of processor`, async () => {
          const { runs, producers, stdout } = await runAlike({
            lane,
            files: { ...APPS, 'processor.js': PROCESSOR },
            main,
            env: { TASKSPAN_CONSOLE: 'on' },
            freshEnv: async () => ({ REDIS_URL: await emptyRedis() }),
          });
          assert.match(stdout, /in the sandbox\n\{\}\n$/);
          assert.deepEqual(told(runs, 'fine'), ['mail.id-fine.1 success 1/1']);
          assert.deepEqual(told(runs, 'callback'), ['mail.id-callback.1 success 1/1']);
          assert.deepEqual(told(runs, 'flaky'), [
            'mail.id-flaky.1 failure TypeError 1/2 true',
            'mail.id-flaky.2 success 2/2',
          ]);
          assert.deepEqual(told(runs, 'hopeless'), [
            'mail.id-hopeless.1 failure RangeError 1/2 true',
            'mail.id-hopeless.2 failure RangeError 2/2 false',
          ]);
          assert.deepEqual(told(runs, 'discarded'), ['mail.id-discarded.1 failure Error 1/2 false']);
          assert.deepEqual(told(runs, 'slow'), ['mail.id-slow.1 failure timeout 1/1 false']);
          assert.deepEqual(told(runs, 'mail'), ['mail.id-file.1 success 1/1']);
          for (const run of runs) {
            assert.equal(run.kind, 'CONSUMER');
            const lines: Readonly<Record<string, unknown[]>> = {
              slow: ['slow', 'slow is done', 'the handler returned after its run had ended'],
              mail: ['in the sandbox'],
            };
            const { operation } = run;
            const said = run.logLines.map(({ body }) => body);
            const errors = run.status === 'failure' ? 1 : 0;
            assert.deepEqual(
              said.filter((body) => typeof body === 'string' && body !== ''),
              lines[operation] ?? [operation],
              String(errors),
            );
            assert.equal(run.attributes['messaging.system'], 'bull');
            const jobId = run.attributes['task.job.id'];
            const producer = producers.find((span) => span.attributes['messaging.message.id'] === jobId);
            assert.ok(producer !== undefined);
            assert.deepEqual(run.links, [{ traceId: producer.traceId, spanId: producer.spanId }]);
            if (operation === 'mail') {
              assert.deepEqual(
                run.below.map(({ name, parentSpanId }) => [name, parentSpanId]),
                [['inside', run.spanId]],
              );
            }
          }
        });
      }

      it('links a run to what enqueued it in another process', async () => {
        const env = { REDIS_URL: await emptyRedis() };
        const files = { 'producer.mjs': ESM + PRODUCER, 'worker.mjs': ESM + WORKER };
        const folder = new ScenarioFolder({ lane, files });
        try {
          const worker = await folder.start('worker.mjs', { env });
          await worker.printed(/ready/);
          const { stdout } = await folder.run('producer.mjs', { env });
          assert.deepEqual(JSON.parse(stdout), [
            { attempts: 2 },
            [
              { name: 'bulk', data: 1, opts: { jobId: 'b1' } },
              { name: 'bulk', data: 2 },
            ],
          ]);
          assert.equal((await worker.ended).code, 0);
          const { runs, producers } = folder.report();
          const linked = runs.map((run) => {
            const span = producers.find(({ spanId }) => spanId === run.links[0]?.spanId);
            return `${run.operation} ${span?.attributes['messaging.operation.name'] ?? 'none'}`;
          });
          assert.deepEqual(linked.sort(), ['bulk addBulk', 'bulk addBulk', 'own none', 'single add']);
        } finally {
          await folder.remove();
        }
      });

      it('a start after a stall is a run of its own, without a wait; a stall too many is one orphan', async () => {
        const stall = async (stalls: number): Promise<void> => {
          const folder = new ScenarioFolder({ lane, files: { 'app.mjs': ESM + STALLING } });
          try {
            const env = { REDIS_URL: await emptyRedis(), STALLS: String(stalls) };
            const victim = await folder.start('app.mjs', { env: { ...env, ROLE: 'victim' } });
            await victim.printed(/victim works/);
            victim.kill('SIGKILL');
            await victim.ended;
            const { stdout } = await folder.run('app.mjs', { env: { ...env, ROLE: 'finder' } });
            const [last, ...others] = folder.report().runs.filter(({ status }) => status !== undefined);
            assert.deepEqual(others, []);
            assert.ok(last !== undefined);
            const said = stalls === 1 ? 'finder works\n' : 'job stalled more than allowable limit\n';
            assert.equal(stdout, said);
            const expected = stalls === 1 ? 'mail.one.2 success' : 'mail.one.1 orphaned';
            assert.equal(`${last.taskId} ${last.status}`, expected);
            assert.equal(last.startedAttributes['task.enqueued_at'], undefined);
          } finally {
            await folder.remove();
          }
        };
        await Promise.all([1, 0].map(stall));
      });

      for (const cron of ['', '* * * * * *']) {
        it(`a schedule (${cron || 'every second'}) has slots`, async () => {
          const { runs, missed } = await runScenario({
            lane,
            files: { 'app.mjs': ESM + SCHEDULE },
            env: { REDIS_URL: await emptyRedis(), CRON: cron },
            metrics: true,
          });
          const [late, next] = runs;
          for (const run of [late, next]) {
            assert.ok(run !== undefined);
            assert.equal(run.attributes['task.trigger'], 'schedule');
            assert.equal(run.attributes['task.schedule'], cron || 'every 1000 ms');
            assert.deepEqual(run.links, []);
          }
          const [slot, following] = [late, next].map((run) => Number(run?.attributes['task.scheduled_at']));
          const passed = Number(following) - Number(slot) - 1;
          // More of them on a machine that is late itself.
          assert.ok(passed >= 3, String(passed));
          // Of a pattern the library tells nobody the slots.
          assert.equal(missed['tick missed'], cron === '' ? passed : undefined);
        });
      }
    });
  }
});
