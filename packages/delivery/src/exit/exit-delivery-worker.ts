/**
 * Delivers what the process still has when it ends: a thread of its own, because in an `exit` handler the main thread's
 * loop turns no more. It starts fast, so it loads nothing but Node's own modules.
 */
import { readFileSync } from 'node:fs';
import * as http from 'node:http';
import * as https from 'node:https';
import { workerData } from 'node:worker_threads';
import { gzipSync } from 'node:zlib';
import { EXIT_ANSWER, EXIT_SLOT, type ExitRequest, type ExitThreadInput } from './exit-request.ts';

const { requests, progress } = workerData as ExitThreadInput;
const agents = { http: new http.Agent({ keepAlive: true }), https: new https.Agent({ keepAlive: true }) };

function post(request: ExitRequest): Promise<boolean> {
  const { url, gzip, bytes } = request;
  const payload = gzip ? gzipSync(bytes, { level: 1 }) : bytes;
  const headers = { ...request.headers, 'content-length': String(payload.byteLength) };
  return new Promise((resolve) => {
    const answered = (response: http.IncomingMessage): void => {
      response.resume();
      resolve(response.statusCode !== undefined && response.statusCode >= 200 && response.statusCode < 300);
    };
    const options = { method: 'POST', headers };
    const sent = url.startsWith('https:')
      ? https.request(url, { ...options, ...certificates(request), agent: agents.https }, answered)
      : http.request(url, { ...options, agent: agents.http }, answered);
    sent.on('error', () => resolve(false));
    sent.end(payload);
  });
}

function certificates({ certificate, clientKey, clientCertificate }: ExitRequest): https.RequestOptions {
  return {
    ...(certificate && { ca: readFileSync(certificate) }),
    ...(clientKey && { key: readFileSync(clientKey) }),
    ...(clientCertificate && { cert: readFileSync(clientCertificate) }),
  };
}

/** Once one has failed, the rest of its receiver is left to the spool. */
async function postInOrder(url: string): Promise<void> {
  let isFailing = false;
  for (const [at, request] of requests.entries()) {
    if (request.url !== url) continue;
    if (Atomics.load(progress, EXIT_SLOT.stop) === 1) return;
    isFailing ||= !(await post(request).catch(() => false));
    Atomics.store(progress, EXIT_SLOT.first + at, isFailing ? EXIT_ANSWER.failed : EXIT_ANSWER.delivered);
    Atomics.add(progress, EXIT_SLOT.settled, 1);
    Atomics.notify(progress, EXIT_SLOT.settled);
  }
}

Atomics.store(progress, EXIT_SLOT.ready, 1);
await Promise.all([...new Set(requests.map(({ url }) => url))].map(postInOrder));
