/** Follows the log of a job as it grows. */

import type { FileGrowth } from './file-growth.ts';
import type { TailEvent } from './job.ts';
import type { JobLog, LogMark } from './job-log.ts';
import type { JobLogs } from './job-logs.ts';
import { JobView } from './job-view.ts';
import type { LineCache } from './line-cache.ts';
import type { LogFilter } from './log-request.ts';
import { RecordCounter } from './merged-records.ts';
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
interface TailState {
  mark: LogMark | undefined;
  after: RecordKey | undefined;
  readonly counter: RecordCounter;
}

/** @param log as it is now */
export async function* tailLog(log: JobLog, options: TailOptions): AsyncGenerator<TailEvent, void, undefined> {
  const { growth, isOver, logs } = options;
  const view = new JobView(log, options.filter.service);
  const state: TailState = { mark: undefined, after: options.filter.after, counter: new RecordCounter() };
  await growth.follow(log.files);
  for (let hasEndedAt: number | undefined; !isOver(); ) {
    yield* newEntries(log, view, { options, state });
    if (isOver()) return;
    let waitMs: number | undefined;
    const latest = view.latest;
    if (latest?.isEnded !== true) hasEndedAt = undefined;
    else {
      hasEndedAt ??= endedAt(log);
      waitMs = log.isComplete(latest.run) ? 0 : hasEndedAt + LATE_MS - performance.now();
      if (waitMs <= 0 && isAllGiven(log, state)) return yield { type: 'end' };
    }
    const why = await growth.next(waitMs);
    if (why === 'ended') return;
    await log.refresh(why === 'due' ? await logs.filesOf(log.jobId) : undefined);
    await growth.follow(log.files);
  }
}

/** When its files were last written, on the clock of `performance`; not before long ago and not in the future. */
function endedAt(log: JobLog): number {
  const agoMs = Math.min(LATE_MS, Math.max(0, Date.now() - log.writtenMs));
  return performance.now() - agoMs;
}

function isAllGiven(log: JobLog, { mark }: TailState): boolean {
  return mark?.generation === log.mark.generation && mark.segments === log.mark.segments;
}

async function* newEntries(
  log: JobLog,
  view: JobView,
  { options, state }: { readonly options: TailOptions; readonly state: TailState },
): AsyncGenerator<TailEvent, void, undefined> {
  const { mark } = log;
  const seen = state.mark?.generation === mark.generation ? state.mark : undefined;
  state.mark = mark;
  if (seen?.segments === mark.segments) return;
  // What comes late is given late; only where the log was read anew, its place tells whether it was given.
  const filter =
    seen === undefined ? { ...options.filter, after: state.after } : { ...options.filter, after: undefined };
  for await (const { key, record } of view.records(options.cache, { filter, since: seen, counter: state.counter })) {
    const entry = shownEntry(record);
    if (entry === undefined) continue;
    if (state.after === undefined || compareKeys(key, state.after) > 0) state.after = key;
    yield { type: 'entry', entry, cursor: cursorText(state.after) };
    if (options.isOver()) return;
  }
}
