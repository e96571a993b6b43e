/** Follows the log of a job as it grows. */

import type { FileGrowth } from './file-growth.ts';
import type { TailEvent } from './job.ts';
import type { JobLog, LogMark } from './job-log.ts';
import type { JobLogs } from './job-logs.ts';
import { numberOf } from './job-record.ts';
import { JobView } from './job-view.ts';
import type { LineCache } from './line-cache.ts';
import type { LogFilter } from './log-request.ts';
import { type PlacedRecord, RecordCounter } from './merged-records.ts';
import { NumberRanges } from './number-ranges.ts';
import { compareKeys, cursorText, type RecordKey } from './record-key.ts';
import { shownEntry } from './shown-entry.ts';

/** After the end of a run of which something is missing, it may come for so long. */
const LATE_MS = 2000;

export interface TailOptions {
  readonly logs: JobLogs;
  readonly cache: LineCache;
  readonly growth: FileGrowth;
  readonly filter: LogFilter;
  /** Whether nobody wants to know any more. */
  readonly isOver: () => boolean;
}

/** What was given so far. */
class Given {
  mark: LogMark | undefined;
  /** The place up to which records were given, those that came late aside. */
  last: RecordKey | undefined;
  readonly counter = new RecordCounter();
  readonly #from: RecordKey | undefined;
  /** Numbers that were given, by stream. */
  readonly #numbers = new Map<string, NumberRanges>();
  /** Whether files were read again, so that what was given comes by once more. */
  #isReread = false;

  /** @param from where somebody has stopped before */
  constructor(from: RecordKey | undefined) {
    this.#from = from;
    this.last = from;
  }

  /** What was seen of the log as it is; nothing when it was read again. */
  seen(mark: LogMark): LogMark | undefined {
    if (this.mark === undefined || this.mark.generation === mark.generation) return this.mark;
    this.#isReread = true;
    return undefined;
  }

  /** True when the record was not given yet. What comes late is given late: its place may be before the last one. */
  claim({ key, record }: PlacedRecord): boolean {
    const isBehind = this.last !== undefined && compareKeys(key, this.last) <= 0;
    if (this.mark === undefined || this.#isReread) {
      const limit = numberOf(record) > 0 ? this.#from : this.last;
      if (limit !== undefined && compareKeys(key, limit) <= 0) return false;
    }
    if (numberOf(record) > 0 && !this.#numbersOf(key.stream).claim(key.number)) return false;
    if (!isBehind) this.last = key;
    return true;
  }

  #numbersOf(stream: string): NumberRanges {
    const known = this.#numbers.get(stream) ?? new NumberRanges();
    this.#numbers.set(stream, known);
    return known;
  }
}

/** @param log as it is now */
export async function* tailLog(log: JobLog, options: TailOptions): AsyncGenerator<TailEvent, void, undefined> {
  const { growth, isOver, logs } = options;
  const view = new JobView(log, options.filter.service);
  const given = new Given(options.filter.after);
  const days = new Set<string>();
  const follow = async (): Promise<void> => {
    for (const { day } of log.files) days.add(day);
    await growth.follow(log.files, logs.ownFiles(log.jobId, [...days]));
  };
  await follow();
  for (let hasEndedAt: number | undefined; !isOver(); ) {
    yield* newEntries(log, view, { options, given });
    if (isOver()) return;
    let waitMs: number | undefined;
    const latest = view.latest;
    if (latest?.isEnded !== true) hasEndedAt = undefined;
    else {
      hasEndedAt ??= endedAt(log);
      waitMs = log.isComplete(latest.run) ? 0 : hasEndedAt + LATE_MS - performance.now();
      if (waitMs <= 0 && isSeen(log, given)) return yield { type: 'end' };
    }
    const why = await growth.next(waitMs);
    if (why === 'ended') return;
    await log.refresh(why === 'due' ? await logs.filesOf(log.jobId) : undefined);
    await follow();
  }
}

/** When its files were last written, on the clock of `performance`; not before long ago and not in the future. */
function endedAt(log: JobLog): number {
  const agoMs = Math.min(LATE_MS, Math.max(0, Date.now() - log.writtenMs));
  return performance.now() - agoMs;
}

function isSeen(log: JobLog, { mark }: Given): boolean {
  return mark?.generation === log.mark.generation && mark.segments === log.mark.segments;
}

async function* newEntries(
  log: JobLog,
  view: JobView,
  { options, given }: { readonly options: TailOptions; readonly given: Given },
): AsyncGenerator<TailEvent, void, undefined> {
  const { mark } = log;
  const since = given.seen(mark);
  const isFirst = given.mark === undefined;
  if (since?.segments === mark.segments) return;
  const filter = { ...options.filter, after: isFirst ? options.filter.after : undefined };
  for await (const batch of view.records(options.cache, { filter, since, counter: given.counter })) {
    for (const placed of batch) {
      const entry = given.claim(placed) ? shownEntry(placed.record) : undefined;
      if (entry === undefined) continue;
      yield { type: 'entry', entry, cursor: cursorText(given.last ?? placed.key) };
      if (options.isOver()) return;
    }
  }
  given.mark = mark;
}
