import { setTimeout as sleep } from 'node:timers/promises';
import { logger } from './logger.js';
import { PushService } from './push-service.js';

const push = new PushService();

/** Jobs come in arrays, of one unless a batch was asked for. */
export async function makeThumbnail([job]) {
  const { id, file } = job.data;
  logger.info({ photo: id }, 'making thumbnail');
  await sleep(30);
  return { thumbnail: file.replace(/\.\w+$/, '.thumb.webp') };
}

export async function notifyFollowers([job]) {
  const { id, followers } = job.data;
  logger.info({ photo: id }, 'notifying followers');
  await push.notify(id, followers);
  logger.info({ photo: id, followers }, 'followers notified');
}

export async function checkUpload([job]) {
  const { id, file } = job.data;
  await sleep(10);
  if (!/\.(jpe?g|png|webp)$/.test(file)) {
    logger.warn({ photo: id, file }, 'upload refused');
    throw new TypeError(`not a photo: ${file}`);
  }
  logger.info({ photo: id }, 'upload checked');
}

/** Takes what has piled up at once. */
export async function indexPhotos(jobs) {
  await sleep(20);
  logger.info({ words: jobs.map((job) => job.data.word).sort() }, 'photos indexed');
}

export async function removeDraft([job]) {
  logger.info({ photo: job.data.id }, 'draft removed');
}

export async function cleanUp() {
  logger.info('nothing to clean up');
}
