import { lookup } from 'node:dns/promises';
import type { AddressInfo } from 'node:net';
import { reportOnce } from '@taskspan/core/hub';
import { type AccessToken, AccessTokens } from './access-tokens.ts';
import { Guard } from './guard.ts';
import { HttpApp } from './http-app.ts';
import { JobRoutes } from './job-routes.ts';
import type { JobSource, MetricsSource } from './job-source.ts';
import { type ServerLimits, serverLimits } from './limits.ts';
import { isLoopback } from './loopback.ts';
import { ServerNames } from './server-names.ts';

export interface ServerOptions {
  /** A `JobLogReader`. The server does not close it. */
  readonly reader: JobSource;
  /** A `MetricsAggregator`; without one `/api/v1/metrics` is empty. The server does not close it. */
  readonly metrics?: MetricsSource | undefined;
  /** Address or name to listen on; default 127.0.0.1. One that others can reach needs a token. */
  readonly host?: string | undefined;
  /** First port to try, 0 for any free one; default 4390. */
  readonly port?: number | undefined;
  /** Who may read; without any, everybody who reaches the server may. */
  readonly tokens?: readonly AccessToken[] | undefined;
  /** Names beside `localhost` by which requests may call the server, such as that of a proxy in front. */
  readonly allowedHosts?: readonly string[] | undefined;
  readonly limits?: Partial<ServerLimits> | undefined;
  /** Told of failures that are no fault of a request; by default they are reported as warnings of OpenTelemetry. */
  readonly onError?: ((error: unknown) => void) | undefined;
}

export interface JobServer {
  /** `http://127.0.0.1:4390`, without a slash at its end. */
  readonly url: string;
  readonly port: number;
  /** Ends streams, waits a second for other answers, and closes the port. */
  close(): Promise<void>;
}

const DEFAULT_PORT = 4390;
/** Ports tried in a row, before any free one is taken. */
const PORTS_TRIED = 20;
/** Milliseconds that answers have to be taken when the server closes. */
const CLOSE_MS = 1000;

/**
 * Serves the REST API on the port, or on the next free one when it is taken.
 *
 * @throws RangeError for an option that cannot be, Error for an address that cannot be listened on, and for one that
 * others can reach when there is no token
 */
export async function startServer(options: ServerOptions): Promise<JobServer> {
  const { reader, metrics, host = '127.0.0.1', port = DEFAULT_PORT } = options;
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new RangeError(`port must be 0 to 65535, got ${port}`);
  const limits = serverLimits(options.limits);
  const tokens = new AccessTokens(options.tokens ?? []);
  const isWildcard = ['0.0.0.0', '::'].includes(host);
  const names = new ServerNames([...(options.allowedHosts ?? []), ...(isWildcard ? [] : [host])]);
  // The very address that was judged is listened on, whatever the name means a moment later.
  const { address } = await lookup(host);
  if (tokens.isEmpty && !isLoopback(address)) {
    throw new Error(`${host} can be reached by others, who could read all logs: a token is needed to listen there`);
  }
  const onError =
    options.onError ??
    ((error: unknown): void => reportOnce('server.request', `the server could not answer a request: ${String(error)}`));
  const routes = new JobRoutes({ reader, metrics, limits });
  const app = new HttpApp({ routes, guard: new Guard(names, tokens), limits, onError });
  await listenOnFree(app, address, port);
  const { port: taken } = app.fastify.server.address() as AddressInfo;
  return {
    url: urlOf(host, address, taken),
    port: taken,
    close: () => close(app),
  };
}

async function listenOnFree(app: HttpApp, host: string, first: number): Promise<void> {
  const ports = first === 0 ? [0] : Array.from({ length: PORTS_TRIED }, (_, n) => first + n);
  for (const port of [...ports.filter((candidate) => candidate <= 65_535), 0]) {
    try {
      // exclusive: a cluster would hand one port to all of its workers.
      await app.fastify.listen({ host, port, exclusive: true });
      return;
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined;
      if (port === 0 || (code !== 'EADDRINUSE' && code !== 'EACCES')) {
        await app.fastify.close();
        throw error;
      }
    }
  }
}

async function close(app: HttpApp): Promise<void> {
  app.abortOpen();
  const timer = setTimeout(() => app.fastify.server.closeAllConnections(), CLOSE_MS);
  await app.fastify.close();
  clearTimeout(timer);
}

/** A URL that works on this host: a wildcard address is reached through the loopback one. */
function urlOf(host: string, address: string, port: number): string {
  const reachable = address === '0.0.0.0' ? '127.0.0.1' : address === '::' ? '::1' : host;
  return `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`;
}
