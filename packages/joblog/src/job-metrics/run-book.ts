/**
 * Events of runs into cells, each once: what is delivered twice, stands in two trees, or is read again because a file
 * was replaced, moves nothing. For that a run that counts is remembered for as long as its day is there.
 */
import type { TaskStatus } from '@taskspan/core';
import type { JobCell, MetricCells } from './metric-cells.ts';
import type { RunEvent, RunEventContent } from './run-event.ts';

/** An open run that was not heard of for so long may have lost its process. */
const OPEN_MS = 86_400_000;

/** Sequence numbers of points remembered per run; when there are more, smaller ones count as known. */
const SEQUENCES_REMEMBERED = 1024;

/** Runs remembered, about 200 bytes each; the oldest is forgotten first. */
const RUNS_REMEMBERED = 500_000;

/** How a run ended. */
export interface RunEnd {
  readonly status: TaskStatus;
  readonly durationSeconds: number | undefined;
  readonly atMs: number;
}

/** What is remembered of one run. */
export interface KnownRun {
  /** Day of its file, `YYYY-MM-DD`. */
  readonly day: string;
  operation: string;
  label: string;
  /** True once `task.started` said that it is counted here. */
  isCountedHere: boolean;
  /** Epoch milliseconds; 0 while `task.started` was not seen. */
  startMs: number;
  lastMs: number;
  end: RunEnd | undefined;
  cpuSeconds: number | undefined;
  /** Its label had no place. */
  isOverflow: boolean;
  /** Sequence numbers of its points that were added, ascending. */
  rows: number[] | undefined;
}

export class RunBook {
  readonly runs: Map<string, KnownRun> = new Map();
  readonly #cells: MetricCells;

  constructor(cells: MetricCells) {
    this.#cells = cells;
  }

  /** @param day of the file that the event was read from */
  take(event: RunEvent, day: string): void {
    const run = this.runs.get(event.run) ?? this.#meet(event, day);
    this.#cells.events += 1;
    run.lastMs = Math.max(run.lastMs, event.timeMs);
    if (event.label !== undefined) run.label = event.label;
    if (event.cpuSeconds !== undefined) run.cpuSeconds = Math.max(run.cpuSeconds ?? 0, event.cpuSeconds);
    if (event.memoryBytes !== undefined) this.#job(run).remember(event.memoryBytes);
    this.#heed(run, event);
    // A million runs of a queue that exports its own metrics need not be remembered.
    if (run.end !== undefined && run.startMs > 0 && !run.isCountedHere && run.rows === undefined)
      this.runs.delete(event.run);
  }

  /** Open runs that are counted here and were heard of within a day, by operation: how many, and when the first began. */
  open(nowMs: number): ReadonlyMap<string, { count: number; oldestMs: number }> {
    const open = new Map<string, { count: number; oldestMs: number }>();
    for (const run of this.runs.values()) {
      if (!run.isCountedHere || run.end !== undefined || nowMs - run.lastMs >= OPEN_MS) continue;
      const { operation } = this.#cells.operation(run.operation);
      const found = open.get(operation) ?? { count: 0, oldestMs: run.startMs };
      open.set(operation, { count: found.count + 1, oldestMs: Math.min(found.oldestMs, run.startMs) });
    }
    return open;
  }

  /** Forgets the runs of days that are no more, and those that will not be heard of again. */
  forget(isGone: (day: string) => boolean, nowMs: number): void {
    const excess = this.runs.size - RUNS_REMEMBERED;
    let seen = 0;
    for (const [key, run] of this.runs) {
      const isSilent = !run.isCountedHere && run.rows === undefined && nowMs - run.lastMs >= OPEN_MS;
      if (isSilent || isGone(run.day) || seen < excess) this.runs.delete(key);
      seen += 1;
    }
  }

  #meet({ run: key, operation, timeMs }: RunEvent, day: string): KnownRun {
    const run: KnownRun = {
      day,
      operation,
      label: '',
      isCountedHere: false,
      startMs: 0,
      lastMs: timeMs,
      end: undefined,
      cpuSeconds: undefined,
      isOverflow: false,
      rows: undefined,
    };
    this.runs.set(key, run);
    return run;
  }

  #heed(run: KnownRun, { timeMs, content }: RunEvent): void {
    switch (content.kind) {
      case 'started':
        this.#start(run, timeMs, content);
        return;
      case 'ended':
        this.#end(run, { status: content.status, durationSeconds: content.durationSeconds, atMs: timeMs });
        return;
      case 'rows':
        this.#add(run, content.rows, content.sequence);
        return;
      case 'manifest':
        // Its last record: what ended is told already.
        if (run.end === undefined) this.#job(run).finish(timeMs, content.durationSeconds, run.cpuSeconds);
        return;
      case 'alive':
        return;
      default:
        content satisfies never;
    }
  }

  #start(run: KnownRun, timeMs: number, content: RunEventContent & { kind: 'started' }): void {
    if (run.startMs > 0) return;
    run.startMs = Math.max(1, timeMs);
    run.isCountedHere = content.isCountedHere;
    if (!run.isCountedHere) return;
    const cell = this.#cells.operation(run.operation);
    if (cell.operation !== run.operation) this.#cells.operationOverflow += 1;
    cell.start(content.waitSeconds);
    // What was delivered before it.
    if (run.end !== undefined) cell.end(run.end.status, run.end.durationSeconds, run.end.atMs);
  }

  #end(run: KnownRun, end: RunEnd): void {
    if (run.end !== undefined) return;
    run.end = end;
    if (run.isCountedHere) this.#cells.operation(run.operation).end(end.status, end.durationSeconds, end.atMs);
    this.#job(run).finish(end.atMs, end.durationSeconds, run.cpuSeconds);
  }

  #add(run: KnownRun, rows: number, sequence: number | undefined): void {
    // Records without a number come from writers that do not count: they are never duplicates.
    if (sequence !== undefined && !takeSequence(run, sequence)) return;
    this.#job(run).add(rows);
  }

  #job(run: KnownRun): JobCell {
    const cell = this.#cells.job(run.label, run.operation);
    const isKnown = cell.label === run.label && cell.operation === run.operation;
    if (isKnown) {
      // The same texts: each run has its own copy of them otherwise.
      run.label = cell.label;
      run.operation = cell.operation;
    } else if (!run.isOverflow) {
      run.isOverflow = true;
      this.#cells.labelOverflow += 1;
    }
    return cell;
  }
}

/** False for a number that was taken before. They come nearly in order. */
function takeSequence(run: KnownRun, sequence: number): boolean {
  run.rows ??= [];
  const { rows } = run;
  let at = rows.length;
  while (at > 0 && (rows[at - 1] ?? 0) > sequence) at -= 1;
  if (rows[at - 1] === sequence || (at === 0 && rows.length >= SEQUENCES_REMEMBERED)) return false;
  rows.splice(at, 0, sequence);
  if (rows.length > SEQUENCES_REMEMBERED) rows.shift();
  return true;
}
