import { createHash } from 'node:crypto';
import type { LogSegment } from './log-segment.ts';
import { STREAM_HASH_CHARS } from './record-key.ts';

/** Who wrote a record. */
export interface RecordWriter {
  /** `service.instance.id`; may be empty. */
  readonly instance: string;
  /** `task.run`; may be empty. */
  readonly run: string;
  /** `service.name`; may be empty. */
  readonly service: string;
  /** Whether its records have sequence numbers. */
  readonly isNumbered: boolean;
}

/** Tells streams apart; no two writers share one. */
export function streamKey({ instance, run, service, isNumbered }: RecordWriter): string {
  return JSON.stringify([instance, run, service, isNumbered]);
}

/** The records of one writer of one run: which numbers are there already, and the segments that hold them. */
export class RecordStream {
  readonly key: string;
  readonly writer: RecordWriter;
  /** The part of a {@link RecordKey} that names it. */
  readonly hash: string;
  /** Ranges of numbers that are there, in order, apart from each other: both ends inclusive. */
  readonly #ranges: [first: number, last: number][] = [];
  /** In order of their numbers as long as {@link #isInOrder}. */
  readonly #segments: LogSegment[] = [];
  #isInOrder = true;
  #arranged = 0;

  constructor(writer: RecordWriter) {
    this.writer = writer;
    this.key = streamKey(writer);
    this.hash = createHash('sha256').update(this.key).digest('hex').slice(0, STREAM_HASH_CHARS);
  }

  /** True for the first record of this number: the others are the same one, delivered again. */
  claim(sequence: number): boolean {
    const ranges = this.#ranges;
    const last = ranges.at(-1);
    if (last === undefined || sequence > last[1] + 1) {
      ranges.push([sequence, sequence]);
      return true;
    }
    if (sequence === last[1] + 1) {
      last[1] = sequence;
      return true;
    }
    return this.#claimBetween(sequence);
  }

  /** True when no number up to the highest is missing. */
  get isComplete(): boolean {
    return this.#ranges.length <= 1 && (this.#ranges[0]?.[0] ?? 1) === 1;
  }

  add(segment: LogSegment): void {
    const last = this.#segments.at(-1);
    if (last !== undefined && last.firstNumber > segment.firstNumber) this.#isInOrder = false;
    this.#segments.push(segment);
  }

  /** Tells every segment the latest time before it, so that the clock of the stream never goes back. */
  arrange(): void {
    if (!this.writer.isNumbered) return;
    if (!this.#isInOrder) {
      this.#segments.sort((a, b) => a.firstNumber - b.firstNumber);
      this.#isInOrder = true;
      this.#arranged = 0;
    }
    let floor = 0n;
    const before = this.#segments[this.#arranged - 1];
    if (before !== undefined) floor = before.lastKeyNanos;
    for (; this.#arranged < this.#segments.length; this.#arranged += 1) {
      const segment = this.#segments[this.#arranged];
      if (segment === undefined) return;
      segment.floorNanos = floor;
      floor = segment.lastKeyNanos;
    }
  }

  #claimBetween(sequence: number): boolean {
    const ranges = this.#ranges;
    // The first range that ends at or after the number before this one.
    let low = 0;
    let high = ranges.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((ranges[middle]?.[1] ?? 0) < sequence - 1) low = middle + 1;
      else high = middle;
    }
    const range = ranges[low];
    const next = ranges[low + 1];
    if (range === undefined) return false;
    if (sequence >= range[0] && sequence <= range[1]) return false;
    if (sequence === range[1] + 1) {
      if (next !== undefined && next[0] === sequence) return false;
      range[1] = sequence;
      if (next !== undefined && next[0] === sequence + 1) {
        range[1] = next[1];
        ranges.splice(low + 1, 1);
      }
      return true;
    }
    if (sequence === range[0] - 1) range[0] = sequence;
    else ranges.splice(low, 0, [sequence, sequence]);
    return true;
  }
}
