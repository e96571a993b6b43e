import { Worker } from 'bullmq';
import { logger } from '../logger.js';

/**
 * @param {import('bullmq').Job} job
 * @param {{supplier: import('../services/supplier.js').Supplier, worker: Worker}} context
 */
export async function handleStock(job, { supplier, worker }) {
  switch (job.name) {
    case 'reserve':
      return await reserve(job, { supplier, worker });
    case 'count':
      logger.info('stock counted', { reserved: supplier.reservedCount });
      return supplier.reservedCount;
    default:
      throw new Error(`no such job: ${job.name}`);
  }
}

async function reserve(job, { supplier, worker }) {
  const { orderId, item } = job.data;
  const waitMs = await supplier.reserve(orderId, item);
  if (waitMs > 0) {
    logger.info('the supplier asks for patience', { orderId, item, waitMs });
    await worker.rateLimit(waitMs);
    throw Worker.RateLimitError();
  }
  logger.info('reserved', { orderId, item });
  return item;
}
