import type { DecodedRecord } from '../decode.ts';

/** Characters of lines whose records are remembered; decoded they take about eight times as much memory. */
const MAX_CHARS = 4 * 1024 * 1024;
const MAX_LINE_CHARS = MAX_CHARS / 8;

/** Segments whose records are remembered: those that many read at the same time, because they have just been written. */
const MAX_SEGMENTS = 16;

interface CachedLine {
  readonly records: readonly DecodedRecord[];
  readonly chars: number;
}

/** Records of lines that were read lately: pages follow each other, and many readers follow one log. */
export class LineCache {
  /** Oldest use first. */
  readonly #lines = new Map<string, CachedLine>();
  #chars = 0;
  /** Oldest use first. */
  readonly #segments = new Map<string, Promise<readonly DecodedRecord[]>>();

  /** @param read is called when the segment is not here, once for all who ask meanwhile */
  segment(key: string, read: () => Promise<readonly DecodedRecord[]>): Promise<readonly DecodedRecord[]> {
    const known = this.#segments.get(key);
    const records = known ?? read();
    this.#segments.delete(key);
    this.#segments.set(key, records);
    if (known !== undefined) return known;
    // Who comes next tries again.
    records.catch(() => this.#segments.delete(key));
    for (const oldest of this.#segments.keys()) {
      if (this.#segments.size <= MAX_SEGMENTS) break;
      this.#segments.delete(oldest);
    }
    return records;
  }

  /** @param decode is called when the line is not here */
  recordsOf(key: string, text: string, decode: (text: string) => readonly DecodedRecord[]): readonly DecodedRecord[] {
    const known = this.#lines.get(key);
    if (known !== undefined && known.chars === text.length) {
      this.#lines.delete(key);
      this.#lines.set(key, known);
      return known.records;
    }
    const line = { records: decode(text), chars: text.length };
    if (line.chars <= MAX_LINE_CHARS) this.#keep(key, line);
    return line.records;
  }

  clear(): void {
    this.#lines.clear();
    this.#segments.clear();
    this.#chars = 0;
  }

  #keep(key: string, line: CachedLine): void {
    this.#forget(key);
    this.#lines.set(key, line);
    this.#chars += line.chars;
    for (const oldest of this.#lines.keys()) {
      if (this.#chars <= MAX_CHARS) return;
      this.#forget(oldest);
    }
  }

  #forget(key: string): void {
    const line = this.#lines.get(key);
    if (line === undefined) return;
    this.#lines.delete(key);
    this.#chars -= line.chars;
  }
}
