import { createServer } from 'node:net';
import type { ProcessEntry } from '@taskspan/metrics';
import type { Finding } from './doctor-finding.ts';
import { liveProcesses } from './process-entries.ts';

export interface MetricsAddress {
  readonly host: string;
  readonly port: number;
}

const TOPIC = 'metrics port';

/**
 * Whether `/metrics` can be served there, and who does already.
 *
 * @param directory the folder of the toolkit, in which processes say where they serve; undefined when there is none
 */
export async function examineMetricsPort(address: MetricsAddress, directory: string | undefined): Promise<Finding> {
  const { host, port } = address;
  const server = createServer();
  const problem = await new Promise<NodeJS.ErrnoException | undefined>((done) => {
    server.once('error', done);
    server.listen({ host, port, exclusive: true }, () => done(undefined));
  });
  server.close();
  const where = `${host}:${port}`;
  if (problem === undefined) return { level: 'fine', topic: TOPIC, found: `${where} is free` };
  if (problem.code === 'EADDRINUSE') {
    const holder = directory === undefined ? undefined : holderOf(port, directory);
    const by = holder === undefined ? '' : ` by ${holder.service} (pid ${holder.pid}, since ${holder.started_at})`;
    return { level: 'fine', topic: TOPIC, found: `${where} is taken${by}; the next free one will be used` };
  }
  const fix = 'set OTEL_EXPORTER_PROMETHEUS_HOST and OTEL_EXPORTER_PROMETHEUS_PORT';
  return { level: 'broken', topic: TOPIC, found: `${where}: ${problem.message}`, fix };
}

/** The process of ours that serves on this port of this machine. */
function holderOf(port: number, directory: string): ProcessEntry | undefined {
  return liveProcesses(directory).find(({ metrics_url }) => {
    const url = typeof metrics_url === 'string' && URL.canParse(metrics_url) ? new URL(metrics_url) : undefined;
    return url !== undefined && Number(url.port || 80) === port;
  });
}
