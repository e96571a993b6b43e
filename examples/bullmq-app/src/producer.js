import { FlowProducer, Queue } from 'bullmq';
import { connectRedis } from './redis.js';

const [orderId, ...items] = process.argv.slice(2);
if (orderId === undefined || items.length === 0) {
  console.error('usage: node src/producer.js <order> <item>...');
  process.exitCode = 2;
} else {
  await placeOrder(orderId, items);
}

/**
 * @param {string} orderId
 * @param {string[]} items
 */
async function placeOrder(orderId, items) {
  const connection = await connectRedis();
  const mail = new Queue('mail', { connection });
  const payments = new Queue('payments', { connection });
  const stock = new Queue('stock', { connection });
  const flows = new FlowProducer({ connection });

  await payments.add('charge', { orderId, cents: items.length * 1250 }, { attempts: 3, backoff: 100 });
  await mail.addBulk([
    { name: 'confirmation', data: { orderId, to: 'ann@example.com' } },
    { name: 'confirmation', data: { orderId, to: 'the shop, at its counter' } },
  ]);
  await mail.add('review-request', { orderId, to: 'ann@example.com' }, { delay: 1000 });
  for (const item of items) await stock.add('reserve', { orderId, item });
  await flows.add({
    name: 'ship',
    queueName: 'shipping',
    data: { orderId },
    children: items.map((item) => ({ name: 'pack', queueName: 'shipping', data: { orderId, item } })),
  });
  await stock.upsertJobScheduler('stock-count', { every: 1000 }, { name: 'count' });
  console.log(`order ${orderId} placed: ${items.join(', ')}`);

  await Promise.all([mail, payments, stock, flows].map((queue) => queue.close()));
  await connection.quit();
}
