/** What 200 clients hold that ask for everything and take nothing: `node --expose-gc --import tsx body-writer.bench.ts`. */
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { JobLogEntry } from '@taskspan/joblog';
import type { JobSource } from './job-source.ts';
import { startServer } from './start-server.ts';

const CLIENTS = 200;
/** Each has a text of its own, as it has when it is read from a file. */
const MESSAGE_BYTES = 20_000;

/** A run whose log never ends. */
let given = 0;
const endless = {
  async getJobLogs({ limit = 1000, cursor = '0' }: { limit?: number; cursor?: string }): Promise<unknown> {
    const from = Number(cursor);
    return {
      entries: Array.from({ length: limit }, (_, n) => entry(from + n)),
      has_more: true,
      next_cursor: String(from + limit),
    };
  },
  async *tail(): AsyncGenerator<unknown> {
    for (let n = 1; ; n += 1) yield { type: 'entry', entry: entry(n), cursor: String(n) };
  },
} as unknown as JobSource;

function entry(sequence_number: number): JobLogEntry {
  given += 1;
  const message = Buffer.alloc(MESSAGE_BYTES, `${sequence_number} `).toString('latin1');
  const log = { level: 'INFO', message, fields: {} } as const;
  return { timestamp: '2026-01-27T10:30:45.000000001Z', job_id: 'a', outputs: [], sequence_number, log };
}

function stuckClient(port: number, path: string): Promise<Socket> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.pause();
      socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
      resolve(socket);
    });
    socket.on('error', () => socket.destroy());
  });
}

/** Megabytes of heap and of buffers beside it. */
function memory(): number {
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / 1e6;
}

const server = await startServer({ reader: endless, port: 0 });
for (const path of ['/api/v1/jobs/a/logs?limit=10000', '/api/v1/jobs/a/logs/stream']) {
  const before = memory();
  given = 0;
  const clients = await Promise.all(Array.from({ length: CLIENTS }, () => stuckClient(server.port, path)));
  // The system's own buffers fill up first.
  for (let last = -1; last !== given; await sleep(1000)) last = given;
  const held = memory() - before;
  for (const client of clients) client.destroy();
  await sleep(500);
  const line = [`${CLIENTS} clients that take nothing of ${path}`, `hold ${held.toFixed(1)} MB`];
  console.log(`${line.join(' ')} (${(memory() - before).toFixed(1)} MB when they have left), of ${given} entries`);
}
await server.close();
