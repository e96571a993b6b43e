import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

/** A metric as it came. */
export interface ReceivedMetric {
  /** As Prometheus would call it. */
  readonly type: string;
  readonly unit: string;
  /** Keys of the attributes of all points, sorted. */
  readonly labels: readonly string[];
}

interface Point {
  readonly attributes?: readonly { readonly key: string }[];
}

interface Metric {
  readonly name: string;
  readonly unit?: string;
  readonly sum?: { readonly isMonotonic?: boolean; readonly dataPoints: readonly Point[] };
  readonly gauge?: { readonly dataPoints: readonly Point[] };
  readonly histogram?: { readonly dataPoints: readonly Point[] };
}

interface MetricsBody {
  readonly resourceMetrics?: readonly { readonly scopeMetrics: readonly { readonly metrics: readonly Metric[] }[] }[];
}

/** Stands where a Collector would, takes OTLP-JSON and keeps the metrics of the last push, just as they came. */
export class OtlpReceiver {
  readonly endpoint: string;
  readonly #server: Server;
  #body: MetricsBody = {};

  private constructor(server: Server, endpoint: string) {
    this.#server = server;
    this.endpoint = endpoint;
    server.on('request', (request, response) => void this.#take(request, response));
  }

  static async start(): Promise<OtlpReceiver> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('a TCP server without a port');
    return new OtlpReceiver(server, `http://127.0.0.1:${address.port}`);
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** By name. */
  metrics(): Map<string, ReceivedMetric> {
    const metrics = (this.#body.resourceMetrics ?? []).flatMap(({ scopeMetrics }) =>
      scopeMetrics.flatMap((scope) => scope.metrics),
    );
    return new Map(metrics.map((metric) => [metric.name, receivedMetric(metric)]));
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = '';
    for await (const chunk of request.setEncoding('utf8')) text += chunk;
    if (request.url === '/v1/metrics') this.#body = JSON.parse(text) as MetricsBody;
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
  }
}

function receivedMetric({ unit = '', sum, gauge, histogram }: Metric): ReceivedMetric {
  const points = (sum ?? gauge ?? histogram)?.dataPoints ?? [];
  const keys = new Set(points.flatMap(({ attributes = [] }) => attributes.map(({ key }) => key)));
  const type = histogram !== undefined ? 'histogram' : sum?.isMonotonic === true ? 'counter' : 'gauge';
  return { type, unit, labels: [...keys].sort() };
}
