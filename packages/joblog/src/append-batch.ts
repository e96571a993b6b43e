import type { Append, AppenderOptions } from './appender.ts';

/**
 * One message to the writing thread: appends laid out in memory that both threads see, so that handing them over copies
 * nothing. Each append is: 4 bytes length of the text, 2 bytes length of the name, 1 byte of hints, name, text.
 */
export interface AppendBatch {
  /** 1, 2, 3… */
  readonly sequence: number;
  readonly memory: SharedArrayBuffer;
  /** Bytes used of it. */
  readonly bytes: number;
}

const HEAD_BYTES = 7;
const IS_NEW = 1;
const IS_LAST = 2;
/** A batch is posted when it has grown to this. */
const BATCH_BYTES: number = 1024 * 1024;
/** Memory kept for the next batches: as much as is in flight at most, so that a burst leaves none to the garbage collector, which does not hurry for it. */
const SPARES_KEPT = 20;

const spares: SharedArrayBuffer[] = [];

/** Memory of a batch that is done, for another one: fresh memory costs page faults. */
export function recycle(memory: SharedArrayBuffer): void {
  if (memory.byteLength === BATCH_BYTES && spares.length < SPARES_KEPT) spares.push(memory);
}

interface FileHints {
  /** Path below the logs folder, without ending; ASCII, already checked. */
  readonly file: string;
  readonly isNew: boolean;
  readonly isLast: boolean;
}

/** Whole lines for one file, as text. */
export interface TextAppend extends FileHints {
  readonly text: string;
  readonly isAscii: boolean;
}

/** Whole lines for one file, as bytes that are copied at once. */
export interface BytesAppend extends FileHints {
  readonly bytes: Buffer;
}

/** A batch being filled. */
export class BatchBuilder {
  readonly #memory: SharedArrayBuffer;
  readonly #buffer: Buffer;
  #used = 0;

  /** @param first the append that must fit, however long */
  constructor(first: TextAppend | BytesAppend) {
    const least = HEAD_BYTES + first.file.length + bytesOf(first);
    this.#memory =
      least > BATCH_BYTES ? new SharedArrayBuffer(least) : (spares.pop() ?? new SharedArrayBuffer(BATCH_BYTES));
    this.#buffer = Buffer.from(this.#memory);
  }

  /** False when there is no room. */
  add(append: TextAppend | BytesAppend): boolean {
    const { file } = append;
    const buffer = this.#buffer;
    const textAt = this.#used + HEAD_BYTES + file.length;
    const bytes = 'bytes' in append ? this.#copy(append.bytes, textAt) : this.#write(append, textAt);
    if (bytes === undefined) return false;
    let at = buffer.writeUInt32LE(bytes, this.#used);
    at = buffer.writeUInt16LE(file.length, at);
    at = buffer.writeUInt8((append.isNew ? IS_NEW : 0) | (append.isLast ? IS_LAST : 0), at);
    buffer.write(file, at, 'latin1');
    this.#used = textAt + bytes;
    return true;
  }

  /** Undefined when there is no room. */
  #write(append: TextAppend, at: number): number | undefined {
    const { text, isAscii } = append;
    const buffer = this.#buffer;
    if (at + text.length > buffer.length) return undefined;
    if (isAscii) return buffer.write(text, at, 'latin1');
    return at + bytesOf(append) > buffer.length ? undefined : buffer.write(text, at);
  }

  #copy(bytes: Buffer, at: number): number | undefined {
    if (at + bytes.length > this.#buffer.length) return undefined;
    this.#buffer.set(bytes, at);
    return bytes.length;
  }

  finish(sequence: number): AppendBatch {
    return { sequence, memory: this.#memory, bytes: this.#used };
  }
}

function bytesOf(append: TextAppend | BytesAppend): number {
  if ('bytes' in append) return append.bytes.length;
  return append.isAscii ? append.text.length : Buffer.byteLength(append.text);
}

/** The appends of a batch, as views of its memory, from the `skip`th on. */
export function* appendsOf(batch: AppendBatch, skip = 0): Generator<Append> {
  const buffer = Buffer.from(batch.memory, 0, batch.bytes);
  let count = 0;
  for (let at = 0; at < batch.bytes; ) {
    const textBytes = buffer.readUInt32LE(at);
    const nameBytes = buffer.readUInt16LE(at + 4);
    const hints = buffer[at + 6] ?? 0;
    const textAt = at + HEAD_BYTES + nameBytes;
    at = textAt + textBytes;
    count += 1;
    if (count <= skip) continue;
    yield {
      file: buffer.toString('latin1', textAt - nameBytes, textAt),
      lines: buffer.subarray(textAt, at),
      isNew: (hints & IS_NEW) !== 0,
      isLast: (hints & IS_LAST) !== 0,
    };
  }
}

/** What both threads see of the progress, each a 32-bit integer. */
export const SLOT = {
  /** 1 once the worker takes batches. */
  ready: 0,
  /** Sequence of the last batch that is done. */
  batches: 1,
  /** Appends done of the batch after it. */
  entries: 2,
  /** 1 tells the worker to write nothing more. */
  stop: 3,
  /** Log records and spans that the disk refused, since the start. */
  lostLogs: 4,
  lostSpans: 5,
} as const;

export const SLOTS = 6;

export interface WorkerInput {
  readonly progress: Int32Array;
  readonly options: AppenderOptions;
}
