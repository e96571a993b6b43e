import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { METRICS_CONTENT_TYPE, scraperOf } from '@taskspan/joblog';
import type { Access } from './access-tokens.ts';
import { writeBody } from './body-writer.ts';
import { END_ID, eventPieces, SIGN_OF_LIFE } from './event-stream.ts';
import { Gate } from './gate.ts';
import type { JobSource, MetricsSource } from './job-source.ts';
import type { ServerLimits } from './limits.ts';
import { type ListBody, type ListPage, type ListSource, openListBody } from './list-body.ts';
import { openApiDocument } from './openapi.ts';
import type { QueryValues } from './parameters.ts';
import { HttpProblem } from './problem.ts';
import { ROUTES, type RouteName } from './routes.ts';

/** A request that may be answered. */
export interface RouteCall {
  /** The `{id}` of the path; empty where it has none. */
  readonly id: string;
  readonly values: QueryValues;
  readonly access: Access;
  readonly headers: IncomingHttpHeaders;
  /** Address of the client. */
  readonly address: string;
  /** Fires when the client leaves, or the server closes. */
  readonly signal: AbortSignal;
  /** Nothing but the head of the answer is wanted. */
  readonly isHead: boolean;
  /** Called once, when it is known that the answer is no problem; what is thrown before becomes one. */
  begin(status: number, headers: Readonly<Record<string, string>>): ServerResponse;
}

export interface RoutesOptions {
  readonly reader: JobSource;
  readonly metrics: MetricsSource | undefined;
  readonly limits: ServerLimits;
}

type Handler = (call: RouteCall) => Promise<void>;

const JSON_TYPE = 'application/json; charset=utf-8';

/** Answers the requests of every route. */
export class JobRoutes {
  /** By the names of the table of routes. */
  readonly handlers: Readonly<Record<RouteName, Handler>> = {
    listJobs: (call) => this.#listJobs(call),
    getJob: (call) => this.#getJob(call),
    getJobLogs: (call) => this.#getJobLogs(call),
    streamJobLogs: (call) => this.#streamJobLogs(call),
    getJobMetrics: (call) => this.#getJobMetrics(call),
    getJobTrace: (call) => this.#getJobTrace(call),
    search: (call) => this.#search(call),
    getMetrics: (call) => this.#getMetrics(call),
    getHealth: (call) => this.#sendText(call, JSON_TYPE, '{"status":"ok"}'),
    getOpenApi: (call) => this.#sendText(call, JSON_TYPE, JSON.stringify(openApiDocument())),
  };
  readonly #reader: JobSource;
  readonly #metrics: MetricsSource | undefined;
  readonly #limits: ServerLimits;
  /** Short questions have places of their own: they do not wait behind those who read long logs. */
  readonly #lookUps: Gate;
  readonly #reads: Gate;
  readonly #searches: Gate;
  #streams = 0;
  #heldChars = 0;

  constructor({ reader, metrics, limits }: RoutesOptions) {
    this.#reader = reader;
    this.#metrics = metrics;
    this.#limits = limits;
    this.#lookUps = new Gate(limits.lookUps, limits.waiting);
    this.#reads = new Gate(limits.reads, limits.waiting);
    this.#searches = new Gate(limits.searches, limits.waiting);
  }

