import { createHash } from 'node:crypto';
import type { Stats } from 'node:fs';
import { lstat } from 'node:fs/promises';
import { batchesOf, type LineBatches } from './line-batches.ts';
import type { JobFile } from './log-file.ts';
import type { LogLine } from './log-lines.ts';
import type { LogTree } from './log-tree.ts';
import { RangeReader } from './range-reader.ts';

/** A line that is in a log for good. */
export interface NewLine {
  readonly offset: number;
  readonly end: number;
  readonly batches: LineBatches;
}

/** Whether what was read of a file still stands in it. */
export type SourceState = 'same' | 'grown' | 'replaced';

/** Of what was taken last; lines differ in their times and numbers. */
const REMEMBERED_BYTES = 1024;

const REPLACEMENT = '\ufffd';

/** A file that is read as it grows. */
export class LogSource {
  readonly file: JobFile;
  readonly #tree: LogTree;
  readonly #needle: string | undefined;
  #seen: Stats | undefined;
  /** Of the first line that was not taken yet. */
  #next = 0;
  /** What was seen of the file, half a line at its end included. */
  #seenBytes = 0;
  /** What stood there, to see whether it still does. */
  #lastBytes: Buffer = Buffer.alloc(0);
  #skipped = 0;
  #skippedAtEnd = 0;
  /** Of the lines that were taken, where the same lines may come from another file. */
  readonly #digests: Set<string> | undefined;
  readonly #twin: LogSource | undefined;
  /** Whether the same file is there under another compression, too. */
  readonly hasTwin: boolean;

  /**
   * @param needle what every line of interest holds; all lines are read without one
   * @param twin the same file under another compression: lines that it gave are not given again
   */
  constructor(
    tree: LogTree,
    file: JobFile,
    options: { needle: string | undefined; twin: LogSource | undefined; hasTwin: boolean },
  ) {
    this.#tree = tree;
    this.file = file;
    this.#needle = options.needle;
    this.#twin = options.twin;
    this.hasTwin = options.hasTwin;
    this.#digests = options.hasTwin ? new Set() : undefined;
  }

  /** Pieces that could not be read, half a line at the end included. */
  get skipped(): number {
    return this.#skipped + this.#skippedAtEnd;
  }

  async look(): Promise<SourceState> {
    const now = await statOf(this.file.path);
    const before = this.#seen;
    if (before === undefined) return 'grown';
    if (now === undefined || now.ino !== before.ino || now.dev !== before.dev) return 'replaced';
    if (this.file.compression !== 'none')
      return now.size === before.size && now.mtimeMs === before.mtimeMs ? 'same' : 'replaced';
    if (now.size < this.#seenBytes) return 'replaced';
    if (now.size === this.#seenBytes && now.mtimeMs === before.mtimeMs) return 'same';
    // One that was cut and has grown again is as long or longer.
    if (!(await this.#ending()).equals(this.#lastBytes)) return 'replaced';
    return now.size === this.#seenBytes ? 'same' : 'grown';
  }

  /** What stands before the first line that was not taken yet. */
  async #ending(): Promise<Buffer> {
    const reader = new RangeReader();
    try {
      return await reader.read(this.file, Math.max(0, this.#next - REMEMBERED_BYTES), this.#next);
    } finally {
      await reader.close();
    }
  }

  /** When the file was last written, in epoch milliseconds, as far as it is known. */
  get writtenMs(): number {
    return this.#seen?.mtimeMs ?? 0;
  }

  /** The lines that came since the last call. What cannot be read is counted. Throws what reading throws. */
  async *newLines(): AsyncGenerator<NewLine, void, undefined> {
    this.#seen = await statOf(this.file.path);
    this.#skippedAtEnd = 0;
    const { known } = this.file;
    if (known !== undefined && this.#next === 0) {
      yield* this.#read(known.from, known.to);
      this.#next = Math.max(this.#next, known.to, known.readTo);
    }
    const isPlain = this.file.compression === 'none';
    // Up to where it ended when it was looked at: somebody may write faster than anybody reads.
    yield* this.#read(this.#next, isPlain ? this.#seen?.size : undefined);
    if (isPlain) this.#lastBytes = await this.#ending();
  }

  async *#read(from: number, to?: number): AsyncGenerator<NewLine, void, undefined> {
    const progress = { next: from, end: from };
    for await (const line of this.#tree.linesOf(this.file, { from, to, needle: this.#needle, progress })) {
      const batches = line.isTooLong ? TOO_LONG : batchesOf(line.text);
      if (line.isEnded || batches.skipped === 0) {
        this.#skipped += batches.skipped;
        this.#next = line.end;
        if (!this.#isKnown(line)) yield { offset: line.offset, end: line.end, batches };
      } else yield* this.#wholePart(line, batches);
    }
    this.#next = Math.max(this.#next, progress.next);
    this.#seenBytes = progress.end;
  }

  /** Of a last line without its end, what is whole; the rest may be completed yet. */
  *#wholePart({ text, offset }: LogLine, { wholeChars, skipped }: LineBatches): Generator<NewLine, void, undefined> {
    this.#skippedAtEnd = 1;
    // Where a byte was replaced, places in the text say nothing of places in the file.
    if (wholeChars === 0 || text.includes(REPLACEMENT)) return;
    const whole = text.slice(0, wholeChars);
    const end = offset + Buffer.byteLength(whole);
    this.#skipped += skipped - 1;
    this.#next = end;
    yield { offset, end, batches: batchesOf(whole) };
  }

  #isKnown({ text }: LogLine): boolean {
    if (this.#digests === undefined) return false;
    const digest = createHash('sha256').update(text).digest('base64');
    this.#digests.add(digest);
    return this.#twin !== undefined && this.#twin.#digests?.has(digest) === true;
  }
}

const TOO_LONG: LineBatches = { records: [], spans: [], skipped: 1, wholeChars: 0, isNewer: false };

/** Undefined when it is gone. */
async function statOf(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}
