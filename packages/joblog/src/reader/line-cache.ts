import type { DecodedRecord } from '../decode.ts';

/** Characters of lines whose records are remembered; decoded they take about eight times as much memory. */
const MAX_CHARS = 4 * 1024 * 1024;
const MAX_LINE_CHARS = MAX_CHARS / 8;

interface CachedLine {
  readonly records: readonly DecodedRecord[];
  readonly chars: number;
}

/** Records of lines that were read lately: pages follow each other, and many readers follow one log. */
export class LineCache {
  /** Oldest use first. */
  readonly #lines = new Map<string, CachedLine>();
  #chars = 0;

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
