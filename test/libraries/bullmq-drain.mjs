// An ordinary BullMQ app whose costs are measured: adds jobs, one by one and in bulk, then works on them, twice.
// Prints one line of JSON: microseconds of processor time (all threads) and of the wall clock, per job.
import { createHash } from 'node:crypto';
import { Queue, Worker } from 'bullmq';
import { BullMQOtel } from 'bullmq-otel';
import IORedis from 'ioredis';

const { BENCH_REDIS, BENCH_JOBS, BENCH_ADDS, BENCH_CONCURRENCY, BENCH_HANDLER, BENCH_OTEL } = process.env;
const jobs = Number(BENCH_JOBS);
const adds = Number(BENCH_ADDS);
const WARM_UP_ADDS = 500;
/** Redis takes that many at a time without a pause that would count as the library's. */
const BULK = 1000;

const sdk = BENCH_OTEL === 'on' ? await (await import('./bullmq-drain-sdk.mjs')).startSdk() : undefined;
const telemetry = sdk && new BullMQOtel({ tracerName: 'bench', enableMetrics: true });
/** Whatever exports: what it puts off is part of its costs. */
const flush = () => sdk?.flush() ?? globalThis[Symbol.for('taskspan.v1')]?.owner?.forceFlush();

const HANDLERS = {
  'no-op': async () => undefined,
  // Some 20 us of work, and one turn of the event loop.
  small: async (job) => {
    await new Promise(setImmediate);
    return createHash('sha256').update(JSON.stringify(job.data).repeat(50)).digest('hex');
  },
};
const handler = HANDLERS[BENCH_HANDLER];
const connection = new IORedis(BENCH_REDIS, { maxRetriesPerRequest: null });
const options = { connection, ...(telemetry && { telemetry }) };
const removed = { removeOnComplete: true, removeOnFail: true };

const add = await measureAdds();
const first = await measureDrain('first');
const second = await measureDrain('second');
console.log(JSON.stringify({ add, first, second, spans: sdk?.exported() }));
await sdk?.end();
process.exit(0);

async function measureAdds() {
  const queue = new Queue('producer', options);
  const addAll = async (count) => {
    for (let at = 0; at < count; at += 1) await queue.add('send', { to: `user-${at}@example.com`, at }, removed);
    await flush();
  };
  await addAll(WARM_UP_ADDS);
  const cost = await measure(() => addAll(adds), adds);
  await queue.obliterate({ force: true });
  await queue.close();
  return cost;
}

async function measureDrain(name) {
  const queue = new Queue(name, options);
  for (let at = 0; at < jobs; at += BULK) {
    const bulk = Array.from({ length: Math.min(BULK, jobs - at) }, (_, index) => at + index);
    await queue.addBulk(
      bulk.map((id) => ({ name: 'send', data: { to: `user-${id}@example.com`, id }, opts: removed })),
    );
  }
  await flush();
  const concurrency = Number(BENCH_CONCURRENCY);
  const worker = new Worker(name, handler, { ...options, concurrency, autorun: false });
  await worker.waitUntilReady();
  globalThis.gc?.();
  const cost = await measure(async (done) => {
    let left = jobs;
    const over = new Promise((resolve, reject) => {
      worker.on('completed', () => {
        left -= 1;
        if (left === 0) resolve();
      });
      worker.on('failed', (_job, error) => reject(error));
      worker.on('error', reject);
    });
    void worker.run();
    await over;
    done();
    await flush();
  }, jobs);
  await worker.close();
  await queue.close();
  return cost;
}

/** The clock stops when `work` says so, the processor's when all is flushed. */
async function measure(work, count) {
  const cpuStart = process.cpuUsage();
  const start = performance.now();
  let ended;
  await work(() => {
    ended = performance.now();
  });
  const { user, system } = process.cpuUsage(cpuStart);
  return { wall: (((ended ?? performance.now()) - start) * 1000) / count, cpu: (user + system) / count };
}
