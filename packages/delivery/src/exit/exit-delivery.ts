import { Worker } from 'node:worker_threads';
import { safely } from '@taskspan/core/hub';
import type { OtlpTarget } from '../otlp-config.ts';
import type { RequestBody } from '../send-result.ts';
import { EXIT_ANSWER, EXIT_SLOT, type ExitRequest, type ExitThreadInput } from './exit-request.ts';

/** One request of the last moment. */
export interface ExitJob {
  readonly target: OtlpTarget;
  readonly body: RequestBody;
}

/** A thread that has not begun after this will not come; 40 ms are usual, many times as much on a busy machine. */
const START_MS = 900;
const SLICE_MS = 20;

/**
 * Delivers requests while this thread waits, for exit handlers. Never throws.
 *
 * @param timeoutMs longest wait in all
 * @returns for each request whether the receiver has certainly taken it
 */
export function deliverAtExit(jobs: readonly ExitJob[], timeoutMs: number): readonly boolean[] {
  const places = EXIT_SLOT.first + jobs.length;
  const progress = new Int32Array(new SharedArrayBuffer(places * Int32Array.BYTES_PER_ELEMENT));
  safely('delivering at exit', () => {
    startThread({ requests: jobs.map(requestOf), progress });
    const began = performance.now();
    for (;;) {
      const settled = Atomics.load(progress, EXIT_SLOT.settled);
      const waitedMs = performance.now() - began;
      const isLate = Atomics.load(progress, EXIT_SLOT.ready) === 0 && waitedMs >= START_MS;
      if (settled === jobs.length || waitedMs >= timeoutMs || isLate) break;
      Atomics.wait(progress, EXIT_SLOT.settled, settled, Math.min(SLICE_MS, timeoutMs - waitedMs));
    }
    Atomics.store(progress, EXIT_SLOT.stop, 1);
  });
  return jobs.map((_, at) => Atomics.load(progress, EXIT_SLOT.first + at) === EXIT_ANSWER.delivered);
}

function startThread(workerData: ExitThreadInput): void {
  const isSource = import.meta.url.endsWith('.ts');
  // No preload of the application (--import, NODE_OPTIONS) runs in this thread; from sources the loader must.
  const isolated = { execArgv: [], env: {} };
  const file = isSource ? './exit-delivery-worker.ts' : './exit-delivery-worker.js';
  const worker = new Worker(new URL(file, import.meta.url), {
    ...(isSource ? {} : isolated),
    workerData,
    name: 'taskspan-exit',
    stdout: true,
    stderr: true,
    trackUnmanagedFds: false,
  });
  // Should the process live on after all.
  worker.on('error', () => worker.unref());
  worker.unref();
}

function requestOf({ target, body }: ExitJob): ExitRequest {
  const { url, compression, certificate, clientKey, clientCertificate } = target;
  const headers: Record<string, string> = {
    ...target.headers,
    'user-agent': 'taskspan',
    'content-type': body.format === 'json' ? 'application/json' : 'application/x-protobuf',
  };
  const gzip = compression === 'gzip';
  if (gzip) headers['content-encoding'] = 'gzip';
  return { url, headers, bytes: body.bytes, gzip, certificate, clientKey, clientCertificate };
}
