import type { JaegerSpan } from '../e2e/harness/jaeger-query.ts';
import type { JobLogTree } from '../e2e/harness/job-log-tree.ts';
import type { Ends } from './told-runs.ts';

/** What Jaeger and the files know of the runs of a service. */
export interface Seen {
  readonly tree: JobLogTree;
  readonly runs: readonly JaegerSpan[];
  /** `<operation>: <body>` of each line that was logged in a run, with how many there are. */
  readonly lines: Ends;
}

/** `<id>: <status> <error type>, attempt <n>/<of>, again`, as far as it is known. */
export function outcomeOf({ tags }: JaegerSpan): string {
  const { 'task.id': id, 'task.status': status, 'error.type': error, 'task.will_retry': again } = tags;
  const end = error === undefined ? status : `${status} ${error}`;
  const retry = again === undefined ? '' : again === true ? ', again' : ', not again';
  return `${id}: ${end}, attempt ${tags['task.attempt']}/${tags['task.max_attempts']}${retry}`;
}

/** Trace and span id, as links name them. */
export function idOf({ traceId, spanId }: JaegerSpan): string {
  return `${traceId} ${spanId}`;
}

export function distinct(texts: readonly string[]): string[] {
  return [...new Set(texts)].sort();
}

export function groupBy(runs: readonly JaegerSpan[], key: (run: JaegerSpan) => string): Map<string, JaegerSpan[]> {
  const groups = new Map<string, JaegerSpan[]>();
  for (const run of runs) groups.set(key(run), [...(groups.get(key(run)) ?? []), run]);
  return groups;
}

/** Orders runs by slot; without one by id, which ends in how often the job was started. */
export function bySlotOrId({ tags: one }: JaegerSpan, { tags: other }: JaegerSpan): number {
  const slots = Number(one['task.scheduled_at'] ?? 0) - Number(other['task.scheduled_at'] ?? 0);
  return slots || String(one['task.id']).localeCompare(String(other['task.id']), 'en', { numeric: true });
}
