/** A stand-in for the Collector: keeps what it is sent. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

type Json = { readonly [key: string]: Json } & readonly Json[];

export interface SentMetric {
  readonly name: string;
  readonly points: readonly { readonly labels: Readonly<Record<string, string>>; readonly value: number }[];
}

export class Collector {
  readonly #requests: { readonly path: string; readonly body: Json }[] = [];
  readonly #server: Server = createServer((request, response) => void this.#take(request, response));

  /**
   * @param port 0: one that is free; stopped, it can be started again
   * @returns its endpoint, for `OTEL_EXPORTER_OTLP_ENDPOINT`
   */
  async start(port: number = 0): Promise<string> {
    this.#server.listen(port, '127.0.0.1');
    await new Promise((resolve) => this.#server.once('listening', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method !== 'POST') {
      response.writeHead(405).end();
      return;
    }
    let text = '';
    for await (const chunk of request.setEncoding('utf8')) text += chunk;
    this.#requests.push({ path: request.url ?? '', body: JSON.parse(text) as Json });
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
  }

  #sent(path: string): Json[] {
    return this.#requests.filter((request) => request.path === path).map((request) => request.body);
  }

  /** Ids of the spans, in the order in which they came. */
  spanIds(): string[] {
    return this.#sent('/v1/traces').flatMap((body) =>
      (body['resourceSpans'] ?? []).flatMap((group) =>
        (group['scopeSpans'] ?? []).flatMap((scope) => (scope['spans'] ?? []).map((span) => String(span['spanId']))),
      ),
    );
  }

  /** Names of the spans. */
  spans(): string[] {
    return this.#sent('/v1/traces').flatMap((body) =>
      (body['resourceSpans'] ?? []).flatMap((group) =>
        (group['scopeSpans'] ?? []).flatMap((scope) => (scope['spans'] ?? []).map((span) => String(span['name']))),
      ),
    );
  }

  /** Event names and bodies of the log records, as JSON text each. */
  records(): string[] {
    return this.#sent('/v1/logs').flatMap((body) =>
      (body['resourceLogs'] ?? []).flatMap((group) =>
        (group['scopeLogs'] ?? []).flatMap((scope) => (scope['logRecords'] ?? []).map((one) => JSON.stringify(one))),
      ),
    );
  }

  /** How many requests came to a path. */
  requests(path: string): number {
    return this.#sent(path).length;
  }

  /** The last push. */
  metrics(): SentMetric[] {
    const body = this.#sent('/v1/metrics').at(-1);
    return (body?.['resourceMetrics'] ?? []).flatMap((group) =>
      (group['scopeMetrics'] ?? []).flatMap((scope) =>
        (scope['metrics'] ?? []).map((metric) => ({
          name: String(metric['name']),
          points: (metric['sum'] ?? metric['gauge'] ?? metric['histogram'])?.['dataPoints']?.map(readPoint) ?? [],
        })),
      ),
    );
  }
}

function readPoint(point: Json): SentMetric['points'][number] {
  const labels = (point['attributes'] ?? []).map((one) => [String(one['key']), String(one['value']?.['stringValue'])]);
  return {
    labels: Object.fromEntries(labels) as Record<string, string>,
    value: Number(point['asInt'] ?? point['asDouble'] ?? point['count']),
  };
}
