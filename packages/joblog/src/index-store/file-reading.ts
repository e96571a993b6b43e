/** A file of a day's folder, read from where it was left: by the thread that asks, or by one that helps it. */
import { closeSync, constants, fstatSync, lstatSync, openSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { bytesOf } from '../reader/log-bytes.ts';
import { parseLogFileName } from '../reader/log-file.ts';
import { FileScan } from './file-scan.ts';
import { chunkWindows, type LineWindow, lineWindows, windowsBetween } from './line-window.ts';
import type { RunPart } from './run-part.ts';
import { Slices } from './slices.ts';

/** What to read. */
export interface UnreadFile {
  /** Number of the file. */
  readonly file: number;
  /** With its ending. */
  readonly name: string;
  /** Where to go on, the start of a line unless `to` is given. */
  readonly from: number;
  /** Only the lines that begin from `from` on and before this, of a plain file: others read the rest. */
  readonly to?: number | undefined;
}

export interface FileReading {
  readonly file: number;
  /** False for one that is not there any more. */
  readonly isThere: boolean;
  readonly size: number;
  readonly mtimeMs: number;
  /** True when it was read from its beginning: it is another file than it was. */
  readonly isAnew: boolean;
  /** Offset of the first line that is not read yet. */
  readonly readTo: number;
  /** Pieces of lines that could not be read. */
  readonly skipped: number;
  readonly parts: readonly RunPart[];
  /** Why it could not be read, or not to its end. */
  readonly error?: string | undefined;
}

/**
 * Never rejects.
 *
 * @param folder of a day, absolute
 * @param known what was known of a run of this file
 */
export async function readParts(
  folder: string,
  unread: UnreadFile,
  known?: (jobId: string, run: string) => RunPart | undefined,
): Promise<FileReading> {
  const path = `${folder}/${unread.name}`;
  const nothing = { file: unread.file, isAnew: false, readTo: unread.from, skipped: 0, parts: [] };
  let fd: number;
  try {
    // A link is not followed, and opening a pipe would wait for its writer.
    fd = openSync(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    const stats = lstatSync(path, { throwIfNoEntry: false });
    const { size = -1, mtimeMs = 0 } = stats ?? {};
    return { ...nothing, isThere: stats !== undefined, size, mtimeMs, error: String(error) };
  }
  try {
    const stats = fstatSync(fd);
    const seen = { isThere: true, size: stats.size, mtimeMs: stats.mtimeMs };
    const parsed = parseLogFileName(unread.name);
    if (parsed === undefined || !stats.isFile()) return { ...nothing, ...seen };
    const isPlain = parsed.compression === 'none';
    // What is shorter than it was, or packed, is another file.
    const from = isPlain && stats.size >= unread.from ? unread.from : 0;
    const isAnew = from < unread.from;
    const slices = new Slices();
    const scan = new FileScan({ file: unread.file, name: parsed.name, known: isAnew ? undefined : known });
    let error: string | undefined;
    try {
      const file = { path, folder: dirname(folder), day: basename(folder), ...parsed };
      const windows = isPlain ? plainWindows(fd, from, unread.to) : chunkWindows(bytesOf(file, 0), 0);
      for await (const window of windows) {
        scan.add(window);
        await slices.pause();
      }
    } catch (reason) {
      error = String(reason);
    }
    const parts = scan.end();
    const readTo = Math.max(from, scan.readTo);
    return { file: unread.file, ...seen, isAnew, readTo, skipped: scan.skipped, parts, error };
  } finally {
    closeSync(fd);
  }
}

function plainWindows(fd: number, from: number, to: number | undefined): Iterable<LineWindow> {
  return to === undefined ? lineWindows(fd, from) : windowsBetween(fd, from, to);
}
