import type { Socket } from 'node:net';
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import type { Access } from './access-tokens.ts';
import type { Guard } from './guard.ts';
import type { JobRoutes } from './job-routes.ts';
import type { ServerLimits } from './limits.ts';
import { readQuery } from './parameters.ts';
import { HttpProblem, PROBLEM_TYPE, problemOf } from './problem.ts';
import { ROUTES, type RouteName } from './routes.ts';

export interface HttpAppOptions {
  readonly routes: JobRoutes;
  readonly guard: Guard;
  readonly limits: ServerLimits;
  /** Told of what is the server's own fault. */
  readonly onError: (error: unknown) => void;
}

const LATE_CHECK_MS = 2000;

/** The routes as a Fastify application, and the requests that it answers just now. */
export class HttpApp {
  readonly fastify: FastifyInstance;
  readonly #options: HttpAppOptions;
  readonly #open = new Set<AbortController>();
  readonly #accesses = new WeakMap<FastifyRequest, Access>();

  constructor(options: HttpAppOptions) {
    const { guard, limits } = options;
    this.#options = options;
    this.fastify = fastify({
      exposeHeadRoutes: false,
      forceCloseConnections: 'idle',
      http: {
        maxHeaderSize: limits.headerBytes,
        headersTimeout: limits.headersTimeoutMs,
        // Node looks that often for requests that are late; every half minute by default.
        connectionsCheckingInterval: Math.min(limits.headersTimeoutMs, LATE_CHECK_MS),
      },
      requestTimeout: limits.requestTimeoutMs,
      keepAliveTimeout: limits.keepAliveMs,
      // No id that fits into a request is too long to be looked for.
      routerOptions: { maxParamLength: limits.headerBytes },
      clientErrorHandler: answerBrokenRequest,
      frameworkErrors: (_error, request, reply) => {
        this.#refuse(request, reply, () => {
          guard.admit(request.raw, reply.raw);
          throw new HttpProblem('bad_request', 'the path cannot be decoded', 'id');
        });
      },
    });
    this.fastify.server.maxConnections = limits.connections;
    this.fastify.addHook('onRequest', async (request, reply) => {
      this.#accesses.set(request, guard.admit(request.raw, reply.raw));
    });
    this.fastify.setErrorHandler((error, request, reply) => this.#sendProblem(error, request, reply));
    this.fastify.setNotFoundHandler((request, reply) =>
      this.#sendProblem(
        new HttpProblem('not_found', 'there is no such path; /openapi.json lists those that there are'),
        request,
        reply,
      ),
    );
    for (const name of Object.keys(ROUTES) as RouteName[]) {
      this.fastify.route({
        method: ['GET', 'HEAD'],
        url: ROUTES[name].path.replace('{id}', ':id'),
        handler: (request, reply) => this.#answer(name, request, reply),
      });
    }
  }

  /** Ends all streams, and drops the answers that nobody waits for any more. */
  abortOpen(): void {
    for (const controller of this.#open) controller.abort();
  }

  async #answer(name: RouteName, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const { raw } = reply;
    const controller = new AbortController();
    const left = (): void => controller.abort();
    this.#open.add(controller);
    raw.once('close', left);
    let hasBegun = false;
    try {
      await this.#options.routes.handlers[name]({
        id: (request.params as { readonly id?: string }).id ?? '',
        values: readQuery(request.query as Readonly<Record<string, unknown>>, ROUTES[name]),
        access: this.#accesses.get(request) ?? { service: '' },
        headers: request.headers,
        address: request.ip,
        signal: controller.signal,
        isHead: request.method === 'HEAD',
        begin: (status, headers) => {
          hasBegun = true;
          reply.hijack();
          return raw.writeHead(status, headers);
        },
      });
    } catch (error) {
      if (!hasBegun && !raw.destroyed) throw error;
      if (!reply.sent) reply.hijack();
      // What fails because the client is gone is nobody's fault.
      if (!controller.signal.aborted) this.#options.onError(error);
    } finally {
      this.#open.delete(controller);
      raw.off('close', left);
    }
  }

  #refuse(request: FastifyRequest, reply: FastifyReply, check: () => void): void {
    try {
      check();
    } catch (error) {
      this.#sendProblem(error, request, reply);
    }
  }

  #sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
    let problem = problemOf(error) ?? problemOfFastify(error);
    if (problem === undefined) {
      this.#options.onError(error);
      problem = new HttpProblem('internal', 'the server failed to answer');
    }
    if (problem.code === 'busy') reply.header('retry-after', '1');
    // What a refused request goes on to send is not waited for.
    if (request.method !== 'GET' && request.method !== 'HEAD') reply.header('connection', 'close');
    return reply.code(problem.status).type(PROBLEM_TYPE).send(JSON.stringify(problem.document()));
  }
}

/** Refusals of Fastify itself are the fault of the request. */
function problemOfFastify(error: unknown): HttpProblem | undefined {
  if (!(error instanceof Error) || !('statusCode' in error)) return undefined;
  const { statusCode } = error;
  return typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500
    ? new HttpProblem('bad_request', error.message)
    : undefined;
}

/** What is no HTTP, too long or too slow gets a refusal where it can still be written, and its connection is closed. */
function answerBrokenRequest(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const problem =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? new HttpProblem('headers_too_large', 'the line and the headers of the request are too long')
      : new HttpProblem('bad_request', 'the request is not HTTP, or not there in time');
  const { status, title } = problem.document();
  const body = JSON.stringify(problem.document());
  const head = [
    `HTTP/1.1 ${status} ${title}`,
    `content-type: ${PROBLEM_TYPE}`,
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}
