import { join } from 'node:path';
import { ROOT } from '../../house/source-tree.ts';
import { freePorts } from './free-ports.ts';
import { getText } from './http-json.ts';
import { PrometheusText } from './prometheus-text.ts';
import { serverBinaries } from './server-binaries.ts';
import { ServerProcess } from './server-process.ts';

/** The file that users start the Collector with. */
const CONFIG = join(ROOT, 'otel-collector-config.yaml');

export interface CollectorOptions {
  /** `host:port` of Jaeger's OTLP/gRPC; by default nobody is there. */
  readonly jaegerEndpoint?: string;
  /** Further `--config` arguments, laid over the project's file. */
  readonly configs?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

interface Ports {
  readonly grpc: number;
  readonly http: number;
  readonly health: number;
  readonly own: number;
  readonly prometheus: number;
}

/** The Collector with the project's own config: only ports and folders differ, by environment variables. */
export class CollectorServer {
  /** For `OTEL_EXPORTER_OTLP_ENDPOINT`. */
  readonly endpoint: string;
  /** Where it writes one file for each run. */
  readonly logsFolder: string;
  /** Where Prometheus scrapes the metrics of the apps, as `host:port`. */
  readonly exporterAddress: string;
  readonly process: ServerProcess;
  readonly #ports: Ports;

  private constructor(folder: string, ports: Ports, process: ServerProcess) {
    this.endpoint = `http://127.0.0.1:${ports.http}`;
    this.logsFolder = join(folder, 'logs');
    this.exporterAddress = `127.0.0.1:${ports.prometheus}`;
    this.process = process;
    this.#ports = ports;
  }

  /** Starts one whose data lies in `folder`. Its ports stay the same when `process` is started again. */
  static async start(folder: string, options: CollectorOptions = {}): Promise<CollectorServer> {
    const collector = await CollectorServer.create(folder, options);
    await collector.process.start();
    return collector;
  }

  /** As {@link start}, without starting it: an endpoint where nobody listens yet. */
  static async create(
    folder: string,
    { jaegerEndpoint, configs = [], env }: CollectorOptions = {},
  ): Promise<CollectorServer> {
    const { otelcol } = await serverBinaries();
    const [grpc = 0, http = 0, health = 0, own = 0, prometheus = 0, nobody = 0] = await freePorts(6);
    const process = new ServerProcess({
      name: 'the Collector',
      command: otelcol,
      args: [CONFIG, ...configs].flatMap((config) => ['--config', config]),
      cwd: folder,
      env: {
        COLLECTOR_GRPC_ENDPOINT: `127.0.0.1:${grpc}`,
        COLLECTOR_HTTP_ENDPOINT: `127.0.0.1:${http}`,
        COLLECTOR_HEALTH_ENDPOINT: `127.0.0.1:${health}`,
        COLLECTOR_OWN_METRICS_PORT: String(own),
        COLLECTOR_PROMETHEUS_ENDPOINT: `127.0.0.1:${prometheus}`,
        COLLECTOR_JAEGER_ENDPOINT: jaegerEndpoint ?? `127.0.0.1:${nobody}`,
        COLLECTOR_LOGS_DIR: join(folder, 'logs'),
        COLLECTOR_QUEUE_DIR: join(folder, 'queue'),
        ...env,
      },
      checkReady: async () => void (await getText(`http://127.0.0.1:${health}/`)),
    });
    return new CollectorServer(folder, { grpc, http, health, own, prometheus }, process);
  }

  /** What makes an app send here. */
  get appEnvironment(): Readonly<Record<string, string>> {
    return { OTEL_EXPORTER_OTLP_ENDPOINT: this.endpoint };
  }

  async stop(): Promise<void> {
    await this.process.stop();
  }

  /** The metrics of the apps, as Prometheus gets them. */
  async exportedMetricsText(): Promise<string> {
    return await getText(`http://${this.exporterAddress}/metrics`);
  }

  async exportedMetrics(): Promise<PrometheusText> {
    return new PrometheusText(await this.exportedMetricsText());
  }

  /** The Collector's metrics about itself. */
  async ownMetrics(): Promise<PrometheusText> {
    return new PrometheusText(await getText(`http://127.0.0.1:${this.#ports.own}/metrics`));
  }
}
