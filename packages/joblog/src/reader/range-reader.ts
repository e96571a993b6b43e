import type { FileHandle } from 'node:fs/promises';
import { bytesOf, openLogFile } from './log-bytes.ts';
import type { LogFile } from './log-file.ts';

/** Files kept open between two reads. */
const MAX_OPEN = 8;
/** Of a packed file, so much before the last read is remembered: ranges of several streams lie side by side. */
const WINDOW_BYTES = 512 * 1024;

interface OpenRange {
  read(from: number, to: number): Promise<Buffer>;
  close(): Promise<void>;
}

/** Reads pieces of files, whatever their compression. A packed file is read on from where it was, as far as possible. */
export class RangeReader {
  /** Oldest use first. */
  readonly #open = new Map<string, OpenRange>();

  /** The bytes of a range, counted before compression; fewer when the file has become shorter, none when it is gone. */
  async read(file: LogFile, from: number, to: number): Promise<Buffer> {
    const known = this.#open.get(file.path);
    const range = known ?? (await openRange(file));
    if (range === undefined) return Buffer.alloc(0);
    this.#open.delete(file.path);
    this.#open.set(file.path, range);
    if (this.#open.size > MAX_OPEN) await this.#closeOldest();
    return await range.read(from, to);
  }

  async close(): Promise<void> {
    while (this.#open.size > 0) await this.#closeOldest();
  }

  /** Closes what is opened again at no cost: for the time in which nobody may ever come back. */
  async rest(): Promise<void> {
    for (const [path, range] of this.#open) {
      if (!(range instanceof PlainRange)) continue;
      this.#open.delete(path);
      await range.close();
    }
  }

  async #closeOldest(): Promise<void> {
    for (const [path, range] of this.#open) {
      this.#open.delete(path);
      return await range.close();
    }
  }
}

async function openRange(file: LogFile): Promise<OpenRange | undefined> {
  const opened = await openLogFile(file);
  if (opened === undefined) return undefined;
  if (opened.file.compression === 'none') return new PlainRange(opened.handle);
  await opened.handle.close();
  return new PackedRange(opened.file);
}

class PlainRange implements OpenRange {
  readonly #handle: FileHandle;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  async read(from: number, to: number): Promise<Buffer> {
    const buffer = Buffer.allocUnsafe(to - from);
    let filled = 0;
    while (filled < buffer.length) {
      const { bytesRead } = await this.#handle.read(buffer, filled, buffer.length - filled, from + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return buffer.subarray(0, filled);
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}

class PackedRange implements OpenRange {
  readonly #file: LogFile;
  #chunks: AsyncGenerator<Buffer, void, undefined> | undefined;
  #window: Buffer[] = [];
  /** Of the first byte of the window. */
  #start = 0;
  #end = 0;

  constructor(file: LogFile) {
    this.#file = file;
  }

  async read(from: number, to: number): Promise<Buffer> {
    if (this.#chunks === undefined || from < this.#start) await this.#startAt(from);
    while (this.#end < to) {
      const next = await this.#chunks?.next();
      if (next === undefined || next.done === true) break;
      // A chunk is filled again.
      this.#window.push(Buffer.from(next.value));
      this.#end += next.value.length;
      this.#forgetBefore(from - WINDOW_BYTES);
    }
    return Buffer.concat(this.#window).subarray(from - this.#start, to - this.#start);
  }

  async close(): Promise<void> {
    await this.#chunks?.return();
  }

  async #startAt(from: number): Promise<void> {
    await this.close();
    this.#chunks = bytesOf(this.#file, from);
    this.#window = [];
    this.#start = from;
    this.#end = from;
  }

  #forgetBefore(offset: number): void {
    for (let first = this.#window[0]; first !== undefined; first = this.#window[0]) {
      if (this.#start + first.length > offset) return;
      this.#start += first.length;
      this.#window.shift();
    }
  }
}
