import { startBoss } from './boss.js';
import { logger } from './logger.js';

/** Made before web server and worker start: PostgreSQL refuses to make them for two at a time. */
const QUEUES = [
  { name: 'make-thumbnail' },
  { name: 'notify-followers', retryLimit: 2 },
  { name: 'check-upload', retryLimit: 0 },
  { name: 'index-photos' },
  { name: 'remove-draft' },
  { name: 'nightly-cleanup' },
];

const boss = await startBoss({ supervise: false, schedule: false });
for (const queue of QUEUES) await boss.createQueue(queue.name, queue);
await boss.schedule('nightly-cleanup', '0 3 * * *');
await boss.stop();
logger.info({ queues: QUEUES.map((queue) => queue.name) }, 'queues are there');
