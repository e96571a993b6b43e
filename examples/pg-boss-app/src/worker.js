import { startBoss } from './boss.js';
import { checkUpload, cleanUp, indexPhotos, makeThumbnail, notifyFollowers, removeDraft } from './handlers.js';
import { logger } from './logger.js';

const boss = await startBoss();
const often = { pollingIntervalSeconds: 0.5 };
await boss.work('make-thumbnail', often, makeThumbnail);
await boss.work('notify-followers', often, notifyFollowers);
await boss.work('check-upload', often, checkUpload);
await boss.work('index-photos', { ...often, batchSize: 10 }, indexPhotos);
await boss.work('remove-draft', often, removeDraft);
await boss.work('nightly-cleanup', cleanUp);
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, stop);
logger.info('worker ready');

/**
 * Takes no more jobs and waits for those that run.
 *
 * @param {string} signal
 */
async function stop(signal) {
  logger.info({ signal }, 'stopping');
  await boss.stop();
  logger.info('stopped');
}
