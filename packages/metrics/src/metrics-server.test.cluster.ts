// A cluster of two, each worker with a server of its own on the same first port.
import cluster from 'node:cluster';
import { MetricsServer } from './metrics-server.ts';

if (cluster.isPrimary) {
  const urls: string[] = [];
  for (let i = 0; i < 2; i++) {
    cluster.fork().on('message', (url: string) => {
      urls.push(url);
      if (urls.length < 2) return;
      console.log(urls.join('\n'));
      for (const worker of Object.values(cluster.workers ?? {})) worker?.disconnect();
    });
  }
} else {
  const server = new MetricsServer(async () => ({ scrape: async () => 'up 1\n' }));
  process.send?.(await server.start({ port: 19_464 }));
}
