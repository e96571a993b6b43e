import type { DecodedRecord } from '../decode.ts';
import type { JobRow } from './job.ts';
import type { JobLog, LogMark } from './job-log.ts';
import { levelOf, nanosOf } from './job-record.ts';
import type { LineCache } from './line-cache.ts';
import type { LogFilter } from './log-request.ts';
import type { LogSegment } from './log-segment.ts';
import { mergedRecords, type PlacedRecord, type RecordCounter } from './merged-records.ts';
import type { RunFacts } from './run-facts.ts';
import { SegmentReader } from './segment-reader.ts';

/** What may wait in memory for somebody who is slow. */
const BATCH_RECORDS = 256;
const BATCH_CHARS = 256 * 1024;

export interface RecordsOptions {
  readonly filter: LogFilter;
  /** Only segments for which this is true. */
  readonly wants?: (segment: LogSegment) => boolean;
  /** Only what came after this. */
  readonly since?: LogMark | undefined;
  readonly counter?: RecordCounter | undefined;
}

/** What one service may see of a job. */
export class JobView {
  readonly #log: JobLog;
  readonly #service: string | undefined;

  constructor(log: JobLog, service: string | undefined) {
    this.#log = log;
    this.#service = service;
  }

  /**
   * The runs, oldest first. Records without a run are one only where there are no others: they belong to the job, and
   * nobody says to which of its runs.
   */
  get runs(): readonly RunFacts[] {
    const runs = [...this.#log.runs.values()].filter((facts) => this.#sees(facts.service));
    const named = runs.filter(({ run }) => run !== '');
    return (named.length > 0 ? named : runs).sort(compareRuns);
  }

  get latest(): RunFacts | undefined {
    return this.runs.at(-1);
  }

  /** @param nowMs epoch milliseconds */
  rows(nowMs: number): readonly JobRow[] {
    return this.runs.map((facts) => facts.row(nowMs));
  }

  /** The records that are wanted, in order, some at a time; no file is held open while somebody looks at them. */
  async *records(cache: LineCache, options: RecordsOptions): AsyncGenerator<readonly PlacedRecord[], void, undefined> {
    const { filter, wants, since, counter } = options;
    const log = this.#log;
    const all = since === undefined ? log.segments : log.segmentsSince(since);
    const segments = all.filter(
      (segment) => this.#seesSegment(segment) && mayHold(segment, filter) && wants?.(segment) !== false,
    );
    const reader = new SegmentReader(log.jobId, cache, log.cacheKey);
    const read = (segment: LogSegment): Promise<readonly DecodedRecord[]> => reader.read(segment);
    let batch: PlacedRecord[] = [];
    let chars = 0;
    try {
      for await (const placed of mergedRecords(segments, { read, after: filter.after, counter })) {
        if (!isWanted(placed.record, filter)) continue;
        batch.push(placed);
        if (typeof placed.record.body === 'string') chars += placed.record.body.length;
        if (batch.length < BATCH_RECORDS && chars < BATCH_CHARS) continue;
        await reader.rest();
        yield batch;
        batch = [];
        chars = 0;
      }
    } finally {
      await reader.close();
    }
    if (batch.length > 0) yield batch;
  }

  sees(service: string | undefined): boolean {
    return this.#sees(service);
  }

  #sees(service: string | undefined): boolean {
    return this.#service === undefined || service === this.#service;
  }

  /** A run is whole: what its child processes write under other names is of it. */
  #seesSegment({ stream: { writer } }: LogSegment): boolean {
    return this.#sees(writer.run === '' ? writer.service : this.#log.runs.get(writer.run)?.service);
  }
}

/** False for segments of which no record can be wanted. */
function mayHold(segment: LogSegment, { since, minLevel }: LogFilter): boolean {
  // Records without a number are counted one by one: leaving some out would shift the cursors of the others.
  return segment.maxNanos > since && (segment.firstNumber === 0 || segment.maxLevel >= minLevel);
}

function isWanted(record: DecodedRecord, { since, minLevel }: LogFilter): boolean {
  return nanosOf(record) > since && levelOf(record) >= minLevel;
}

function compareRuns(a: RunFacts, b: RunFacts): number {
  if (a.startNanos !== b.startNanos) return a.startNanos < b.startNanos ? -1 : 1;
  return a.run < b.run ? -1 : 1;
}
