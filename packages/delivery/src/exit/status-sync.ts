import { readSync } from 'node:fs';
import type { ClientRequest } from 'node:http';

/** What `net` keeps of a connection; `fd` is -1 or missing where the system has none, and under TLS it is of no use. */
interface Handle {
  readonly fd?: number;
  readonly writeQueueSize?: number;
}

const SLICE_MS = 2;
const LONGEST_LINE = 256;

/**
 * The status with which a request is answered, read while the event loop stands still: for exit handlers, where a
 * request on its way would else have to be sent a second time. The connection is of no use afterwards.
 *
 * @param deadlineMs on the monotonic clock
 * @returns undefined when it cannot be known: not sent to its end, no answer in time, TLS, or no such system
 */
export function readStatusSync(request: ClientRequest, deadlineMs: number): number | undefined {
  const { socket } = request;
  if (socket === null || socket.connecting || 'encrypted' in socket) return undefined;
  const { fd, writeQueueSize } = (socket as unknown as { _handle?: Handle | null })._handle ?? {};
  if (fd === undefined || fd < 0 || !request.writableEnded || (writeQueueSize ?? 0) > 0) return undefined;
  const chunk = Buffer.alloc(LONGEST_LINE);
  const pause = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  let text = '';
  while (!text.includes('\n') && text.length < LONGEST_LINE) {
    try {
      const bytes = readSync(fd, chunk);
      if (bytes === 0) return undefined;
      text += chunk.toString('latin1', 0, bytes);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return undefined;
      const leftMs = deadlineMs - performance.now();
      if (leftMs <= 0) return undefined;
      Atomics.wait(pause, 0, 0, Math.min(SLICE_MS, leftMs));
    }
  }
  const status = /^HTTP\/1\.[01] ([0-9]{3})\b/.exec(text)?.[1];
  return status === undefined ? undefined : Number(status);
}
