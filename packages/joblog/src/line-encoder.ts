import { type Frame, OtlpBatch, type RunLines, runLinesJson, textJson } from '@taskspan/core/hub';

/** Bytes after which a line of the file is closed, and what is encoded is handed on. */
const PIECE_BYTES = 256 * 1024;
/** Shorter texts are copied unit by unit, which beats a call. */
const SHORT_TEXT = 40;
/** UTF-8 bytes of a unit of text at most. */
const WORST_BYTES = 3;
const ZERO = 0x30;
const NINE = 0x39;
/** Stands for the records of a batch while what is around them is made: as it is, it can be in no JSON. */
const INSIDE = '\u0000';

/**
 * Log lines that came together, as bytes of a file. What two records have in common is copied as a whole, with the
 * number of the first in it: a short line takes a tenth of a microsecond, which joining and writing texts does not.
 */
export class LineEncoder {
  readonly #before: Buffer;
  readonly #after: Buffer;
  #bytes: Buffer = Buffer.alloc(0);

  constructor(frame: Frame) {
    const batch = new OtlpBatch('logs');
    batch.add(frame, INSIDE);
    const [before = '', after = ''] = batch.take().split(INSIDE);
    this.#before = Buffer.from(before);
    this.#after = Buffer.from(`${after}\n`);
  }

  /** Whole lines of the file. The memory of a piece is used again for the next one. */
  *encode(lines: RunLines): Generator<Buffer> {
    const { head, middle, tail } = runLinesJson(lines);
    const first = Buffer.from(head);
    const next = lines.isAlone
      ? Buffer.concat([this.#after, this.#before, first])
      : Buffer.concat([Buffer.from(','), first]);
    const step = new NumberedBytes(middle, lines.firstSequence, Buffer.concat([Buffer.from(tail), next]));
    let used = 0;
    for (const text of lines.texts) {
      const json = lines.isPlain ? text : textJson(text).slice(1, -1);
      const most = json.length * WORST_BYTES + step.bytes.length + this.#after.length;
      if (used > 0 && used + most > PIECE_BYTES) {
        yield this.#closed(used - next.length);
        used = 0;
      }
      if (used === 0) used = this.#open(first, most);
      used = this.#write(json, used, lines.isAscii);
      this.#bytes.set(step.bytes, used);
      used += step.bytes.length;
      step.increment();
    }
    yield this.#closed(used - next.length);
  }

  /** Begins a piece, with room for what `most` bytes may follow. */
  #open(first: Buffer, most: number): number {
    const used = this.#before.length + first.length;
    const size = Math.max(PIECE_BYTES, used + most);
    if (this.#bytes.length !== size) this.#bytes = Buffer.allocUnsafeSlow(size);
    this.#bytes.set(this.#before);
    this.#bytes.set(first, this.#before.length);
    return used;
  }

  #closed(length: number): Buffer {
    this.#bytes.set(this.#after, length);
    return this.#bytes.subarray(0, length + this.#after.length);
  }

  /** Where what follows the text begins. */
  #write(json: string, at: number, isAscii: boolean): number {
    if (!isAscii) return at + this.#bytes.write(json, at);
    if (json.length > SHORT_TEXT) return at + this.#bytes.write(json, at, 'latin1');
    const bytes = this.#bytes;
    for (let unit = 0; unit < json.length; unit += 1) bytes[at + unit] = json.charCodeAt(unit);
    return at + json.length;
  }
}

/** Bytes with a number in their middle, which counts up. */
class NumberedBytes {
  #bytes: Buffer;
  readonly #firstDigit: number;
  #lastDigit: number;

  constructor(before: string, number: number, after: Buffer) {
    const head = Buffer.from(before);
    const digits = Buffer.from(String(number));
    this.#bytes = Buffer.concat([head, digits, after]);
    this.#firstDigit = head.length;
    this.#lastDigit = head.length + digits.length - 1;
  }

  get bytes(): Buffer {
    return this.#bytes;
  }

  increment(): void {
    const bytes = this.#bytes;
    let at = this.#lastDigit;
    while (at >= this.#firstDigit && bytes[at] === NINE) {
      bytes[at] = ZERO;
      at -= 1;
    }
    if (at >= this.#firstDigit) {
      bytes[at] = (bytes[at] ?? ZERO) + 1;
      return;
    }
    const from = this.#firstDigit;
    this.#bytes = Buffer.concat([bytes.subarray(0, from), Buffer.from('1'), bytes.subarray(from)]);
    this.#lastDigit += 1;
  }
}
