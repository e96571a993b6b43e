import { join } from 'node:path';
import { ROOT } from '../../house/source-tree.ts';
import { CollectorServer } from './collector-server.ts';
import { freePorts } from './free-ports.ts';
import { getText } from './http-json.ts';
import { JaegerServer } from './jaeger-server.ts';
import { JobLogTree } from './job-log-tree.ts';
import { NameServer } from './name-server.ts';
import { PrometheusText } from './prometheus-text.ts';
import type { ScratchFolder } from './scratch-folder.ts';
import { serverBinaries } from './server-binaries.ts';
import { ServerProcess } from './server-process.ts';

const AGENT = join(ROOT, 'collector', 'agent.yaml');
const GATEWAY = join(ROOT, 'collector', 'gateway.yaml');

/** The hosts of the gateways: one name has both addresses, and both listen on the same ports. */
const GATEWAY_HOSTS = ['127.0.0.1', '127.0.0.2'] as const;

/** One agent, two gateways that a name server knows by one name, and the Jaeger of both. */
export class ManyHosts {
  /** Where applications push to. */
  readonly endpoint: string;
  readonly agent: ServerProcess;
  readonly gateways: readonly CollectorServer[];
  readonly jaeger: JaegerServer;
  readonly #names: NameServer;
  readonly #ports: { readonly own: number; readonly prometheus: number };

  private constructor(
    parts: Pick<ManyHosts, 'agent' | 'gateways' | 'jaeger' | 'endpoint'>,
    names: NameServer,
    ports: { readonly own: number; readonly prometheus: number },
  ) {
    this.endpoint = parts.endpoint;
    this.agent = parts.agent;
    this.gateways = parts.gateways;
    this.jaeger = parts.jaeger;
    this.#names = names;
    this.#ports = ports;
  }

  /** @param env of the agent, beside addresses and folders */
  static async start(scratch: ScratchFolder, env: Readonly<Record<string, string>>): Promise<ManyHosts> {
    const names = await NameServer.start(GATEWAY_HOSTS);
    const jaeger = await JaegerServer.start();
    const [files = 0, sampled = 0] = await freePorts(2);
    const gateways = await Promise.all(
      GATEWAY_HOSTS.map((host) =>
        CollectorServer.start(scratch.folder(`gateway ${host}`), {
          jaegerEndpoint: jaeger.otlpEndpoint,
          configs: [GATEWAY],
          env: {
            COLLECTOR_GRPC_ENDPOINT: `${host}:${files}`,
            COLLECTOR_SAMPLED_ENDPOINT: `${host}:${sampled}`,
          },
        }),
      ),
    );
    const [grpc = 0, http = 0, health = 0, own = 0, prometheus = 0] = await freePorts(5);
    const { otelcol } = await serverBinaries();
    const folder = scratch.folder('agent');
    const gatewayName = `dns://${names.address}/gateways.example`;
    const agent = new ServerProcess({
      name: 'the agent',
      command: otelcol,
      args: ['--config', AGENT],
      cwd: folder,
      env: {
        COLLECTOR_GRPC_ENDPOINT: `127.0.0.1:${grpc}`,
        COLLECTOR_HTTP_ENDPOINT: `127.0.0.1:${http}`,
        COLLECTOR_HEALTH_ENDPOINT: `127.0.0.1:${health}`,
        COLLECTOR_OWN_METRICS_PORT: String(own),
        COLLECTOR_PROMETHEUS_ENDPOINT: `127.0.0.1:${prometheus}`,
        COLLECTOR_GATEWAY_ENDPOINT: `${gatewayName}:${files}`,
        COLLECTOR_GATEWAY_SAMPLED_ENDPOINT: `${gatewayName}:${sampled}`,
        COLLECTOR_QUEUE_DIR: join(folder, 'queue'),
        ...env,
      },
      checkReady: async () => void (await getText(`http://127.0.0.1:${health}/`)),
    });
    await agent.start();
    const endpoint = `http://127.0.0.1:${http}`;
    return new ManyHosts({ agent, gateways, jaeger, endpoint }, names, { own, prometheus });
  }

  async stop(): Promise<void> {
    await this.agent.stop();
    await Promise.all(this.gateways.map((gateway) => gateway.stop()));
    await this.jaeger.stop();
    await this.#names.stop();
  }

  /** What each gateway has written. */
  get trees(): readonly JobLogTree[] {
    return this.gateways.map(({ logsFolder }) => new JobLogTree(logsFolder));
  }

  /** The metrics of the applications, as the agent shows them to Prometheus. */
  async metrics(): Promise<PrometheusText> {
    return new PrometheusText(await getText(`http://127.0.0.1:${this.#ports.prometheus}/metrics`));
  }

  /** The agent's metrics about itself. */
  async agentMetrics(): Promise<PrometheusText> {
    return new PrometheusText(await getText(`http://127.0.0.1:${this.#ports.own}/metrics`));
  }
}
