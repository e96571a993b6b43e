/** The bytes of a file in windows of whole lines, read in place. */
import { readSync } from 'node:fs';
import { MAX_LINE_BYTES } from '../reader/log-lines.ts';

/** Fits into the caches of a processor: twice as fast as a megabyte. */
const WINDOW_BYTES = 64 * 1024;
const NEWLINE = 10;

/** Whole lines; of the last window of a file, the last one may lack its newline. Good until the next one is taken. */
export interface LineWindow {
  readonly bytes: Buffer;
  /** Of its first byte in the file, before any compression. */
  readonly offset: number;
}

let spare: Buffer | undefined;

/**
 * Reads a plain file from `from` on, the start of a line, up to where it ends now. A line above {@link MAX_LINE_BYTES} is
 * passed over. The memory is used again for the next window, and for the next file.
 */
export function* lineWindows(fd: number, from: number): Generator<LineWindow, void, undefined> {
  let buffer = spare ?? Buffer.allocUnsafe(WINDOW_BYTES);
  spare = undefined;
  let offset = from;
  let filled = 0;
  let isInLongLine = false;
  for (;;) {
    filled += readSync(fd, buffer, filled, buffer.length - filled, offset + filled);
    const bytes = buffer.subarray(0, filled);
    const isEnd = filled < buffer.length;
    let done: number;
    if (isInLongLine) {
      const newline = bytes.indexOf(NEWLINE);
      isInLongLine = newline < 0;
      done = isInLongLine ? filled : newline + 1;
    } else {
      done = isEnd ? filled : bytes.lastIndexOf(NEWLINE) + 1;
      if (done > 0) yield { bytes: bytes.subarray(0, done), offset };
    }
    if (isEnd && done === filled) break;
    if (done > 0) {
      buffer.copyWithin(0, done, filled);
    } else if (filled < MAX_LINE_BYTES) {
      const larger = Buffer.allocUnsafe(filled * 2);
      bytes.copy(larger);
      buffer = larger;
    } else {
      isInLongLine = true;
      done = filled;
    }
    offset += done;
    filled -= done;
  }
  if (buffer.length === WINDOW_BYTES) spare = buffer;
}

/** Windows of the lines that begin from `from` on and before `to`, neither of which need be the start of a line. */
export function* windowsBetween(fd: number, from: number, to: number): Generator<LineWindow, void, undefined> {
  // From the byte before: when that ends a line, one begins at `from`.
  const begin = Math.max(0, from - 1);
  let isInside = from > 0;
  for (const { bytes, offset } of lineWindows(fd, begin)) {
    const start = isInside ? bytes.indexOf(NEWLINE) + 1 : 0;
    if (isInside && start === 0) continue;
    isInside = false;
    // The line in which the last byte before `to` lies is the last one.
    const newline = offset + bytes.length < to ? -1 : bytes.indexOf(NEWLINE, Math.max(0, to - 1 - offset));
    const end = newline < 0 ? bytes.length : newline + 1;
    if (end > start && offset + start < to) yield { bytes: bytes.subarray(start, end), offset: offset + start };
    if (offset + end >= to) return;
  }
}

/** The same as {@link lineWindows} of chunks, as decompression gives them. */
export async function* chunkWindows(chunks: AsyncIterable<Buffer>, from: number): AsyncGenerator<LineWindow> {
  let open: Buffer[] = [];
  let openBytes = 0;
  let offset = from;
  for await (const chunk of chunks) {
    const end = chunk.lastIndexOf(NEWLINE) + 1;
    if (end > 0) {
      const bytes = Buffer.concat([...open, chunk.subarray(0, end)]);
      if (openBytes <= MAX_LINE_BYTES) yield { bytes, offset };
      offset += openBytes + end;
      open = [];
      openBytes = 0;
    }
    // A chunk is valid until the next one only.
    const rest = Buffer.from(chunk.subarray(end));
    openBytes += rest.length;
    if (openBytes <= MAX_LINE_BYTES) open.push(rest);
    else open = [];
  }
  if (openBytes > 0 && openBytes <= MAX_LINE_BYTES) yield { bytes: Buffer.concat(open), offset };
}
