/**
 * Runs that end in every way there is, `node every-end.mjs <rounds>`, each round once; says `done` and goes on until
 * its stdin is closed, so that its metrics can be read meanwhile.
 */
import { once } from 'node:events';
import { Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { trace } from '@opentelemetry/api';
import pino from 'pino';
import { recordMissedTask, recordOrphanedTask, runTask, runTaskSteps, startTask } from 'taskspan';
import winston from 'winston';

const rounds = Number(process.argv[2] ?? 1);
const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
const winstonLogger = winston.createLogger({ transports: [new winston.transports.Stream({ stream: nowhere })] });
const pinoLogger = pino(nowhere);
const tracer = trace.getTracer('app');
const quiet = { info() {}, warn() {}, error() {} };

// As after the first look of the retention, which comes after a minute at the soonest.
if (process.env.COUNTED_FILES !== undefined) {
  globalThis[Symbol.for('taskspan.v1')].logsFolder = { files: Number(process.env.COUNTED_FILES), bytes: 4096 };
}

winstonLogger.info('before any run');
for (let round = 1; round <= rounds; round++) {
  await Promise.all([dump(round), merge(round), late(round), takenBack(round), requeued(round), mail(round)]);
}
recordOrphanedTask(quiet, { id: 'orphan-1', operation: 'lost' });
recordMissedTask('nightly', { reason: 'overlap', scheduledAt: Date.now() });
const open = startTask('watch', { id: 'watch-1' });
console.log('done');
process.stdin.resume();
await once(process.stdin, 'end');
open.end();

/** Steps with lines of both loggers in them, progress, a metric point, a span of the app's own. */
async function dump(round) {
  const steps = [
    {
      name: 'list',
      run: (task) => {
        winstonLogger.info('listing', { round });
        task.progress(0.5, 'half way');
        tracer.startActiveSpan('read refs', (span) => span.end());
      },
    },
    {
      name: 'pack',
      run: async (task) => {
        await sleep(120);
        pinoLogger.info({ round }, 'packing');
        task.metric('objects', round, { unit: '{object}', labels: { kind: 'blob' } });
        task.addOutput(`bundle-${round}`);
      },
    },
  ];
  await runTaskSteps('dump_refs', steps, {
    id: `dump-${round}`,
    label: `round ${round}`,
    attributes: { repository: 'demo', request_id: `req-${round}`, user: 'ada' },
    enqueuedAt: Date.now() - 30,
  });
}

async function merge(round) {
  const conflict = Object.assign(new TypeError('conflict in index.md'), { cause: new Error('both changed it') });
  await runTask('merge', async () => Promise.reject(conflict), { id: `merge-${round}` }).catch(() => undefined);
}

async function late(round) {
  await runTask('sweep', () => sleep(10), { id: `sweep-${round}`, deadline: Date.now() + 1 });
}

async function takenBack(round) {
  const request = new AbortController();
  const work = ({ signal }) => sleep(10_000, undefined, { signal });
  const ended = runTask('dump_refs', work, { id: `taken-back-${round}`, signal: request.signal });
  request.abort();
  await ended.catch(() => undefined);
}

async function requeued(round) {
  const task = startTask('import', { id: `requeued-${round}`, attempt: 2, maxAttempts: 3 });
  await task.run(async () => winstonLogger.warn('not yet', { round }));
  task.end({ status: 'deferred' });
}

/** The enqueuer's context travels in the job's data; the run is a trace of its own, linked to it. */
async function mail(round) {
  const enqueuer = startTask('submit', { id: `submit-${round}` });
  const job = { carrier: enqueuer.inject(), enqueuedAt: Date.now() };
  enqueuer.end();
  await runTask(
    'send_mail',
    async (task) => {
      task.log('info', 'rendering', { template: 'welcome' });
      await runTask('render', () => 'text', { id: `render-${round}` });
    },
    { id: `mail-${round}`, ...job },
  );
}
