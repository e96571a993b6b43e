import { isAscii } from 'node:buffer';

const NEWLINE = 10;
/** Bytes of a line that are kept. A record has at most 1 MiB, and what stands around the text needs some of it. */
export const LINE_BYTES: number = 1024 * 1024 - 16 * 1024;

/** Whole lines of one stream, as they came: neither `\r` nor escape sequences are looked at. */
export interface SplitLines {
  readonly lines: readonly string[];
  /** Bytes that were cut from the end of the first line; further lines were not cut. */
  readonly firstCutBytes: number;
}

/**
 * Bytes of one stream into its lines, whatever the pieces in which they come. What is no UTF-8 becomes U+FFFD; at most
 * {@link LINE_BYTES} of a line are held.
 */
export class LineSplitter {
  /** Of the line that has not ended yet. */
  #parts: Buffer[] = [];
  #heldBytes = 0;
  #cutBytes = 0;

  /** @param chunk may be reused by its owner afterwards */
  push(chunk: Buffer): SplitLines {
    const last = chunk.lastIndexOf(NEWLINE);
    if (last === -1) {
      this.#hold(chunk);
      return { lines: [], firstCutBytes: 0 };
    }
    if (this.#heldBytes === 0 && this.#cutBytes === 0) {
      const lines = decode(chunk, 0, last).split('\n');
      this.#hold(chunk.subarray(last + 1));
      return { lines, firstCutBytes: 0 };
    }
    const first = chunk.indexOf(NEWLINE);
    this.#hold(chunk.subarray(0, first));
    const { text, cutBytes } = this.#takeHeld();
    const lines = first === last ? [text] : [text, ...decode(chunk, first + 1, last).split('\n')];
    this.#hold(chunk.subarray(last + 1));
    return { lines, firstCutBytes: cutBytes };
  }

  /** The line that never ended, if there is one. */
  end(): SplitLines {
    if (this.#heldBytes === 0 && this.#cutBytes === 0) return { lines: [], firstCutBytes: 0 };
    const { text, cutBytes } = this.#takeHeld();
    return { lines: [text], firstCutBytes: cutBytes };
  }

  #hold(bytes: Buffer): void {
    if (bytes.length === 0) return;
    const room = LINE_BYTES - this.#heldBytes;
    const kept = bytes.subarray(0, room);
    if (kept.length > 0) this.#parts.push(Buffer.from(kept));
    this.#heldBytes += kept.length;
    this.#cutBytes += bytes.length - kept.length;
  }

  #takeHeld(): { readonly text: string; readonly cutBytes: number } {
    const held = Buffer.concat(this.#parts);
    const cutBytes = this.#cutBytes;
    this.#parts = [];
    this.#heldBytes = 0;
    this.#cutBytes = 0;
    return { text: decode(held, 0, held.length), cutBytes };
  }
}

function decode(bytes: Buffer, start: number, end: number): string {
  return isAscii(bytes.subarray(start, end))
    ? bytes.toString('latin1', start, end)
    : bytes.toString('utf8', start, end);
}
