import assert from 'node:assert/strict';
import { CJS, ENDINGS, ESM, PROCESSOR, PRODUCER, SANDBOX, SCHEDULE, STALLING, WORKER } from './bullmq-apps.ts';
import { emptyRedis } from './data-servers.ts';
import { lanesOf, mainsOf } from './lanes.ts';
import { runAlike, runScenario, ScenarioFolder } from './scenario.ts';
import type { Run } from './task-runs.ts';

function majorOf(version: string): number {
  return Number(version.split('.')[0]);
}

/** Jobs of `ENDINGS` that a version can do. */
function jobsOf(version: string): string[] {
  const jobs = ['fine', 'flaky', 'hopeless', 'unrecoverable'];
  return majorOf(version) === 1 ? jobs : [...jobs, 'text', 'delayed', 'limited', 'parent'];
}

const told = (runs: readonly Run[], operation: string): unknown[] =>
  runs
    .filter((run) => run.operation === operation)
    .map(({ taskId, status, errorType, attempt, maxAttempts, willRetry }) =>
      [taskId, status, errorType, `${attempt}/${maxAttempts}`, willRetry].filter((one) => one !== undefined).join(' '),
    );

describe('bullmq', () => {
  for (const { lane, title, version } of lanesOf('bullmq')) {
    describe(title, () => {
      for (const main of mainsOf(lane)) {
        it(`${main}: every ending has its status`, async () => {
          const jobs = jobsOf(version);
          const { runs, producers } = await runAlike({
            lane,
            files: { 'app.mjs': ESM + ENDINGS, 'app.cjs': `${CJS}(async () => {${ENDINGS}})();` },
            main,
            env: { JOBS: jobs.join(' '), TASKSPAN_CONSOLE: 'on' },
            freshEnv: async () => ({ REDIS_URL: await emptyRedis() }),
          });
          assert.deepEqual(told(runs, 'fine'), ['mail.id-fine.1 success 1/1']);
          assert.deepEqual(told(runs, 'flaky'), [
            'mail.id-flaky.1 failure TypeError 1/2 true',
            'mail.id-flaky.2 success 2/2',
          ]);
          assert.deepEqual(told(runs, 'hopeless'), [
            'mail.id-hopeless.1 failure RangeError 1/2 true',
            'mail.id-hopeless.2 failure RangeError 2/2 false',
          ]);
          assert.deepEqual(told(runs, 'unrecoverable'), [
            'mail.id-unrecoverable.1 failure UnrecoverableError 1/2 false',
          ]);
          if (jobs.includes('parent')) {
            assert.deepEqual(told(runs, 'text'), ['mail.id-text.1 failure string 1/1 false']);
            const second = majorOf(version) < 5 ? '2/1' : '1/1';
            for (const name of ['delayed', 'limited', 'parent']) {
              assert.deepEqual(told(runs, name), [
                `mail.id-${name}.1 deferred 1/1`,
                `mail.id-${name}.2 success ${second}`,
              ]);
            }
          }
          for (const run of runs) {
            assert.equal(run.kind, 'CONSUMER');
            assert.deepEqual(
              run.logLines.map(({ body }) => body),
              run.operation === 'child' ? ['child'] : [`${run.operation} ${run.taskId.split('.').at(-1)}`],
            );
            const { 'task.job.id': jobId, 'messaging.system': system, ...rest } = run.attributes;
            assert.equal(system, 'bullmq');
            assert.equal(rest['messaging.message.id'], jobId);
            assert.equal(rest['messaging.destination.name'], run.operation === 'child' ? 'children' : 'mail');
            assert.equal(rest['messaging.operation.type'], 'process');
            assert.equal(rest['task.trigger'], 'queue');
            // Each is linked to what put it into the queue, in a trace of its own.
            const producer = producers.find((span) => span.attributes['messaging.message.id'] === jobId);
            assert.ok(producer !== undefined);
            assert.deepEqual(run.links, [{ traceId: producer.traceId, spanId: producer.spanId }]);
          }
        });
      }

      it('links a run to what enqueued it in another process', async () => {
        const env = { REDIS_URL: await emptyRedis(), JOBS: '8' };
        const folder = new ScenarioFolder({
          lane,
          files: { 'producer.mjs': ESM + PRODUCER, 'worker.mjs': ESM + WORKER },
        });
        try {
          const worker = await folder.start('worker.mjs', { env });
          await worker.printed(/ready/);
          const producer = await folder.run('producer.mjs', { env });
          assert.equal((await worker.ended).code, 0);
          const [handed, bulk, flow] = JSON.parse(producer.stdout) as unknown[];
          assert.deepEqual(handed, { attempts: 2 });
          assert.deepEqual(bulk, [
            { name: 'bulk', data: 1, opts: { jobId: 'b1' } },
            { name: 'bulk', data: 2 },
          ]);
          assert.deepEqual(flow, {
            name: 'top',
            queueName: 'mail',
            children: [{ name: 'below', queueName: 'mail', data: {} }],
          });
          const { runs, producers } = folder.report();
          const linked = Object.fromEntries(
            runs.map((run) => {
              const span = producers.find(({ spanId }) => spanId === run.links[0]?.spanId);
              return [
                run.operation,
                span && [
                  span.name,
                  span.attributes['messaging.operation.name'],
                  span.attributes['messaging.batch.message_count'],
                ],
              ];
            }),
          );
          assert.deepEqual(linked, {
            single: ['send mail', 'add', undefined],
            bulk: ['send mail', 'addBulk', 2],
            top: ['send mail', 'add', 2],
            below: ['send mail', 'add', 2],
            alone: ['send mail', 'addBulk', 1],
            own: undefined,
            private: undefined,
          });
          assert.equal(runs.length, 8);
          for (const run of runs) {
            assert.equal(run.parentSpanId, '');
            // The clocks are those of one machine, and the worker was idle.
            const waited = run.startedAttributes['task.enqueued_at'];
            assert.ok(typeof waited === 'number' && Math.abs(waited - Date.now() / 1000) < 60, String(waited));
          }
        } finally {
          await folder.remove();
        }
      });

      it('a start after a stall is a run of its own, without a wait; a stall too many is one orphan', async () => {
        const stall = async (stalls: number): Promise<void> => {
          const folder = new ScenarioFolder({ lane, files: { 'app.mjs': ESM + STALLING } });
          try {
            const env = { REDIS_URL: await emptyRedis(), STALLS: String(stalls), TASKSPAN_CONSOLE: 'on' };
            const victim = await folder.start('app.mjs', { env: { ...env, ROLE: 'victim' } });
            await victim.printed(/victim works/);
            victim.kill('SIGKILL');
            await victim.ended;
            const { stdout } = await folder.run('app.mjs', { env: { ...env, ROLE: 'finder' } });
            const { runs } = folder.report();
            const [last, ...others] = runs.filter(({ status }) => status !== undefined);
            assert.deepEqual(others, []);
            assert.ok(last !== undefined);
            if (stalls === 1) {
              assert.equal(stdout, 'finder works\n');
              assert.equal(`${last.taskId} ${last.status}`, 'mail.one.2 success');
              assert.equal(last.startedAttributes['task.enqueued_at'], undefined);
            } else {
              assert.equal(stdout, 'job stalled more than allowable limit\n');
              const id = majorOf(version) === 1 ? 'mail.one.stalled' : 'mail.one.1';
              assert.equal(`${last.taskId} ${last.status} ${last.errorType}`, `${id} orphaned process_lost`);
            }
          } finally {
            await folder.remove();
          }
        };
        await Promise.all([1, 0].map(stall));
      });

      it('what a processor in a file does belongs to its run', async () => {
        const kinds = majorOf(version) < 4 ? ['child'] : ['child', 'thread'];
        const { runs, stdout } = await runAlike({
          lane,
          files: { 'app.mjs': ESM + SANDBOX, 'processor.cjs': PROCESSOR },
          env: { KINDS: kinds.join(' '), TASKSPAN_CONSOLE: 'on', PAUSE: majorOf(version) < 6 ? '1500' : '0' },
          main: 'app.mjs',
          freshEnv: async () => ({ REDIS_URL: await emptyRedis() }),
        });
        assert.match(stdout, /0 foreign keys/);
        assert.deepEqual(
          runs.map(({ operation, status }) => `${operation} ${status}`),
          kinds.flatMap(() => ['good success', 'bad failure']),
        );
        for (const { operation, logLines, below, spanId } of runs) {
          assert.deepEqual(
            logLines.map(({ body }) => body),
            [`${operation} in the sandbox`],
          );
          assert.deepEqual(
            below.map(({ name, parentSpanId }) => [name, parentSpanId]),
            [['inside', spanId]],
          );
        }
      });

      for (const pattern of ['', '* * * * * *']) {
        it(`a schedule (${pattern || 'every second'}) has slots, and those that nobody ran`, async () => {
          const { runs, missed } = await runScenario({
            lane,
            files: { 'app.mjs': ESM + SCHEDULE },
            env: { REDIS_URL: await emptyRedis(), PATTERN: pattern },
            metrics: true,
          });
          const [late, next] = runs;
          for (const run of [late, next]) {
            assert.ok(run !== undefined);
            assert.equal(run.attributes['task.trigger'], 'schedule');
            assert.equal(run.attributes['task.schedule'], pattern || 'every 1000 ms');
            assert.deepEqual(run.links, []);
          }
          const [slot, following] = [late, next].map((run) => Number(run?.attributes['task.scheduled_at']));
          assert.ok(slot !== undefined && following !== undefined);
          // More of them on a machine that is late itself.
          assert.ok(following - slot >= 4, `${following} after ${slot}`);
          assert.equal(missed['tick missed'], following - slot - 1);
        });
      }
    });
  }
});
