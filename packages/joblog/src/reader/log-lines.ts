/** Bytes of a file of job logs into lines. */

import { bytesOf } from './log-bytes.ts';
import type { LogFile } from './log-file.ts';

/**
 * Longer lines are passed over: no writer of ours makes them (256 Ki characters, or one record of 1 MiB), and a Collector
 * takes requests of 20 MiB; but a file without any newline must not fill the memory.
 */
export const MAX_LINE_BYTES: number = 64 * 1024 * 1024;

const NEWLINE = 10;
const NOTHING = Buffer.alloc(0);

/** Where a line stands is counted in bytes of the file as it was before any compression. */
export interface LogLine {
  /** Without its newline; empty for one that is too long. */
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

/** How far a file was looked through; filled in while lines are read, those that are not given included. */
interface LineProgress {
  /** Of the first line that has no end yet. */
  next: number;
  /** Of the first byte that was not there yet. */
  end: number;
}

export interface LinesOptions {
  /** Offset of the first line that is wanted, the start of a line; default 0. */
  readonly from?: number | undefined;
  /** Offset after the last line that is wanted, the end of a line; default: all there are. */
  readonly to?: number | undefined;
  /** Only lines that hold these bytes: the others are passed over without being looked at. */
  readonly needle?: string | undefined;
  readonly progress?: LineProgress | undefined;
}

/** Reads the lines of a file. @see LogTree.linesOf */
export async function* readLines(file: LogFile, options: LinesOptions = {}): AsyncGenerator<LogLine, void, undefined> {
  const { from = 0, to, needle, progress } = options;
  const splitter = new LineSplitter(from, needle);
  for await (const chunk of bytesOf(file, from, to)) {
    yield* splitter.add(chunk);
    if (progress !== undefined) Object.assign(progress, splitter.progress);
  }
  yield* splitter.end();
}

/** The lines of a piece of a file, of which the last may lack its newline. */
export function* linesIn(bytes: Buffer, offset: number): Generator<LogLine, void, undefined> {
  const splitter = new LineSplitter(offset);
  yield* splitter.add(bytes);
  yield* splitter.end();
}

/** Chunks of bytes into lines. */
class LineSplitter {
  readonly #needle: Buffer | undefined;
  /** Of the line that is open, copied: chunks are filled again. */
  #held: Buffer[] = [];
  #heldBytes = 0;
  /** Of the open line. */
  #offset: number;

  /** @param offset of the first byte that will come */
  constructor(offset: number, needle?: string) {
    this.#offset = offset;
    this.#needle = needle === undefined || needle === '' ? undefined : Buffer.from(needle);
  }

  get progress(): LineProgress {
    return { next: this.#offset, end: this.#offset + this.#heldBytes };
  }

  *add(chunk: Buffer): Generator<LogLine, void, undefined> {
    let at = 0;
    if (this.#heldBytes > 0) {
      const end = chunk.indexOf(NEWLINE);
      if (end < 0) return this.#hold(chunk);
      const line = this.#closeHeld(chunk.subarray(0, end), true);
      if (line !== undefined) yield line;
      at = end + 1;
    }
    const wholeEnd = chunk.lastIndexOf(NEWLINE) + 1;
    while (at < wholeEnd) {
      const start = this.#nextStart(chunk, at, wholeEnd);
      this.#offset += start - at;
      if (start === wholeEnd) break;
      const end = chunk.indexOf(NEWLINE, start);
      yield this.#close(chunk.subarray(start, end), true);
      at = end + 1;
    }
    this.#hold(chunk.subarray(Math.max(at, wholeEnd)));
  }

  *end(): Generator<LogLine, void, undefined> {
    const line = this.#heldBytes > 0 ? this.#closeHeld(NOTHING, false) : undefined;
    if (line !== undefined) yield line;
  }

  /** Where the next line that is wanted begins; `end` when there is none. */
  #nextStart(chunk: Buffer, at: number, end: number): number {
    if (this.#needle === undefined) return at;
    const hit = chunk.indexOf(this.#needle, at);
    if (hit < 0 || hit >= end) return end;
    return Math.max(at, hit === 0 ? 0 : chunk.lastIndexOf(NEWLINE, hit - 1) + 1);
  }

  #hold(part: Buffer): void {
    if (part.length === 0) return;
    this.#heldBytes += part.length;
    if (this.#heldBytes > MAX_LINE_BYTES) this.#held = [];
    else this.#held.push(Buffer.from(part));
  }

  #closeHeld(last: Buffer, isEnded: boolean): LogLine | undefined {
    const length = this.#heldBytes + last.length;
    const bytes = length > MAX_LINE_BYTES ? NOTHING : Buffer.concat([...this.#held, last]);
    this.#held = [];
    this.#heldBytes = 0;
    const line = this.#close(bytes, isEnded, length);
    const isWanted = line.isTooLong || this.#needle === undefined || bytes.includes(this.#needle);
    return isWanted ? line : undefined;
  }

  #close(bytes: Buffer, isEnded: boolean, length: number = bytes.length): LogLine {
    const offset = this.#offset;
    const end = offset + length + (isEnded ? 1 : 0);
    this.#offset = end;
    return { text: bytes.toString(), offset, end, isEnded, isTooLong: length > MAX_LINE_BYTES };
  }
}
