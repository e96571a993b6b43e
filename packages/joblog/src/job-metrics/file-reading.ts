/** Reads what is new in one file, plain or compressed, wherever its lines went since the last time. */
import { closeSync, constants, fstatSync, lstatSync, openSync, readSync, type Stats } from 'node:fs';
import { reportOnce } from '@taskspan/core/hub';
import { logFileAs } from '../reader/log-file.ts';
import { readLines } from '../reader/log-lines.ts';
import { CLOSING_BRACE, EventLines, type LineTaker, NEWLINE, takeLine } from './event-lines.ts';
import { type FileProgress, fileMark } from './file-progress.ts';
import type { TimeSlice } from './time-slice.ts';

/** Chunks are taken at once, before anybody else can read into it. */
const CHUNK = Buffer.allocUnsafe(256 * 1024);

/** The end of a gzip file is the size of what was compressed in its last part, modulo 2^32. */
const GZIP_SIZE_BYTES = 4;

/** Codes of what is not there, or is no file. */
const NO_FILE: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO']);

/** True when lines were read. Never throws: what cannot be read now is tried again. */
export async function readNew(file: FileProgress, taker: LineTaker, slice: TimeSlice): Promise<boolean> {
  try {
    return await readBoth(file, taker, slice);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    // Retention was here; or it is a link, a pipe, a socket.
    if (code !== undefined && NO_FILE.has(code)) return false;
    reportOnce(
      'metrics.read',
      `${file.day.path}/${file.name} cannot be read (${code ?? String(error)}): its runs are not in the metrics`,
    );
    return false;
  }
}

async function readBoth(file: FileProgress, taker: LineTaker, slice: TimeSlice): Promise<boolean> {
  const isNew = file.isPlainThere && file.plainSize < 0;
  const stats = file.isPlainThere && !isNew ? plainStats(file) : undefined;
  if (file.plainSize >= 0 && (stats === undefined || fileMark(stats) !== file.mark)) movePlain(file);
  // A compressed file beside the plain one that was read is, or ends in, a copy of it: until the plain one is gone.
  const hasPacked = file.packing !== 'none' && file.plainSize < 0 && (await readPacked(file, taker));
  const hasGrown = stats !== undefined && stats.size !== file.plainSize;
  const hasPlain = (isNew || hasGrown) && (await readPlain(file, taker, slice));
  return hasPacked || hasPlain;
}

function plainStats(file: FileProgress): Stats | undefined {
  const stats = lstatSync(plainPath(file), { throwIfNoEntry: false });
  file.isPlainThere = stats?.isFile() === true;
  return file.isPlainThere ? stats : undefined;
}

/**
 * The plain file that was read is gone. If it was compressed, its lines are behind those that were compressed before; of a
 * file that was parked nobody knows how many those are, and all is read again.
 */
function movePlain(file: FileProgress): void {
  const isBehindUnknown = file.packedSize >= 0 && file.packedRead === 0;
  if (file.packing !== 'none' && !isBehindUnknown) file.packedRead += file.plainRead;
  file.plainRead = 0;
  file.plainSize = -1;
  file.mark = 0;
}

async function readPlain(file: FileProgress, taker: LineTaker, slice: TimeSlice): Promise<boolean> {
  // Of a link that was put there meanwhile nothing is read, of a pipe neither.
  const descriptor = openSync(plainPath(file), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stats = fstatSync(descriptor);
    if (!stats.isFile()) return false;
    // Another file, or one that was cut off: from its start. What of it was counted is remembered.
    const isOther = fileMark(stats) !== file.mark || stats.size < file.plainRead;
    if (isOther || !endsAt(descriptor, file.plainRead)) file.plainRead = 0;
    file.mark = fileMark(stats);
    const lines = new EventLines(taker);
    let at = file.plainRead;
    // What is written meanwhile is read the next time: a writer may be as quick as we are.
    while (at < stats.size) {
      const bytes = readSync(descriptor, CHUNK, 0, Math.min(CHUNK.length, stats.size - at), at);
      if (bytes === 0) break;
      lines.add(CHUNK.subarray(0, bytes));
      at += bytes;
      if (slice.isOver) await slice.next();
    }
    lines.end();
    file.plainSize = at;
    file.plainRead = at - lines.heldBytes;
    return true;
  } finally {
    closeSync(descriptor);
  }
}

/** True when what was read still ends there: not every file system knows when a file was made. */
function endsAt(descriptor: number, end: number): boolean {
  if (end === 0) return true;
  readSync(descriptor, CHUNK, 0, 1, end - 1);
  return CHUNK[0] === NEWLINE || CHUNK[0] === CLOSING_BRACE;
}

async function readPacked(file: FileProgress, taker: LineTaker): Promise<boolean> {
  const { packing, day, name } = file;
  const log = logFileAs({ folder: day.logs, day: day.day, name }, packing);
  const stats = lstatSync(log.path, { throwIfNoEntry: false });
  if (stats?.isFile() !== true || stats.size === file.packedSize) return false;
  // What was read plain and is compressed now, as a rule without anything behind it. Should there be a second part after
  // all, of just the size of the first, it is missed: unpacking a whole day for that would take minutes.
  const isFirstPart = packing === 'gzip' && file.packedSize < 0 && file.packedRead > 0;
  if (isFirstPart && gzipEnd(log.path, stats.size) === file.packedRead % 2 ** 32) {
    file.packedSize = stats.size;
    return false;
  }
  try {
    for await (const line of readLines(log, { from: file.packedRead })) {
      if (line.isTooLong || (!line.isEnded && !line.text.endsWith('}'))) taker.skipped();
      else if (line.text.includes('eventName')) takeLine(line.text, taker);
      file.packedRead = line.end;
    }
  } catch (error) {
    // It will not become better: what could be read of it was.
    taker.skipped();
    reportOnce('metrics.packed', `${log.path} cannot be unpacked: ${String(error)}; what follows in it is not counted`);
  }
  file.packedSize = stats.size;
  return true;
}

function gzipEnd(path: string, size: number): number | undefined {
  if (size < GZIP_SIZE_BYTES) return undefined;
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const bytes = Buffer.alloc(GZIP_SIZE_BYTES);
    const read = readSync(descriptor, bytes, 0, GZIP_SIZE_BYTES, size - GZIP_SIZE_BYTES);
    return read === GZIP_SIZE_BYTES ? bytes.readUInt32LE() : undefined;
  } finally {
    closeSync(descriptor);
  }
}

function plainPath(file: FileProgress): string {
  return `${file.day.path}/${file.name}.jsonl`;
}
