import type { LogFile } from './log-file.ts';
import { laterOf } from './record-key.ts';
import type { RecordStream } from './record-stream.ts';

/** A segment takes more lines as long as it is shorter than this: what must be read to see one record of it. */
const SEGMENT_BYTES = 64 * 1024;
/** And more records as long as it has fewer. */
const SEGMENT_RECORDS = 4096;

/** What a segment needs to know of a record. */
export interface SegmentRecord {
  /** Sequence number; 0 for none. */
  readonly number: number;
  /** Nanoseconds since the epoch. */
  readonly nanos: bigint;
  /** 0 DEBUG to 3 ERROR. */
  readonly level: number;
  readonly isMetric: boolean;
}

/** Where the line of a record stands in a file. */
export interface LinePlace {
  readonly file: LogFile;
  readonly offset: number;
  readonly end: number;
}

/**
 * Records of one stream that follow each other, in lines that stand near each other: what is kept of a log in memory.
 * Those of a stream with numbers have numbers without a gap; those of another have times that do not go back.
 */
export class LogSegment {
  readonly stream: RecordStream;
  readonly file: LogFile;
  /** Of the first line. */
  readonly offset: number;
  /** After the last line. */
  end: number;
  /** Which record of the stream in these lines is the first, from 0. */
  readonly at: number;
  count = 1;
  readonly firstNumber: number;
  readonly firstNanos: bigint;
  /** The latest time of a record in it. */
  maxNanos: bigint;
  /** The latest time of a record before it in its stream. */
  floorNanos = 0n;
  maxLevel: number;
  hasMetrics: boolean;
  /** Segments of a log are counted as they come. */
  readonly arrival: number;

  constructor(stream: RecordStream, record: SegmentRecord, place: LinePlace & { at: number; arrival: number }) {
    this.stream = stream;
    this.file = place.file;
    this.offset = place.offset;
    this.end = place.end;
    this.at = place.at;
    this.arrival = place.arrival;
    this.firstNumber = record.number;
    this.firstNanos = record.nanos;
    this.maxNanos = record.nanos;
    this.maxLevel = record.level;
    this.hasMetrics = record.isMetric;
  }

  /** Takes the next record of its stream in its file; false when that begins a segment of its own. */
  take(record: SegmentRecord, place: LinePlace): boolean {
    const follows =
      this.firstNumber === 0 ? record.nanos >= this.maxNanos : record.number === this.firstNumber + this.count;
    if (!follows || place.offset - this.offset > SEGMENT_BYTES || this.count >= SEGMENT_RECORDS) return false;
    this.end = place.end;
    this.count += 1;
    if (record.nanos > this.maxNanos) this.maxNanos = record.nanos;
    if (record.level > this.maxLevel) this.maxLevel = record.level;
    this.hasMetrics ||= record.isMetric;
    return true;
  }

  /** The time in the key of its first record. */
  get firstKeyNanos(): bigint {
    return laterOf(this.firstNanos, this.floorNanos);
  }

  /** The time in the key of its last record. */
  get lastKeyNanos(): bigint {
    return laterOf(this.maxNanos, this.floorNanos);
  }
}

/** By the key of their first record; those that begin at the same place, as they came. */
export function compareSegments(a: LogSegment, b: LogSegment): number {
  if (a.firstKeyNanos !== b.firstKeyNanos) return a.firstKeyNanos < b.firstKeyNanos ? -1 : 1;
  if (a.stream.hash !== b.stream.hash) return a.stream.hash < b.stream.hash ? -1 : 1;
  return a.firstNumber - b.firstNumber || a.arrival - b.arrival;
}
