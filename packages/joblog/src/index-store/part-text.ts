/** Where the texts of parts lie: in memory while they are new, then in the file of their day. */
import { closeSync, openSync, readSync } from 'node:fs';

export interface PartText {
  /** The bytes from `at` on; throws when they are not there. */
  read(at: number, length: number): Buffer;
}

/** The file of the index is not what it was when it was opened: it is read again, or made again. */
export class StaleIndexError extends Error {
  override readonly name = 'StaleIndexError';
}

export class MemoryText implements PartText {
  readonly bytes: Buffer;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  read(at: number, length: number): Buffer {
    return this.bytes.subarray(at, at + length);
  }
}

/** A descriptor that several texts read from. It outlives the name: who replaces the file disturbs no reader of it. */
export class OpenFile {
  #fd: number | undefined;

  constructor(path: string) {
    this.#fd = openSync(path, 'r');
  }

  read(at: number, length: number): Buffer {
    const buffer = Buffer.allocUnsafe(length);
    this.readInto(buffer, at);
    return buffer;
  }

  /** Fills all of the bytes. */
  readInto(bytes: Uint8Array, at: number): void {
    if (this.#fd === undefined) throw new StaleIndexError('closed');
    if (readSync(this.#fd, bytes, 0, bytes.length, at) !== bytes.length)
      throw new StaleIndexError('shorter than it was');
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }
}

export class FileText implements PartText {
  readonly #file: OpenFile;
  readonly #start: number;

  /** @param start of the text in the file, in bytes */
  constructor(file: OpenFile, start: number) {
    this.#file = file;
    this.#start = start;
  }

  read(at: number, length: number): Buffer {
    return this.#file.read(this.#start + at, length);
  }
}
