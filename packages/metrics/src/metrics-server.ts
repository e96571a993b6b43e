import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { reportOnce, safely } from '@taskspan/core/hub';

/** Gives the text that a scrape returns, in Prometheus exposition format 0.0.4. */
export interface ScrapeSource {
  scrape(): Promise<string>;
}

export interface MetricsServerStart {
  /** Address to listen on. Default 127.0.0.1. */
  readonly host?: string | undefined;
  /** First port to try; 0 for any free one. Default 9464. */
  readonly port?: number | undefined;
  /** Called once with the URL of the metrics, when the server listens. */
  readonly onReady?: ((url: string) => void) | undefined;
}

const require = createRequire(import.meta.url);

/** The port that the OpenTelemetry specification gives to Prometheus exporters. */
const DEFAULT_PORT = 9464;
/** Ports tried in a row, before any free one is taken. */
const PORTS_TRIED = 20;
const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/**
 * Serves `/metrics`. Neither the server nor its connections keep the process alive, and the reader behind it is loaded
 * by the first scrape: until then it costs one listening socket.
 */
export class MetricsServer {
  readonly #loadReader: () => Promise<ScrapeSource>;
  #reader: Promise<ScrapeSource> | undefined;
  #server: Server | undefined;
  #url: string | undefined;

  /** @param loadReader called at the first scrape, and again at a later one if it failed */
  constructor(loadReader: () => Promise<ScrapeSource>) {
    this.#loadReader = loadReader;
  }

  /** URL of the metrics while the server listens. */
  get url(): string | undefined {
    return this.#url;
  }

  /**
   * Listens on the port, or on the next free one when it is taken: 20 in a row are tried, then the system chooses.
   * Workers of a cluster each get a port of their own.
   *
   * @returns the URL of the metrics; undefined when no port could be had (reported). Never rejects.
   */
  async start(options: MetricsServerStart = {}): Promise<string | undefined> {
    if (this.#server !== undefined) return this.#url;
    // Here, and not at the top: a process that ends before it serves anything never loads it.
    const { createServer } = require('node:http') as typeof import('node:http');
    const server = createServer((request, response) => this.#answer(request, response));
    this.#server = server;
    server.unref();
    // A scraper that keeps its connection open must not keep an idle application open.
    server.on('connection', (socket) => socket.unref());
    const host = options.host ?? '127.0.0.1';
    try {
      await listenOnFree(server, host, options.port ?? DEFAULT_PORT);
    } catch (error) {
      if (this.#server === server) this.#server = undefined;
      reportOnce('metrics.listen', `/metrics cannot be served on ${host}: ${String(error)}`);
      return undefined;
    }
    server.on('error', (error) => reportOnce('metrics.server', `the server of /metrics failed: ${error.message}`));
    // Stopped while it was about to listen.
    if (this.#server !== server) {
      server.close();
      return undefined;
    }
    this.#url = urlOf(host, server.address() as AddressInfo);
    const url = this.#url;
    if (options.onReady !== undefined) safely('telling the metrics URL', () => options.onReady?.(url));
    return url;
  }

  /** Closes the port and its connections. The reader stays: shutting it down is up to who made it. */
  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    this.#url = undefined;
    if (server === undefined || !server.listening) return;
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const path = request.url?.split('?', 1)[0];
    if (path !== '/metrics') {
      reply(response, 404, 'Not found. The metrics are at /metrics\n');
      return;
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('allow', 'GET, HEAD');
      reply(response, 405, 'Only GET and HEAD\n');
      return;
    }
    this.#scrape().then(
      (text) => {
        response.setHeader('content-type', CONTENT_TYPE);
        response.end(text);
      },
      (error: unknown) => {
        reportOnce('metrics.scrape', `a scrape failed: ${String(error)}`);
        reply(response, 503, 'The metrics are not available\n');
      },
    );
  }

  async #scrape(): Promise<string> {
    this.#reader ??= this.#loadReader();
    const loading = this.#reader;
    let reader: ScrapeSource;
    try {
      reader = await loading;
    } catch (error) {
      if (this.#reader === loading) this.#reader = undefined;
      throw error;
    }
    return await reader.scrape();
  }
}

function reply(response: ServerResponse, status: number, text: string): void {
  response.statusCode = status;
  response.setHeader('content-type', 'text/plain; charset=utf-8');
  response.end(text);
}

async function listenOnFree(server: Server, host: string, first: number): Promise<void> {
  const ports = first === 0 ? [0] : [...Array.from({ length: PORTS_TRIED }, (_, i) => first + i), 0];
  for (const port of ports) {
    if (port > 65_535) continue;
    if (await listens(server, host, port)) return;
  }
  throw new Error('no free port');
}

/** @returns false when the port belongs to somebody else; rejects when the host cannot be listened on */
function listens(server: Server, host: string, port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException): void => {
      server.off('listening', onListening);
      if (error.code === 'EADDRINUSE' || error.code === 'EACCES') resolve(false);
      else reject(error);
    };
    const onListening = (): void => {
      server.off('error', onError);
      resolve(true);
    };
    server.once('error', onError);
    server.once('listening', onListening);
    // exclusive: a cluster would hand one port to all of its workers, and each scrape to any of them.
    server.listen({ host, port, exclusive: true });
  });
}

/** A URL that a scraper on this host can use: a wildcard address is reached through the loopback one. */
function urlOf(host: string, address: AddressInfo): string {
  const reachable = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${address.port}/metrics`;
}
