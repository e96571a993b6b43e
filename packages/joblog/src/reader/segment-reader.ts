import type { DecodedRecord } from '../decode.ts';
import { isOfJob, nanosOf, numberOf, streamKeyOf } from './job-record.ts';
import { batchesOf } from './line-batches.ts';
import type { LineCache } from './line-cache.ts';
import { linesIn } from './log-lines.ts';
import type { LogSegment } from './log-segment.ts';
import { RangeReader } from './range-reader.ts';

/** Reads the records of segments of one job's log. */
export class SegmentReader {
  readonly #jobId: string;
  readonly #cache: LineCache;
  readonly #cacheKey: string;
  readonly #ranges = new RangeReader();

  /** @param cacheKey tells logs apart, and what was read before a file was replaced from what came after */
  constructor(jobId: string, cache: LineCache, cacheKey: string) {
    this.#jobId = jobId;
    this.#cache = cache;
    this.#cacheKey = cacheKey;
  }

  /** Fewer than the segment has when its file was replaced meanwhile. */
  read(segment: LogSegment): Promise<readonly DecodedRecord[]> {
    return this.#cache.segment(`${this.#cacheKey} ${segment.arrival}`, () => this.#read(segment));
  }

  async #read(segment: LogSegment): Promise<readonly DecodedRecord[]> {
    const { file, offset, end, stream } = segment;
    const bytes = await this.#ranges.read(file, offset, end);
    const found: DecodedRecord[] = [];
    for (const line of linesIn(bytes, offset)) {
      for (const record of this.#recordsOf(`${this.#cacheKey} ${file.path} ${line.offset}`, line.text)) {
        if (streamKeyOf(record) === stream.key) found.push(record);
      }
    }
    return segment.firstNumber === 0 ? unnumbered(segment, found) : numbered(segment, found);
  }

  close(): Promise<void> {
    return this.#ranges.close();
  }

  /** @see RangeReader.rest */
  rest(): Promise<void> {
    return this.#ranges.rest();
  }

  #recordsOf(key: string, text: string): readonly DecodedRecord[] {
    return this.#cache.recordsOf(key, text, (line) =>
      batchesOf(line).records.filter((record) => isOfJob(record, this.#jobId)),
    );
  }
}

/** The first record of each number. */
function numbered({ firstNumber, count }: LogSegment, records: readonly DecodedRecord[]): readonly DecodedRecord[] {
  let next = firstNumber;
  return records.filter((record) => {
    if (numberOf(record) !== next || next >= firstNumber + count) return false;
    next += 1;
    return true;
  });
}

function unnumbered(segment: LogSegment, records: readonly DecodedRecord[]): readonly DecodedRecord[] {
  const { at, count, firstNanos } = segment;
  const wanted = records.slice(at, at + count);
  const [first] = wanted;
  return first !== undefined && nanosOf(first) === firstNanos ? wanted : [];
}
