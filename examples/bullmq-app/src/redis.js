import { Redis } from 'ioredis';

const REDIS_URL = process.env.REDIS_URL ?? 'redis://127.0.0.1:6379';

/**
 * One connection for all queues; workers add one each, as they wait on it.
 *
 * @returns {Promise<Redis>} connected; it reconnects by itself from then on
 * @throws {Error} when there is no Redis to begin with
 */
export async function connectRedis() {
  const redis = new Redis(REDIS_URL, { lazyConnect: true, maxRetriesPerRequest: null });
  let reason;
  redis.once('error', (error) => {
    reason = error;
  });
  try {
    await redis.connect();
  } catch (error) {
    redis.disconnect();
    throw new Error(`no Redis at ${REDIS_URL}: ${(reason ?? error).message}`);
  }
  return redis;
}
