// An application that has nothing left to do after one scrape over a connection that stays open.
import { spawn } from 'node:child_process';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import type { RunInfo } from '@taskspan/core/hub';
import { MetricsServer } from './metrics-server.ts';
import { TaskMetrics } from './task-metrics.ts';
import { forwardToMainThread, receiveFromWorkers } from './worker-threads.ts';

// The client lives in a process of its own: an open connection of this one would keep it alive by itself.
const CLIENT = `
  const http = require('node:http');
  const agent = new http.Agent({ keepAlive: true });
  http.get(process.argv[1], { agent }, (response) => {
    response.resume().on('end', () => process.stdout.write('scraped ' + response.statusCode));
  });
  // Open for longer than the application lives, but not for ever should that hang.
  setTimeout(() => process.exit(), 15_000);
`;

// The links between threads and a sample that waits keep nothing alive either.
const taskMetrics = new TaskMetrics();
taskMetrics.bind(new MeterProvider());
receiveFromWorkers(taskMetrics);
forwardToMainThread(new TaskMetrics());
taskMetrics.onRunStart({ operation: 'commit', waitSeconds: 1, startTimeMs: 0 } as RunInfo);

const server = new MetricsServer(async () => ({ scrape: async () => 'up 1\n' }));
const url = await server.start({ port: 0 });
const client = spawn(process.execPath, ['-e', CLIENT, url ?? ''], { stdio: ['ignore', 'pipe', 'inherit'] });
client.stdout.once('data', (chunk: Buffer) => {
  console.log(String(chunk));
  // The client goes on holding its connection; what is left here is unref'd.
  client.stdout.destroy();
  client.unref();
});
const began = Date.now();
process.on('exit', (code) => {
  client.kill('SIGKILL');
  // Well before a keep-alive connection would time out (5 s).
  console.log(Date.now() - began < 4500 ? `exiting ${code}` : 'exiting late');
});
