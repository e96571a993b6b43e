/** The bytes of a file of job logs, unpacked. */
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import * as zlib from 'node:zlib';
import { COMPRESSIONS, type LogFile, logFileAs } from './log-file.ts';

const CHUNK_BYTES = 256 * 1024;

export interface OpenedFile {
  readonly handle: FileHandle;
  /** Its name at the moment: a file may have been compressed since it was listed. */
  readonly file: LogFile;
}

/**
 * Opens the file under its name, or under that which it has once it is compressed.
 *
 * @returns undefined when it is gone, or is no plain file
 */
export async function openLogFile(file: LogFile): Promise<OpenedFile | undefined> {
  const handle = await openPlain(file.path);
  if (handle !== undefined) return { handle, file };
  for (const compression of COMPRESSIONS) {
    if (compression === file.compression) continue;
    const other = logFileAs(file, compression);
    const otherHandle = await openPlain(other.path);
    if (otherHandle !== undefined) return { handle: otherHandle, file: other };
  }
  return undefined;
}

/**
 * The bytes from an offset on, counted before compression, up to another; none when the file is gone. A chunk is valid
 * until the next one is asked for.
 */
export async function* bytesOf(
  file: LogFile,
  from: number,
  to: number = Number.POSITIVE_INFINITY,
): AsyncGenerator<Buffer, void, undefined> {
  const opened = await openLogFile(file);
  if (opened === undefined) return;
  try {
    const isPlain = opened.file.compression === 'none';
    let left = to - from;
    for await (const chunk of isPlain ? plainBytes(opened.handle, from, to) : unpackedBytes(opened, from)) {
      yield left < chunk.length ? chunk.subarray(0, left) : chunk;
      left -= chunk.length;
      if (left <= 0) return;
    }
  } finally {
    await opened.handle.close();
  }
}

/** What opening says of paths that lead to no file of ours. */
const GONE: ReadonlySet<unknown> = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG']);

async function openPlain(path: string): Promise<FileHandle | undefined> {
  let handle: FileHandle;
  try {
    // Opening a pipe would wait for its writer.
    handle = await open(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    if (GONE.has((error as NodeJS.ErrnoException).code)) return undefined;
    throw error;
  }
  if ((await handle.stat()).isFile()) return handle;
  await handle.close();
  return undefined;
}

async function* plainBytes(handle: FileHandle, from: number, to: number): AsyncGenerator<Buffer, void, undefined> {
  const buffer = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, Math.max(0, to - from)));
  for (let at = from; at < to; ) {
    const { bytesRead } = await handle.read(buffer, 0, Math.min(buffer.length, to - at), at);
    if (bytesRead === 0) return;
    at += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

async function* unpackedBytes({ handle, file }: OpenedFile, from: number): AsyncGenerator<Buffer, void, undefined> {
  const unpacker = createUnpacker(file);
  const packed = handle.createReadStream({ autoClose: false, highWaterMark: CHUNK_BYTES });
  packed.on('error', (error) => unpacker.destroy(error));
  packed.pipe(unpacker);
  try {
    let toSkip = from;
    for await (const chunk of unpacker as AsyncIterable<Buffer>) {
      if (toSkip < chunk.length) yield chunk.subarray(toSkip);
      toSkip = Math.max(0, toSkip - chunk.length);
    }
  } finally {
    packed.destroy();
    unpacker.destroy();
  }
}

/** What Node 22.15 and 23.8 brought. */
interface ZstdOfNode {
  createZstdDecompress?: (options: zlib.ZlibOptions) => zlib.Gunzip;
}

/** What a file that was cut off still holds is given, without an error. */
function createUnpacker(file: LogFile): zlib.Gunzip {
  if (file.compression === 'gzip')
    return zlib.createGunzip({ chunkSize: CHUNK_BYTES, finishFlush: zlib.constants.Z_SYNC_FLUSH });
  const { createZstdDecompress } = zlib as ZstdOfNode;
  if (createZstdDecompress === undefined) throw new Error('this Node cannot read zstd; from 22.15 on it can');
  return createZstdDecompress({ chunkSize: CHUNK_BYTES });
}
