import { setTimeout as sleep } from 'node:timers/promises';

/** How often the service does not answer before it does. */
const SILENT_CALLS = 2;

/** Stands for a service that is slow to answer the first calls for a photo. */
export class PushService {
  #calls = new Map();

  /**
   * @param {string} photoId
   * @param {number} followers
   */
  async notify(photoId, followers) {
    const call = (this.#calls.get(photoId) ?? 0) + 1;
    this.#calls.set(photoId, call);
    await sleep(10);
    if (call <= SILENT_CALLS) throw new PushTimeout(`${followers} followers of ${photoId} not reached`);
  }
}

class PushTimeout extends Error {
  name = 'PushTimeout';
}
