import { createHash } from 'node:crypto';
import { NumberRanges } from './number-ranges.ts';
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

/** Records of a stream that follow each other, as far as their stream needs to know them. */
interface StreamSegment {
  readonly firstNumber: number;
  /** The latest time of a record before them. */
  floorNanos: bigint;
  /** The latest time up to the last of them. */
  readonly lastKeyNanos: bigint;
}

/**
 * Tells streams apart: a writer of a run is known by its instance. What names no run is told apart by service, too: it is
 * shown to that service alone.
 */
export function streamKey({ instance, run, service, isNumbered }: RecordWriter): string {
  return JSON.stringify([instance, run, run === '' ? service : '', isNumbered]);
}

/** The records of one writer of one run: which numbers are there already, and the segments that hold them. */
export class RecordStream {
  readonly key: string;
  readonly writer: RecordWriter;
  /** The part of a {@link RecordKey} that names it. */
  readonly hash: string;
  readonly #numbers = new NumberRanges();
  /** In order of their numbers as long as {@link #isInOrder}. */
  readonly #segments: StreamSegment[] = [];
  #isInOrder = true;
  #arranged = 0;

  constructor(writer: RecordWriter) {
    this.writer = writer;
    this.key = streamKey(writer);
    // Of what has the same time, what the owner of a run wrote comes first: clocks of milliseconds make that frequent.
    const digest = createHash('sha256').update(this.key).digest('hex');
    this.hash = `${writer.isNumbered ? 0 : 1}${digest}`.slice(0, STREAM_HASH_CHARS);
  }

  /** True for the first record of this number: the others are the same one, delivered again. */
  claim(sequence: number): boolean {
    return this.#numbers.claim(sequence);
  }

  /** True when no number up to the highest is missing. */
  get isComplete(): boolean {
    return this.#numbers.isComplete;
  }

  add(segment: StreamSegment): void {
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
}
