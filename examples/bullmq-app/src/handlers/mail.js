import { setTimeout as sleep } from 'node:timers/promises';
import { UnrecoverableError } from 'bullmq';
import { logger } from '../logger.js';

/** @param {import('bullmq').Job} job */
export async function sendMail(job) {
  const { orderId, to } = job.data;
  // Another attempt would not help.
  if (!/^\S+@\S+$/.test(to)) throw new UnrecoverableError(`not an address: ${to}`);
  await sleep(20);
  logger.info(`sent ${job.name}`, { orderId, to });
  return { sent: to };
}
