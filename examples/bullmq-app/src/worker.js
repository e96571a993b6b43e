import { Worker } from 'bullmq';
import { sendMail } from './handlers/mail.js';
import { charge } from './handlers/payments.js';
import { handleShipping } from './handlers/shipping.js';
import { handleStock } from './handlers/stock.js';
import { logger } from './logger.js';
import { connectRedis } from './redis.js';
import { Supplier } from './services/supplier.js';

const connection = await connectRedis();
const supplier = new Supplier();

const stock = new Worker('stock', (job) => handleStock(job, { supplier, worker: stock }), { connection });
const mail = new Worker('mail', sendMail, { connection, concurrency: 5 });
const payments = new Worker('payments', charge, { connection });
const shipping = new Worker('shipping', (job, token) => handleShipping(job, { supplier, token }), { connection });
const workers = [stock, mail, payments, shipping];

for (const worker of workers) {
  worker.on('error', (error) => logger.error('worker', { queue: worker.name, error: error.message }));
  worker.on('failed', (job, error) => {
    const { name, attemptsMade: attempt } = job ?? {};
    logger.warn('job failed', { queue: worker.name, job: name, attempt, error: `${error.name}: ${error.message}` });
  });
}
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, stop);

await Promise.all(workers.map((worker) => worker.waitUntilReady()));
logger.info('worker ready', { queues: workers.map((worker) => worker.name) });

/**
 * Takes no more jobs; those that run come to their end, and with them the process.
 *
 * @param {string} signal
 */
async function stop(signal) {
  logger.info('stopping', { signal });
  await Promise.all(workers.map((worker) => worker.close()));
  await connection.quit();
  logger.info('stopped');
}
