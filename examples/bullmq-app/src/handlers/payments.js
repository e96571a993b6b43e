import { logger } from '../logger.js';
import { Bank } from '../services/bank.js';

const bank = new Bank();

/** @param {import('bullmq').Job} job */
export async function charge(job) {
  const { orderId, cents } = job.data;
  logger.info('charging', { orderId, cents, attempt: job.attemptsMade + 1 });
  const receipt = await bank.charge(orderId, cents);
  await job.updateProgress(100);
  logger.info('charged', { orderId, receipt });
  return { receipt };
}
