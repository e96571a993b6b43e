import { PostgresServer } from '../e2e/harness/postgres-server.ts';
import { RedisServer } from '../e2e/harness/redis-server.ts';

/** Databases of Redis are numbered; each test gets the next one. */
const REDIS_DATABASES = 10_000;

let redis: Promise<RedisServer> | undefined;
let postgres: Promise<PostgresServer> | undefined;
let redisDatabases = 0;

/** `redis://127.0.0.1:<port>/<number>` of an empty database, of the one Redis of this run of tests. */
export async function emptyRedis(): Promise<string> {
  redis ??= RedisServer.start({ databases: String(REDIS_DATABASES) });
  const { url } = await redis;
  redisDatabases += 1;
  return `${url}/${redisDatabases}`;
}

/** `postgres://…` of an empty database, of the one PostgreSQL of this run of tests. */
export async function emptyPostgres(): Promise<string> {
  return await (await postgresServer()).createDatabase();
}

/** The PostgreSQL of this run of tests: `query(sql, url)` looks into a database. */
export function postgresServer(): Promise<PostgresServer> {
  postgres ??= PostgresServer.start();
  return postgres;
}

/** Ends what was started. */
export async function stopDataServers(): Promise<void> {
  const started = [redis, postgres];
  redis = undefined;
  postgres = undefined;
  await Promise.all(started.map(async (server) => await (await server)?.stop()));
}
