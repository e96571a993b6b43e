import { withoutEscapeSequences } from './escape-sequences.ts';

const RETURN = 13;
/** Of a line's text as JSON. A record has at most 1 MiB, and what stands around the text needs some of it. */
const LINE_BYTES: number = 1024 * 1024 - 16 * 1024;
/** A byte of a line takes at most so many in JSON: `\u0000`. */
const WORST_ESCAPE = 6;
const FIRST_BYTES = 4 * 1024;
/** Memory kept for the next line. */
const KEPT_BYTES = 64 * 1024;

/** A line of output: its text, and how many bytes of it were left out because it was too long. */
export interface CutLine {
  readonly text: string;
  readonly cutBytes: number;
}

/** The beginning of a line whose end has not come yet: never more of it than a record can hold. */
export class HeldLine {
  #bytes: Buffer = Buffer.alloc(0);
  #length = 0;
  #cutBytes = 0;
  /** The last thing that came was a carriage return: what follows begins the line anew, unless that is its end. */
  #returned = false;

  get isEmpty(): boolean {
    return this.#length === 0 && this.#cutBytes === 0 && !this.#returned;
  }

  /** Adds what came of the line, copied. */
  add(bytes: Buffer): void {
    let end = bytes.length;
    while (end > 0 && bytes[end - 1] === RETURN) end -= 1;
    if (end > 0) {
      const start = bytes.lastIndexOf(RETURN, end - 1) + 1;
      if (start > 0 || this.#returned) this.#clear();
      this.#append(bytes.subarray(start, end));
    }
    if (end < bytes.length) this.#returned = true;
  }

  /** The line; afterwards there is none. */
  take(): CutLine {
    const length = this.#cutBytes === 0 ? this.#length : wholeCharacters(this.#bytes, this.#length);
    const text = withoutEscapeSequences(this.#bytes.toString('utf8', 0, length));
    const line = { text, cutBytes: this.#cutBytes + this.#length - length };
    this.#clear();
    if (this.#bytes.length > KEPT_BYTES) this.#bytes = Buffer.alloc(0);
    return line;
  }

  #clear(): void {
    this.#length = 0;
    this.#cutBytes = 0;
    this.#returned = false;
  }

  #append(bytes: Buffer): void {
    const kept = Math.min(bytes.length, LINE_BYTES - this.#length);
    this.#cutBytes += bytes.length - kept;
    const length = this.#length + kept;
    if (length > this.#bytes.length) {
      const grown = Buffer.allocUnsafe(Math.min(LINE_BYTES, Math.max(FIRST_BYTES, 2 * length)));
      this.#bytes.copy(grown, 0, 0, this.#length);
      this.#bytes = grown;
    }
    bytes.copy(this.#bytes, this.#length, 0, kept);
    this.#length = length;
  }
}

/** The length without the beginning of a character that was cut. */
function wholeCharacters(bytes: Buffer, length: number): number {
  for (let at = length - 1; at >= Math.max(0, length - 4); at -= 1) {
    const byte = bytes[at] ?? 0;
    if (byte < 0x80) return length;
    if (byte >= 0xc0) return at + (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) <= length ? length : at;
  }
  return length;
}

/** What of a line has room in a record as text: no more than {@link LINE_BYTES} as JSON. */
export function fitted({ text: whole, cutBytes: alreadyCut }: CutLine): CutLine {
  let text = whole;
  // Few texts are long enough to be looked at.
  while (text.length * WORST_ESCAPE > LINE_BYTES) {
    const bytes = Buffer.byteLength(JSON.stringify(text));
    if (bytes <= LINE_BYTES) break;
    text = text.slice(0, Math.floor((text.length * LINE_BYTES) / bytes) - 1);
  }
  if (text.length === whole.length) return { text, cutBytes: alreadyCut };
  // Half a pair at the end belongs to what is cut.
  if (/[\ud800-\udbff]$/.test(text)) text = text.slice(0, -1);
  return { text, cutBytes: alreadyCut + Buffer.byteLength(whole.slice(text.length)) };
}
