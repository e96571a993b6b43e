import { createReadStream, createWriteStream } from 'node:fs';
import { copyFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import type { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import * as zlib from 'node:zlib';
import { logFileAs } from '../reader/log-file.ts';
import { type KeptFile, sizeOf } from './day-files.ts';

/** How files of past days are packed; zstd where Node has it (22.15, 23.8 and later). */
export type RetentionCompression = 'gzip' | 'zstd' | 'off';

/** A file takes whole blocks of the file system: a smaller one would take no less. */
const WORTH_BYTES = 4096;

/** In Node 20 there is none. */
const { createZstdCompress } = zlib as { createZstdCompress?: () => Transform };

/** Whether this Node can write zstd. */
export const HAS_ZSTD: boolean = createZstdCompress !== undefined;

export function isWorthCompressing(file: KeptFile): boolean {
  return file.compression === 'none' && file.bytes > WORTH_BYTES;
}

/**
 * Packs a file that nobody writes to any more: the packed one is there, whole, before the plain one goes. What was packed
 * under its name before stays in front.
 *
 * @returns the packed file; undefined when the file changed meanwhile or is gone: then nothing was done
 */
export async function compressFile(
  file: KeptFile,
  compression: Exclude<RetentionCompression, 'off'>,
): Promise<KeptFile | undefined> {
  const packed = logFileAs(file, compression === 'zstd' && HAS_ZSTD ? 'zstd' : 'gzip');
  const before = await sizeOf(packed);
  // Between the two last steps of an earlier time somebody ended us. Setting a time keeps microseconds at best.
  const isDone = before !== undefined && Math.abs(before.modifiedMs - file.modifiedMs) < 1;
  // Nobody promises that a decoder of zstd reads on behind an end.
  if (before !== undefined && !isDone && packed.compression === 'zstd') return undefined;
  if (!isDone) {
    // A leading dot: no reader takes it for a job log.
    const unfinished = `${dirname(packed.path)}/.${basename(packed.path)}.${process.pid}.part`;
    try {
      if (before !== undefined) await copyFile(packed.path, unfinished);
      const into = createWriteStream(unfinished, { flags: before === undefined ? 'wx' : 'a', mode: 0o600 });
      const pack = packed.compression === 'zstd' ? createZstdCompress?.() : undefined;
      await pipeline(createReadStream(file.path), pack ?? zlib.createGzip(), into);
      const { atime, mtimeMs } = await stat(file.path);
      await utimes(unfinished, atime, mtimeMs / 1000);
      if (!(await isUnchanged(file))) return undefined;
      await rename(unfinished, packed.path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    } finally {
      await rm(unfinished, { force: true });
    }
  }
  if (!(await isUnchanged(file))) return undefined;
  await rm(file.path, { force: true });
  return await sizeOf(packed);
}

/** Whether nobody has written to a file since it was looked at, and nobody has removed it. */
export async function isUnchanged(file: KeptFile): Promise<boolean> {
  const now = await sizeOf(file);
  return now !== undefined && now.bytes === file.bytes && now.modifiedMs === file.modifiedMs;
}
