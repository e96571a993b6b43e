/** An app that uses every function of the API once, prints its own metrics, and ends by itself; and what must be true then. */
import assert from 'node:assert/strict';
import type { AppRun } from './app-run.ts';

const BODY = `
const logger = winston.createLogger({ transports: [new winston.transports.Console()] });

async function main() {
  await runTask('commit', async (task) => {
    logger.info('inside the run');
    trace.getTracer('app').startActiveSpan('span of the app', (span) => span.end());
    task.progress(0.5, 'half way');
    task.metric('objects', 3, { unit: '{object}' });
    await new Promise((resolve) => setTimeout(resolve, 5));
  }, { id: 'run-commit' });
  await runTask('merge', async () => { throw new TypeError('conflict'); }, { id: 'run-merge' }).catch(() => undefined);
  if (runTask('count', () => 7, { id: 'run-count' }) !== 7) throw new Error('a sync task must stay sync');
  await runTaskSteps('dump', [{ name: 'refs', run: () => 1 }, { name: 'objects', run: async () => 2 }], { id: 'run-dump' });
  const manual = startTask('manual', { id: 'run-manual' });
  manual.log('info', 'by hand');
  manual.end();
  const quiet = { info() {}, warn() {}, error() {} };
  const record = { id: 'run-record', operation: 'record', done: false };
  const stateless = startTaskSpan(quiet, record);
  record.done = true;
  stateless.end();
  recordOrphanedTask(quiet, { id: 'run-lost', operation: 'lost' });
  recordMissedTask('nightly', { reason: 'skipped', scheduledAt: Date.now() });
  await printMetrics();
}

async function printMetrics() {
  const folder = path.join(process.env.TASKSPAN_DIR, 'processes');
  // The entry is written when the server listens, which may be after the first task.
  for (;;) {
    const names = fs.existsSync(folder) ? fs.readdirSync(folder).filter((name) => name.endsWith('.json')) : [];
    const entries = names.map((name) => JSON.parse(fs.readFileSync(path.join(folder, name), 'utf8')));
    const own = entries.find((entry) => entry.pid === process.pid && entry.metrics_url);
    if (own !== undefined) return console.log(await (await fetch(own.metrics_url)).text());
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
`;

const NAMES = 'recordMissedTask, recordOrphanedTask, runTask, runTaskSteps, startTask, startTaskSpan';

/** Source of the app by module system. */
export const PROVING_APP = {
  'app.mjs': `import fs from 'node:fs';
import path from 'node:path';
import { trace } from '@opentelemetry/api';
import { ${NAMES} } from 'taskspan';
import winston from 'winston';
${BODY}`,
  'app.cjs': `const fs = require('node:fs');
const path = require('node:path');
const { trace } = require('@opentelemetry/api');
const { ${NAMES} } = require('taskspan');
const winston = require('winston');
${BODY}`,
} as const;

export type ProvingApp = keyof typeof PROVING_APP;

/** Ways to switch the toolkit on without touching an app. */
export const FLAGS = {
  '--import': { nodeArgs: ['--import', 'taskspan/register'] },
  '--require': { nodeArgs: ['--require', 'taskspan/register'] },
  NODE_OPTIONS: { env: { NODE_OPTIONS: '--import taskspan/register' } },
} as const;

const FINISHED = [
  ['commit', 'success'],
  ['merge', 'failure'],
  ['count', 'success'],
  ['dump', 'success'],
  ['manual', 'success'],
  ['record', 'success'],
  ['lost', 'orphaned'],
] as const;

/** Throws unless the app ended as it would have alone, and every run is in the metrics and in a file of its own. */
export function assertProven(run: AppRun): void {
  assert.equal(run.stderr, '', 'clean stderr');
  assert.deepEqual({ code: run.code, signal: run.signal }, { code: 0, signal: null });
  assert.ok(run.stdout.startsWith('{"level":"info","message":"inside the run"}\n'), run.stdout.slice(0, 300));
  for (const [operation, status] of FINISHED) {
    assert.equal(metricValue(run.stdout, 'async_operations_total', { operation, status }), 1, `${operation} ${status}`);
    assert.equal(metricValue(run.stdout, 'async_operations_running', { operation }), 0, operation);
  }
  assert.equal(
    metricValue(run.stdout, 'async_operations_missed_total', { operation: 'nightly', reason: 'skipped' }),
    1,
  );
  for (const [operation, status] of FINISHED) {
    if (status === 'orphaned') continue;
    const log = run.logs[`run-${operation}`] ?? '';
    assert.match(log, /"task\.started"/, `${operation}: ${Object.keys(run.logs).join(' ')}`);
    assert.match(log, /"task\.ended"/, operation);
    for (const line of log.trimEnd().split('\n')) JSON.parse(line);
  }
  assert.match(run.logs['run-commit'] ?? '', /inside the run/, 'the line that winston printed');
  assert.match(run.logs['run-commit'] ?? '', /span of the app/, 'the span below the task');
  assert.match(run.logs['run-dump'] ?? '', /"task\.step"/);
}

/** Value of one series in Prometheus text; undefined when it is not there. */
export function metricValue(text: string, name: string, labels: Readonly<Record<string, string>>): number | undefined {
  const line = text
    .split('\n')
    .find(
      (candidate) =>
        candidate.startsWith(`${name}{`) &&
        Object.entries(labels).every(([key, value]) => new RegExp(`[{,]${key}="${value}"[,}]`).test(candidate)),
    );
  return line === undefined
    ? undefined
    : Number(
        line
          .slice(line.lastIndexOf('}') + 1)
          .trim()
          .split(' ')[0],
      );
}
