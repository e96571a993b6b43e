import PgBoss from 'pg-boss';
import { logger } from './logger.js';

const DATABASE_URL = process.env.DATABASE_URL ?? 'postgres://postgres@127.0.0.1:5432/postgres';

/**
 * @param {import('pg-boss').ConstructorOptions} [options]
 * @returns {Promise<PgBoss>} connected
 */
export async function startBoss(options) {
  const boss = new PgBoss({ connectionString: DATABASE_URL, ...options });
  boss.on('error', (error) => logger.error({ error: error.message }, 'pg-boss'));
  return await boss.start();
}
