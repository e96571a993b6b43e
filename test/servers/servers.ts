import { prometheusPrograms } from './debian-prometheus.ts';
import { jaegerProgram } from './jaeger-build.ts';
import { serversFolder } from './kept-folder.ts';
import { otelcolProgram } from './otelcol-build.ts';
import { postgresPrograms } from './postgres-programs.ts';
import { redisProgram } from './redis-program.ts';

/** Absolute paths of the programs that the end-to-end tests start. */
export interface Servers {
  readonly otelcol: string;
  readonly jaeger: string;
  readonly prometheus: string;
  readonly promtool: string;
}

/**
 * The programs, made when they are not there yet: the Collector and Jaeger are built from their Go modules, one after
 * the other, as each uses every core for minutes; Prometheus is the system's own or Debian's package.
 *
 * @throws Error with a message for the user when Go or Prometheus is missing, or when a build fails
 */
export async function findServers(): Promise<Servers> {
  const within = serversFolder();
  return {
    otelcol: await otelcolProgram(within),
    jaeger: await jaegerProgram(within),
    ...(await prometheusPrograms(within)),
  };
}

/** Absolute paths of what the tests of job libraries start. */
export interface DataServers {
  /** The program `redis-server`. */
  readonly redis: string;
  /** The folder of `initdb` and `postgres`. */
  readonly postgres: string;
}

/**
 * Redis and PostgreSQL: the system's own or Debian's packages; nothing is built.
 *
 * @throws Error with a message for the user when one is missing
 */
export async function findDataServers(): Promise<DataServers> {
  const within = serversFolder();
  return { redis: await redisProgram(within), postgres: await postgresPrograms(within) };
}
