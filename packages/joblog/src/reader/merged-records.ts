/** The records of a log in their order, read from the files as they are asked for. */
import type { DecodedRecord } from '../decode.ts';
import { nanosOf, numberOf } from './job-record.ts';
import type { LogSegment } from './log-segment.ts';
import { compareKeys, laterOf, type RecordKey } from './record-key.ts';

export interface PlacedRecord {
  readonly key: RecordKey;
  readonly record: DecodedRecord;
}

export interface MergeOptions {
  /** The records of a segment, in its order. */
  readonly read: (segment: LogSegment) => Promise<readonly DecodedRecord[]>;
  /** Only what comes after this place. */
  readonly after?: RecordKey | undefined;
  /** Counts the records without a number, from merge to merge. */
  readonly counter?: RecordCounter | undefined;
}

/** Numbers records without a number among those of the same stream and time, which follow each other. */
export class RecordCounter {
  #last: RecordKey | undefined;

  next(nanos: bigint, stream: string): number {
    const last = this.#last;
    const number = last !== undefined && last.nanos === nanos && last.stream === stream ? last.number + 1 : 1;
    this.#last = { nanos, stream, number };
    return number;
  }
}

/** A segment of which some records are still to come. */
interface OpenSegment {
  readonly segment: LogSegment;
  readonly records: readonly DecodedRecord[];
  at: number;
  /** The time of the key of the record at `at`. */
  nanos: bigint;
}

/** @param segments in their order */
export async function* mergedRecords(
  segments: readonly LogSegment[],
  options: MergeOptions,
): AsyncGenerator<PlacedRecord, void, undefined> {
  const { read, after, counter = new RecordCounter() } = options;
  const open: OpenSegment[] = [];
  let next = 0;
  for (;;) {
    let first = firstOf(open);
    // Every segment that begins before what comes next takes part.
    for (let segment = segments[next]; segment !== undefined; segment = segments[next]) {
      if (first !== undefined && !beginsBefore(segment, first)) break;
      next += 1;
      if (after !== undefined && endsBy(segment, after)) continue;
      const records = await read(segment);
      const [record] = records;
      if (record === undefined) continue;
      open.push({ segment, records, at: 0, nanos: laterOf(nanosOf(record), segment.floorNanos) });
      first = firstOf(open);
    }
    if (first === undefined) return;
    const record = first.records[first.at];
    if (record === undefined) return;
    const key = keyOf(first, counter);
    first.at += 1;
    const following = first.records[first.at];
    if (following === undefined) open.splice(open.indexOf(first), 1);
    else first.nanos = laterOf(nanosOf(following), first.nanos);
    if (after === undefined || compareKeys(key, after) > 0) yield { key, record };
  }
}

function keyOf({ segment, records, at, nanos }: OpenSegment, counter: RecordCounter): RecordKey {
  const stream = segment.stream.hash;
  const record = records[at];
  const number = record === undefined ? 0 : numberOf(record);
  return { nanos, stream, number: number > 0 ? number : counter.next(nanos, stream) };
}

function firstOf(open: readonly OpenSegment[]): OpenSegment | undefined {
  let first: OpenSegment | undefined;
  for (const candidate of open) if (first === undefined || comesBefore(candidate, first)) first = candidate;
  return first;
}

function comesBefore(a: OpenSegment, b: OpenSegment): boolean {
  if (a.nanos !== b.nanos) return a.nanos < b.nanos;
  if (a.segment.stream !== b.segment.stream) return a.segment.stream.hash < b.segment.stream.hash;
  const { segment: left } = a;
  const { segment: right } = b;
  return left.firstNumber === right.firstNumber ? left.arrival < right.arrival : left.firstNumber < right.firstNumber;
}

function beginsBefore(segment: LogSegment, first: OpenSegment): boolean {
  const nanos = segment.firstKeyNanos;
  if (nanos !== first.nanos) return nanos < first.nanos;
  if (segment.stream !== first.segment.stream) return segment.stream.hash < first.segment.stream.hash;
  return segment.firstNumber === 0 && segment.arrival < first.segment.arrival;
}

/** True when no record of the segment comes after the place. */
function endsBy(segment: LogSegment, after: RecordKey): boolean {
  const nanos = segment.lastKeyNanos;
  if (nanos !== after.nanos) return nanos < after.nanos;
  if (segment.stream.hash !== after.stream) return segment.stream.hash < after.stream;
  return segment.firstNumber > 0 && segment.firstNumber + segment.count - 1 <= after.number;
}
