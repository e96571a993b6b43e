/** What one file tells about one run, and how it is kept: as one line of JSON. */
import type { RunState } from '../reader/run-facts.ts';

/** A run whose records lie in several files, or in several trees, has a part in each. */
export interface RunPart {
  /** Number of the file in the table of its day. */
  readonly file: number;
  readonly jobId: string;
  /** `task.run` */
  readonly run: string;
  /** Where the first line with something of it begins, and where the last one that is known ends, in bytes. */
  from: number;
  to: number;
  readonly state: RunState;
}

/** Instead of a run: the lines with spans below the runs of a job, which say of which job they are, and no more. */
export const SPANS_BELOW = '\0spans';

/** Names a run among all others. */
export function runKey(jobId: string, run: string): string {
  return `${run}\n${jobId}`;
}

/** Where a run stands in lists: by start, then id, then run. Instants in epoch milliseconds. */
export interface ListPlace {
  readonly startMs: number;
  readonly jobId: string;
  readonly run: string;
}

/** Below 0 when `a` is listed after `b`, which is newer. */
export function comparePlaces(a: ListPlace, b: ListPlace): number {
  return a.startMs - b.startMs || compareTexts(a.jobId, b.jobId) || compareTexts(a.run, b.run);
}

function compareTexts(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

/** All of it but the number of the file, which may change. */
export function encodePart({ jobId, run, from, to, state }: RunPart): string {
  return JSON.stringify([
    jobId,
    run,
    from,
    to,
    state.operation ?? null,
    state.label ?? null,
    state.service ?? null,
    state.attempt ?? null,
    state.outputs,
    state.errorType ?? null,
    state.startNanos === undefined ? null : String(state.startNanos),
    state.endNanos === undefined ? null : String(state.endNanos),
    state.durationSeconds ?? null,
    state.status ?? null,
    state.startRank,
    state.endRank,
    state.progress ?? null,
    String(state.progressNanos),
    state.firstNanos === undefined ? null : String(state.firstNanos),
    String(state.lastNanos),
  ]);
}

type Kept<T> = T | null;

type PartRow = readonly [
  jobId: string,
  run: string,
  from: number,
  to: number,
  operation: Kept<string>,
  label: Kept<string>,
  service: Kept<string>,
  attempt: Kept<number>,
  outputs: readonly string[],
  errorType: Kept<string>,
  startNanos: Kept<string>,
  endNanos: Kept<string>,
  durationSeconds: Kept<number>,
  status: Kept<NonNullable<RunState['status']>>,
  startRank: number,
  endRank: number,
  progress: Kept<number>,
  progressNanos: string,
  firstNanos: Kept<string>,
  lastNanos: string,
];

/** @param text what {@link encodePart} made, and a checksum vouches for */
export function decodePart(text: string, file: number): RunPart {
  const row = JSON.parse(text) as PartRow;
  const [jobId, run, from, to, operation, label, service, attempt, outputs, errorType, ...times] = row;
  const [startNanos, endNanos, durationSeconds, status, startRank, endRank, progress, ...heard] = times;
  const [progressNanos, firstNanos, lastNanos] = heard;
  const state: RunState = {
    outputs,
    startRank,
    endRank,
    progressNanos: BigInt(progressNanos),
    lastNanos: BigInt(lastNanos),
  };
  if (operation !== null) state.operation = operation;
  if (label !== null) state.label = label;
  if (service !== null) state.service = service;
  if (attempt !== null) state.attempt = attempt;
  if (errorType !== null) state.errorType = errorType;
  if (startNanos !== null) state.startNanos = BigInt(startNanos);
  if (endNanos !== null) state.endNanos = BigInt(endNanos);
  if (durationSeconds !== null) state.durationSeconds = durationSeconds;
  if (status !== null) state.status = status;
  if (progress !== null) state.progress = progress;
  if (firstNanos !== null) state.firstNanos = BigInt(firstNanos);
  return { file, jobId, run, from, to, state };
}
