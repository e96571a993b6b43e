import { type DecodedRecord, decodeLine } from '../decode.ts';

export const NEWLINE = 10;
export const CLOSING_BRACE = 125;

/** What every line with an event has in it. Lines without it are not even made into text. */
const NEEDLE = Buffer.from('eventName');

/** Longer lines are passed over: a file without any newline must not fill the memory. */
const MAX_LINE_BYTES = 64 * 1024 * 1024;

/** Takes the records of lines with events, and how many pieces could not be read. */
export interface LineTaker {
  record(record: DecodedRecord): void;
  skipped(): void;
}

/** Finds the lines with events in the chunks of one file, and reads them. */
export class EventLines {
  readonly #taker: LineTaker;
  /** The line that has no end yet. */
  #held: Buffer[] = [];
  #heldBytes = 0;

  constructor(taker: LineTaker) {
    this.#taker = taker;
  }

  /** Bytes of the line that has no end yet, to be read once more; 0 when it is too long: what follows is another line. */
  get heldBytes(): number {
    return this.#heldBytes > MAX_LINE_BYTES ? 0 : this.#heldBytes;
  }

  /** @param chunk whose memory may be used again afterwards */
  add(chunk: Buffer): void {
    const last = chunk.lastIndexOf(NEWLINE);
    if (last < 0) {
      this.#hold(chunk);
      return;
    }
    let from = 0;
    if (this.#heldBytes > 0) {
      from = chunk.indexOf(NEWLINE) + 1;
      this.#hold(chunk.subarray(0, from - 1));
      this.#closeHeld();
    }
    this.#readWhole(chunk.subarray(0, last + 1), from);
    this.#hold(chunk.subarray(last + 1));
  }

  /** At the end of the file: takes the last line too if it lacks nothing but its newline. */
  end(): void {
    const held = Buffer.concat(this.#held);
    if (held.length === 0 || held.at(-1) !== CLOSING_BRACE || !held.includes(NEEDLE)) return;
    const decoded = decodeLine(held.toString());
    if (decoded.error !== undefined) return;
    for (const record of decoded.records) this.#taker.record(record);
    this.#held = [];
    this.#heldBytes = 0;
  }

  #readWhole(lines: Buffer, from: number): void {
    let at = from;
    for (let hit = lines.indexOf(NEEDLE, at); hit >= 0; hit = lines.indexOf(NEEDLE, at)) {
      const start = Math.max(from, lines.lastIndexOf(NEWLINE, hit) + 1);
      const end = lines.indexOf(NEWLINE, hit);
      takeLine(lines.toString('utf8', start, end), this.#taker);
      at = end + 1;
    }
  }

  #hold(part: Buffer): void {
    if (part.length === 0) return;
    this.#heldBytes += part.length;
    if (this.#heldBytes > MAX_LINE_BYTES) this.#held = [];
    else this.#held.push(Buffer.from(part));
  }

  #closeHeld(): void {
    if (this.#heldBytes > MAX_LINE_BYTES) this.#taker.skipped();
    else {
      const line = Buffer.concat(this.#held);
      if (line.includes(NEEDLE)) takeLine(line.toString(), this.#taker);
    }
    this.#held = [];
    this.#heldBytes = 0;
  }
}

/** Where a batch begins. In the text of a record the quotation marks are escaped. */
const BATCH_START = /(?=\{"resource(?:Logs|Spans)")/;

/**
 * Reads one line. A writer that was killed leaves half a line, and the next one goes on behind it: then the batches in it
 * are taken that are whole.
 */
export function takeLine(line: string, taker: LineTaker): void {
  const decoded = decodeLine(line);
  if (decoded.error === undefined) {
    for (const record of decoded.records) taker.record(record);
    return;
  }
  const pieces = line.split(BATCH_START);
  if (pieces.length === 1) {
    taker.skipped();
    return;
  }
  for (const piece of pieces) {
    const part = decodeLine(piece);
    if (part.error !== undefined) taker.skipped();
    else for (const record of part.records) taker.record(record);
  }
}
