/** Ordinary apps with BullMQ, in every version of it. */

/** The same lines for every app; `bullmq` is the namespace of the library, whichever way it was loaded. */
const SHARED = `
const { hostname, port, pathname } = new URL(process.env.REDIS_URL);
const connection = { host: hostname, port: Number(port), db: Number(pathname.slice(1)), maxRetriesPerRequest: null };
const { Queue, QueueEvents, QueueScheduler, Worker } = bullmq;
// Before 2 it is this that moves delayed and stalled jobs on.
const schedule = (options) => QueueScheduler && new QueueScheduler('mail', { connection, stalledInterval: 500, ...options });
const when = (emitter, event, isIt = () => true) => new Promise((resolve) => {
  emitter.on(event, (...args) => { if (isIt(...args)) resolve(args); });
});
`;

export const ESM: string = `import * as bullmq from 'bullmq';\n${SHARED}`;
export const CJS: string = `const bullmq = require('bullmq');\n${SHARED}`;

/** Every way in which a job ends, one after the other. */
export const ENDINGS: string = `
const children = new Queue('children', { connection });
const childWorker = new Worker('children', async (job) => { console.log('child'); return job.data; }, { connection });
const states = {};
async function endure(job, token) {
  const run = (states[job.name] = (states[job.name] ?? 0) + 1);
  console.log(job.name, run);
  switch (job.name) {
    case 'fine': return 42;
    case 'flaky': if (run === 1) throw new TypeError('not yet'); return 'at last';
    case 'hopeless': throw new RangeError('never');
    case 'unrecoverable': throw new bullmq.UnrecoverableError('no use');
    case 'text': throw 'a text';
    case 'delayed':
      if (run > 1) return 'later';
      await job.moveToDelayed(Date.now() + 50, token);
      throw new bullmq.DelayedError();
    case 'limited':
      if (run > 1) return 'slower';
      await worker.rateLimit(50);
      throw Worker.RateLimitError();
    case 'parent': {
      if (run > 1) return 'with children';
      await children.add('child', {}, { parent: { id: job.id, queue: job.queueQualifiedName } });
      const wait = await job.moveToWaitingChildren(token);
      if (wait) throw new bullmq.WaitingChildrenError();
    }
  }
}
const scheduler = schedule();
const worker = new Worker('mail', endure, { connection, limiter: { max: 100, duration: 50 } });
const queue = new Queue('mail', { connection });
await worker.waitUntilReady();
await childWorker.waitUntilReady();
const ended = (name) => Promise.race([
  when(worker, 'completed', (job) => job.name === name),
  when(worker, 'failed', (job) => job.name === name && job.finishedOn !== undefined),
]);
for (const name of process.env.JOBS.split(' ')) {
  const end = ended(name);
  await queue.add(name, { secret: name }, name === 'flaky' || name === 'hopeless' || name === 'unrecoverable'
    ? { attempts: 2, jobId: 'id-' + name } : { jobId: 'id-' + name });
  await end;
}
await Promise.all([worker.close(), childWorker.close(), children.close(), queue.close(), scheduler?.close()]);
`;

/** Puts jobs in by every way, once the worker is there. */
export const PRODUCER: string = `
const queue = new Queue('mail', { connection });
const handed = { attempts: 2 };
await queue.add('single', {}, handed);
const bulk = [{ name: 'bulk', data: 1, opts: { jobId: 'b1' } }, { name: 'bulk', data: 2 }];
await queue.addBulk(bulk);
const flows = new bullmq.FlowProducer({ connection });
const flow = { name: 'top', queueName: 'mail', children: [{ name: 'below', queueName: 'mail', data: {} }] };
await flows.add(flow);
await flows.addBulk([{ name: 'alone', queueName: 'mail' }]);
await queue.add('own', {}, { telemetry: { metadata: 'their own words' } });
await queue.add('private', {}, { telemetry: { omitContext: true } });
console.log(JSON.stringify([handed, bulk, flow]));
await Promise.all([queue.close(), flows.close()]);
`;

/** Ends once it has done as many jobs as it is told. */
export const WORKER: string = `
let left = Number(process.env.JOBS);
const worker = new Worker('mail', async () => {}, { connection });
worker.on('completed', async () => { if (--left === 0) await worker.close(); });
await worker.waitUntilReady();
console.log('ready');
`;

/** Dies in its first jobs; another worker of the same queue finds them out. */
export const STALLING: string = `
const mine = process.env.ROLE;
const worker = new Worker('mail', async (job) => {
  console.log(mine, 'works');
  if (mine === 'victim') await new Promise(() => setInterval(() => {}, 1000));
}, { connection, lockDuration: 1000, stalledInterval: 500, maxStalledCount: Number(process.env.STALLS), drainDelay: 1 });
const scheduler = schedule({ maxStalledCount: Number(process.env.STALLS) });
const over = async () => { await Promise.all([worker.close(), scheduler?.close()]); };
worker.on('completed', over);
(scheduler ?? worker).on('failed', async (job, error) => { console.log(error.message); await over(); });
if (mine === 'victim') {
  const queue = new Queue('mail', { connection });
  await queue.add('heavy', {}, { jobId: 'one' });
}
`;

/** A processor in a file, called in a child process and in a thread. */
export const SANDBOX: string = `
const queue = new Queue('mail', { connection });
const events = new QueueEvents('mail', { connection });
await events.waitUntilReady();
for (const useWorkerThreads of process.env.KINDS.split(' ').map((kind) => kind === 'thread')) {
  const worker = new Worker('mail', process.cwd() + '/processor.cjs', { connection, useWorkerThreads });
  for (const name of ['good', 'bad']) {
    const job = await queue.add(name, { a: 1 });
    console.log(await job.waitUntilFinished(events).catch((error) => error.message));
  }
  // Before 6 a thread is terminated, with all that it has not written yet.
  if (useWorkerThreads) await new Promise((resolve) => setTimeout(resolve, Number(process.env.PAUSE)));
  await worker.close();
}
await Promise.all([queue.close(), events.close()]);
`;

export const PROCESSOR: string = `
const { trace } = require('@opentelemetry/api');
module.exports = async (job) => {
  console.log(job.name, 'in the sandbox');
  await new Promise((resolve) => setTimeout(resolve, 5));
  trace.getTracer('app').startActiveSpan('inside', (span) => span.end());
  if (job.name === 'bad') throw new TypeError('bad');
  return Object.keys(job).filter((key) => key === 'taskspan').length + ' foreign keys';
};
`;

/** A schedule whose first worker comes three slots late. */
export const SCHEDULE: string = `
const queue = new Queue('mail', { connection });
const repeat = process.env.PATTERN ? { [QueueScheduler ? 'cron' : 'pattern']: process.env.PATTERN } : { every: 1000 };
if (queue.upsertJobScheduler) await queue.upsertJobScheduler('tick', repeat, { name: 'tick', data: {} });
else await queue.add('tick', {}, { repeat });
const [first] = await queue.getDelayed().then(async (jobs) => jobs.length > 0 ? jobs : await queue.getWaiting());
await new Promise((resolve) => setTimeout(resolve, first.timestamp + (first.opts.delay ?? 0) - Date.now() + 3500));
const scheduler = schedule();
let runs = 0;
const worker = new Worker('mail', async () => {}, { connection });
await new Promise((resolve) => worker.on('completed', () => { if ((runs += 1) === 2) resolve(); }));
await Promise.all([worker.close(), scheduler?.close(), queue.close()]);
`;
