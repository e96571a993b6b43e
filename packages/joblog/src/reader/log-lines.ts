/** Bytes of a file of job logs into lines. */
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import * as zlib from 'node:zlib';
import { COMPRESSIONS, type LogFile, logFileAs } from './log-file.ts';

/**
 * Longer lines are passed over: no writer of ours makes them (256 Ki characters, or one record of 1 MiB), and a Collector
 * takes requests of 20 MiB; but a file without any newline must not fill the memory.
 */
export const MAX_LINE_BYTES: number = 64 * 1024 * 1024;

const CHUNK_BYTES = 256 * 1024;
const NEWLINE = 10;

/** Where a line stands is counted in bytes of the file as it was before any compression. */
export interface LogLine {
  /** Without its newline; empty for one that is too long, see {@link isTooLong}. */
  readonly text: string;
  /** Of its first byte. */
  readonly offset: number;
  /** Of the first byte after it, its newline included. */
  readonly end: number;
  /** False for the last line of a file that lacks its newline: half a line, or one that is being written. */
  readonly isEnded: boolean;
  /** Above {@link MAX_LINE_BYTES}. */
  readonly isTooLong: boolean;
}

export interface LinesOptions {
  /** Offset of the first line that is wanted, the start of a line; default 0. */
  readonly from?: number | undefined;
}

/** Reads the lines of a file. @see LogTree.linesOf */
export async function* readLines(file: LogFile, options: LinesOptions = {}): AsyncGenerator<LogLine, void, undefined> {
  const opened = await openAny(file);
  if (opened === undefined) return;
  try {
    const from = options.from ?? 0;
    const splitter = new LineSplitter(from);
    for await (const chunk of bytesOf(opened.handle, opened.file, from)) yield* splitter.add(chunk);
    yield* splitter.end();
  } finally {
    await opened.handle.close();
  }
}

interface OpenedFile {
  readonly handle: FileHandle;
  readonly file: LogFile;
}

/** The file under its name, or under that which it has once it is compressed; undefined when it is gone. */
async function openAny(file: LogFile): Promise<OpenedFile | undefined> {
  const handle = await openFile(file.path);
  if (handle !== undefined) return { handle, file };
  for (const compression of COMPRESSIONS) {
    if (compression === file.compression) continue;
    const other = logFileAs(file, compression);
    const otherHandle = await openFile(other.path);
    if (otherHandle !== undefined) return { handle: otherHandle, file: other };
  }
  return undefined;
}

/** Undefined for what is not there, or is no plain file: opening a pipe would wait for its writer. */
async function openFile(path: string): Promise<FileHandle | undefined> {
  let handle: FileHandle;
  try {
    handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP' || code === 'ENAMETOOLONG') return undefined;
    throw error;
  }
  if ((await handle.stat()).isFile()) return handle;
  await handle.close();
  return undefined;
}

async function* bytesOf(handle: FileHandle, file: LogFile, from: number): AsyncGenerator<Buffer, void, undefined> {
  if (file.compression === 'none') {
    let at = from;
    for (;;) {
      const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(CHUNK_BYTES), 0, CHUNK_BYTES, at);
      if (bytesRead === 0) return;
      at += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  }
  const unpacked = handle.createReadStream({ autoClose: false, highWaterMark: CHUNK_BYTES }).pipe(unpacker(file));
  let toSkip = from;
  for await (const chunk of unpacked as AsyncIterable<Buffer>) {
    if (toSkip >= chunk.length) toSkip -= chunk.length;
    else {
      yield chunk.subarray(toSkip);
      toSkip = 0;
    }
  }
}

/** What Node 22.15 and 23.8 brought. */
interface ZstdOfNode {
  createZstdDecompress?: () => zlib.Gunzip;
}

function unpacker(file: LogFile): zlib.Gunzip {
  if (file.compression === 'gzip') return zlib.createGunzip({ chunkSize: CHUNK_BYTES });
  const { createZstdDecompress } = zlib as ZstdOfNode;
  if (createZstdDecompress === undefined)
    throw new Error(`${file.path}: this Node cannot read zstd, from 22.15 on it can`);
  return createZstdDecompress();
}

/** Chunks of bytes into lines. */
class LineSplitter {
  #parts: Buffer[] = [];
  /** Bytes of the line that is open. */
  #length = 0;
  #offset: number;

  /** @param offset of the first byte that will come */
  constructor(offset: number) {
    this.#offset = offset;
  }

  *add(chunk: Buffer): Generator<LogLine, void, undefined> {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      yield this.#close(chunk.subarray(start, end), true);
      start = end + 1;
    }
    this.#hold(chunk.subarray(start));
  }

  *end(): Generator<LogLine, void, undefined> {
    if (this.#length > 0) yield this.#close(Buffer.alloc(0), false);
  }

  #hold(part: Buffer): void {
    if (part.length === 0) return;
    this.#length += part.length;
    if (this.#length > MAX_LINE_BYTES) this.#parts = [];
    else this.#parts.push(part);
  }

  #close(last: Buffer, isEnded: boolean): LogLine {
    const length = this.#length + last.length;
    const isTooLong = length > MAX_LINE_BYTES;
    const offset = this.#offset;
    const end = offset + length + (isEnded ? 1 : 0);
    const bytes = this.#parts.length === 0 ? last : Buffer.concat([...this.#parts, last]);
    const text = isTooLong ? '' : bytes.toString();
    this.#parts = [];
    this.#length = 0;
    this.#offset = end;
    return { text, offset, end, isEnded, isTooLong };
  }
}
