import { setTimeout as sleep } from 'node:timers/promises';
import { DelayedError } from 'bullmq';
import { logger } from '../logger.js';

const NEXT_LOOK_MS = 200;

/**
 * @param {import('bullmq').Job} job
 * @param {{supplier: import('../services/supplier.js').Supplier, token: string | undefined}} context
 */
export async function handleShipping(job, { supplier, token }) {
  switch (job.name) {
    case 'pack':
      return await pack(job, { supplier, token });
    case 'ship':
      return await ship(job);
    default:
      throw new Error(`no such job: ${job.name}`);
  }
}

async function pack(job, { supplier, token }) {
  const { orderId, item } = job.data;
  if (!supplier.hasReserved(orderId, item)) {
    logger.info('not there yet, packed later', { orderId, item });
    await job.moveToDelayed(Date.now() + NEXT_LOOK_MS, token);
    throw new DelayedError();
  }
  await sleep(10);
  logger.info('packed', { orderId, item });
  return item;
}

async function ship(job) {
  const packed = Object.values(await job.getChildrenValues()).sort();
  logger.info('shipped', { orderId: job.data.orderId, packed });
  return packed;
}