  async #listJobs(call: RouteCall): Promise<void> {
    const { q, limit = defaultLimit('listJobs'), cursor, ...filters } = call.values;
    const scope = scopeOf(call);
    const gate = q === undefined ? this.#lookUps : this.#searches;
    await this.#sendList(call, { name: 'jobs', limit, cursor }, (page) =>
      gate.run(async () => {
        const { jobs, ...rest } = await this.#reader.listJobs({ ...filters, query: q, ...scope, ...page });
        return { items: jobs, rest };
      }, call.signal),
    );
  }

  async #getJob(call: RouteCall): Promise<void> {
    const scope = scopeOf(call);
    const job = await this.#lookUps.run(() => this.#reader.getJob(call.id, scope), call.signal);
    const { attempts, ...latest } = job;
    // The attempts of an id that is used again and again may be many.
    const head = JSON.stringify(latest).slice(0, -1);
    const body = await openListBody({
      name: 'attempts',
      limit: attempts.length,
      pageChars: this.#limits.pageChars,
      isWhole: true,
      read: async () => ({ items: attempts, rest: {} }),
    });
    await this.#sendBody(call, { ...body, pieces: prefixed(`${head},`, body.pieces) });
  }

  async #getJobLogs(call: RouteCall): Promise<void> {
    const { since, level, limit = defaultLimit('getJobLogs'), cursor } = call.values;
    const scope = scopeOf(call);
    await this.#sendList(call, { name: 'entries', limit, cursor }, (page) =>
      this.#reads.run(async () => {
        const { entries, ...rest } = await this.#reader.getJobLogs({
          job_run_id: call.id,
          since_timestamp: since,
          min_level: level,
          ...scope,
          ...page,
        });
        return { items: entries, rest };
      }, call.signal),
    );
  }

  async #getJobMetrics(call: RouteCall): Promise<void> {
    const scope = scopeOf(call);
    await this.#sendList(call, { name: 'metrics', limit: Number.POSITIVE_INFINITY, isWhole: true }, () =>
      this.#reads.run(async () => {
        const { metrics, ...rest } = await this.#reader.getJobMetrics(call.id, scope);
        return { items: metrics, rest };
      }, call.signal),
    );
  }

  async #getJobTrace(call: RouteCall): Promise<void> {
    const scope = scopeOf(call);
    await this.#sendList(call, { name: 'resourceSpans', limit: Number.POSITIVE_INFINITY, isWhole: true }, () =>
      this.#reads.run(async () => {
        const { resourceSpans, ...rest } = await this.#reader.getJobTrace(call.id, scope);
        return { items: resourceSpans, rest };
      }, call.signal),
    );
  }

  async #search(call: RouteCall): Promise<void> {
    const { q = '', from, to, limit = defaultLimit('search'), cursor } = call.values;
    const scope = scopeOf(call);
    await this.#sendList(call, { name: 'hits', limit, cursor }, (page) =>
      this.#searches.run(async () => {
        const { hits, ...rest } = await this.#reader.search({ needle: q, from, to, ...scope, ...page });
        return { items: hits, rest };
      }, call.signal),
    );
  }

  async #getMetrics(call: RouteCall): Promise<void> {
    if (call.access.service !== undefined) {
      throw new HttpProblem('limited_token', `the token is limited to ${JSON.stringify(call.access.service)}`);
    }
    const metrics = this.#metrics;
    const text = await this.#lookUps.run(async () => {
      await metrics?.refresh();
      return metrics?.render({ scraper: scraperOf(call.headers, call.address) }) ?? '';
    }, call.signal);
    await this.#sendText(call, METRICS_CONTENT_TYPE, text);
  }

  async #streamJobLogs(call: RouteCall): Promise<void> {
    const lastId = call.headers['last-event-id'];
    const { since, level } = call.values;
    const cursor = typeof lastId === 'string' && lastId !== '' ? lastId : call.values.cursor;
    const isDone = cursor === END_ID;
    const request = {
      job_run_id: call.id,
      since_timestamp: since,
      min_level: level,
      cursor: isDone ? undefined : cursor,
      ...scopeOf(call),
    };
    // Finds out whether there is such a run and such a cursor, while the answer can still say so.
    await this.#reads.run(() => this.#reader.getJobLogs({ ...request, limit: 1 }), call.signal);
    if (isDone) {
      call.begin(204, {}).end();
      return;
    }
    if (this.#streams >= this.#limits.streams) throw new HttpProblem('busy', 'too many streams are open');
    this.#streams += 1;
    try {
      const pieces = eventPieces(this.#reader.tail({ ...request, signal: call.signal }), call.signal);
      const { heartbeatMs } = this.#limits;
      await this.#send(call, 'text/event-stream; charset=utf-8', pieces, { text: SIGN_OF_LIFE, everyMs: heartbeatMs });
    } finally {
      this.#streams -= 1;
    }
  }

  /** A list, page by page. */
  async #sendList(
    call: RouteCall,
    list: Pick<ListSource, 'name' | 'limit' | 'isWhole'> & { readonly cursor?: string | undefined },
    read: (page: { readonly limit: number; readonly cursor: string | undefined }) => Promise<ListPage>,
  ): Promise<void> {
    const body = await openListBody({
      ...list,
      pageChars: this.#limits.pageChars,
      read: (limit, cursor) => read({ limit, cursor: cursor ?? list.cursor }),
    });
    await this.#sendBody(call, body);
  }

  async #sendBody(call: RouteCall, { pieces, heldChars }: ListBody): Promise<void> {
    // Whoever takes nothing of a large answer holds all of it.
    if (this.#heldChars + heldChars > this.#limits.wholeChars) {
      throw new HttpProblem('busy', 'too many large answers are waiting to be taken');
    }
    this.#heldChars += heldChars;
    try {
      await this.#send(call, JSON_TYPE, pieces);
    } finally {
      this.#heldChars -= heldChars;
    }
  }

  #sendText(call: RouteCall, type: string, text: string): Promise<void> {
    const pieces = async function* (): AsyncGenerator<string, void, undefined> {
      yield text;
    };
    return this.#send(call, type, pieces());
  }

  async #send(
    call: RouteCall,
    type: string,
    pieces: AsyncGenerator<string, void, undefined>,
    heartbeat?: { readonly text: string; readonly everyMs: number },
  ): Promise<void> {
    const response = call.begin(200, { 'content-type': type });
    if (call.isHead) {
      await pieces.return();
      response.end();
      return;
    }
    const { stallMs } = this.#limits;
    await writeBody(response, pieces, { stallMs, ...(heartbeat === undefined ? {} : { heartbeat }) });
  }
}

/** What the token may see, narrowed down to what is asked for. */
function scopeOf({ access, values }: RouteCall): Access {
  const { service } = values;
  if (access.service === undefined) return { service };
  if (service === undefined || service === access.service) return access;
  throw new HttpProblem('limited_token', `the token is limited to ${JSON.stringify(access.service)}`);
}

function defaultLimit(name: RouteName): number {
  const { defaultLimit: limit } = ROUTES[name];
  if (limit === undefined) throw new Error(`the route ${name} has no default limit`);
  return limit;
}

/** The pieces of an object whose first properties are written already. */
async function* prefixed(
  head: string,
  pieces: AsyncGenerator<string, void, undefined>,
): AsyncGenerator<string, void, undefined> {
  let isFirst = true;
  for await (const piece of pieces) {
    yield isFirst ? head + piece.slice(1) : piece;
    isFirst = false;
  }
}
