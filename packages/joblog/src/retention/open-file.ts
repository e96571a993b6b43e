import { open } from 'node:fs/promises';
import { EVENT } from '@taskspan/core';
import { isSharedLogFile } from '../reader/log-file.ts';
import type { KeptFile } from './day-files.ts';
import { OPEN_MS, RECENT_MS } from './retention-limits.ts';

/** The end of a file in which its run is looked for; with more after it, a run counts as open for a day. */
const TAIL_BYTES = 256 * 1024;

/** Inside of a text these quotes would be escaped. */
const STARTED = `"eventName":"${EVENT.STARTED}"`;
const ENDINGS = [`"eventName":"${EVENT.ENDED}"`, `"eventName":"${EVENT.ORPHANED}"`];

/**
 * Whether somebody may still write to a file: it is recent, or it holds a run that is open. Of what many runs share all
 * are taken for open until a day has passed since its last line.
 *
 * @param nowMs epoch milliseconds
 */
export async function mayBeWritten(file: KeptFile, nowMs: number): Promise<boolean> {
  // A time in the future says nothing: a clock was set back.
  const age = nowMs - file.modifiedMs;
  if (age < RECENT_MS) return true;
  if (age >= OPEN_MS || file.compression !== 'none') return false;
  if (isSharedLogFile(file)) return true;
  const tail = await readTail(file);
  const ended = Math.max(...ENDINGS.map((text) => tail.lastIndexOf(text)));
  return ended < 0 || tail.lastIndexOf(STARTED) > ended;
}

async function readTail({ path, bytes }: KeptFile): Promise<string> {
  const handle = await open(path, 'r');
  try {
    const length = Math.min(TAIL_BYTES, bytes);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, bytes - length);
    return buffer.toString('latin1', 0, bytesRead);
  } finally {
    await handle.close();
  }
}
