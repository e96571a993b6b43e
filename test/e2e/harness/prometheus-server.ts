import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../../house/source-tree.ts';
import { freePort } from './free-ports.ts';
import { getText } from './http-json.ts';
import { PrometheusQuery } from './prometheus-query.ts';
import { serverBinaries } from './server-binaries.ts';
import { ServerProcess } from './server-process.ts';

const CONFIG = join(ROOT, 'collector', 'prometheus.yml');

export interface PrometheusOptions {
  /** Where its config and data go. */
  readonly folder: string;
  /** `host:port` of the Collector's exporter, or of whatever else is collected. */
  readonly target: string;
  /** Where the target has its metrics. Default: `/metrics`. */
  readonly metricsPath?: string;
}

/** Prometheus with the project's own config; the targets are files beside it, as its users write them. */
export class PrometheusServer {
  readonly query: PrometheusQuery;
  readonly process: ServerProcess;

  private constructor(query: PrometheusQuery, process: ServerProcess) {
    this.query = query;
    this.process = process;
  }

  static async start({ folder, target, metricsPath }: PrometheusOptions): Promise<PrometheusServer> {
    const { prometheus } = await serverBinaries();
    const url = `http://127.0.0.1:${await freePort()}`;
    const config = join(folder, 'prometheus.yml');
    copyFileSync(CONFIG, config);
    writeTarget(join(folder, 'targets'), target, metricsPath);
    const process = new ServerProcess({
      name: 'Prometheus',
      command: prometheus,
      args: [
        `--config.file=${config}`,
        `--storage.tsdb.path=${join(folder, 'data')}`,
        `--web.listen-address=${new URL(url).host}`,
      ],
      checkReady: async () => void (await getText(`${url}/-/ready`)),
    });
    await process.start();
    return new PrometheusServer(new PrometheusQuery(url), process);
  }

  async stop(): Promise<void> {
    await this.process.stop();
  }
}

function writeTarget(folder: string, target: string, metricsPath = '/metrics'): void {
  mkdirSync(folder);
  // A test cannot wait for the usual quarter of a minute.
  const labels = { __scrape_interval__: '1s', __scrape_timeout__: '1s', __metrics_path__: metricsPath };
  writeFileSync(join(folder, 'applications.json'), JSON.stringify([{ targets: [target], labels }]));
}
