import assert from 'node:assert/strict';
import { poll } from '../e2e/harness/poll.ts';
import { emptyPostgres, postgresServer } from './data-servers.ts';
import { LANES } from './lanes.ts';
import { runScenario, ScenarioFolder } from './scenario.ts';

const [lane] = LANES;

/** A task within a task, a line of winston, a span, and schedules that did not happen. */
const APP = `
import { trace } from '@opentelemetry/api';
import { recordMissedTask, runTask } from 'taskspan';
import winston from 'winston';
const logger = winston.createLogger({ transports: [new winston.transports.Console()] });
await runTask('commit', async () => {
  logger.warn('inside the run', { files: 3 });
  trace.getTracer('app').startActiveSpan('of the app', (span) => span.end());
}, { id: 'one', attempt: 2, maxAttempts: 5 });
await runTask('merge', async () => { throw new TypeError('conflict'); }).catch(() => undefined);
recordMissedTask('nightly', { reason: 'overlap' });
recordMissedTask('nightly', { reason: 'overlap' });
`;

const ENDLESS = `
import { runTask } from 'taskspan';
void runTask('import', () => new Promise(() => setInterval(() => undefined, 1000)));
console.log('begun', process.env.DATABASE_URL);
`;

describe('what an app leaves behind', () => {
  it('comes back as runs with their records, spans, log lines and metrics', async () => {
    assert.ok(lane !== undefined);
    const { runs, spans, missed, metrics, stdout } = await runScenario({
      lane,
      files: { 'app.mjs': APP },
      metrics: true,
    });
    assert.equal(stdout, '{"files":3,"level":"warn","message":"inside the run"}\n');
    const [commit, merge, ...others] = runs;
    assert.ok(commit !== undefined && merge !== undefined);
    assert.deepEqual(others, []);
    assert.deepEqual(
      [commit.operation, commit.taskId, commit.status, commit.attempt, commit.maxAttempts, commit.kind],
      ['commit', 'one', 'success', 2, 5, 'INTERNAL'],
    );
    assert.deepEqual(commit.events, ['task.started', 'task.ended']);
    assert.deepEqual(
      commit.logLines.map(({ severity, body, attributes }) => [severity, body, attributes['files']]),
      [['warn', 'inside the run', 3]],
    );
    assert.deepEqual(
      commit.below.map(({ name, parentSpanId }) => [name, parentSpanId]),
      [['of the app', commit.spanId]],
    );
    assert.deepEqual([merge.status, merge.errorType, merge.span?.isError], ['failure', 'TypeError', true]);
    assert.equal(spans.length, 3);
    assert.deepEqual(missed, { 'nightly overlap': 2 });
    assert.equal(metrics.sum('async_operations_total', { operation: 'commit', status: 'success' }), 1);
  });

  it('is that of all its processes, of killed ones too', async () => {
    assert.ok(lane !== undefined);
    const folder = new ScenarioFolder({ lane, files: { 'endless.mjs': ENDLESS, 'app.mjs': APP } });
    try {
      const url = await emptyPostgres();
      const endless = await folder.start('endless.mjs', { env: { DATABASE_URL: url } });
      await endless.printed(/begun postgres:/);
      assert.equal((await endless.metrics()).sum('async_operations_running', { operation: 'import' }), 1);
      await folder.run('app.mjs');
      await poll('the open run to be on disk', () => assert.equal(folder.report().runs[0]?.operation, 'import'));
      endless.kill('SIGKILL');
      assert.equal((await endless.ended).signal, 'SIGKILL');
      const { runs } = folder.report();
      assert.deepEqual(
        runs.map(({ operation, status }) => [operation, status]),
        [
          ['import', undefined],
          ['commit', 'success'],
          ['merge', 'failure'],
        ],
      );
      assert.deepEqual(await (await postgresServer()).query('SELECT 1 AS one', url), [{ one: '1' }]);
    } finally {
      await folder.remove();
    }
  });

  it('is named when an app does not end as it should, or not in time', async () => {
    assert.ok(lane !== undefined);
    await assert.rejects(runScenario({ lane, files: { 'app.mjs': 'console.log("why");\nprocess.exit(3);\n' } }), {
      message: /^app\.mjs ended with 3:\nwhy/,
    });
    await assert.rejects(runScenario({ lane, files: { 'app.mjs': ENDLESS }, timeoutMs: 2000 }), {
      message: /^app\.mjs did not end within 2000 ms/,
    });
  });
});
