import { join } from 'node:path';
import { ROOT } from '../../house/source-tree.ts';
import { freePorts } from './free-ports.ts';
import { getText } from './http-json.ts';
import { JaegerQuery } from './jaeger-query.ts';
import { serverBinaries } from './server-binaries.ts';
import { ServerProcess } from './server-process.ts';

const CONFIG = join(ROOT, 'collector', 'jaeger.yaml');

/** Jaeger with the project's own config. It keeps traces in memory: a stop forgets them. */
export class JaegerServer {
  /** `host:port` of its OTLP/gRPC. */
  readonly otlpEndpoint: string;
  readonly query: JaegerQuery;
  readonly process: ServerProcess;

  private constructor(otlpEndpoint: string, query: JaegerQuery, process: ServerProcess) {
    this.otlpEndpoint = otlpEndpoint;
    this.query = query;
    this.process = process;
  }

  static async start(): Promise<JaegerServer> {
    const { jaeger } = await serverBinaries();
    const [otlp = 0, query = 0, grpc = 0, health = 0, own = 0] = await freePorts(5);
    const queryUrl = `http://127.0.0.1:${query}`;
    const process = new ServerProcess({
      name: 'Jaeger',
      command: jaeger,
      args: ['--config', CONFIG],
      env: {
        JAEGER_OTLP_ENDPOINT: `127.0.0.1:${otlp}`,
        JAEGER_HTTP_ENDPOINT: `127.0.0.1:${query}`,
        JAEGER_GRPC_ENDPOINT: `127.0.0.1:${grpc}`,
        JAEGER_HEALTH_ENDPOINT: `127.0.0.1:${health}`,
        JAEGER_OWN_METRICS_PORT: String(own),
      },
      checkReady: async () => void (await getText(`http://127.0.0.1:${health}/status`)),
    });
    await process.start();
    return new JaegerServer(`127.0.0.1:${otlp}`, new JaegerQuery(queryUrl), process);
  }

  async stop(): Promise<void> {
    await this.process.stop();
  }
}
