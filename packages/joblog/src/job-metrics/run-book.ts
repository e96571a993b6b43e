/**
 * Events of runs into cells, each once: what is delivered twice, stands in two trees, or is read again because a file
 * was replaced, moves nothing. For that a run that counts is remembered for as long as its day is there.
 */
import type { TaskStatus } from '@taskspan/core';
import type { JobCell, MetricCells } from './metric-cells.ts';
import { NumberTable } from './number-table.ts';
import type { RunEvent, RunEventContent } from './run-event.ts';
import type { TextHash } from './text-hash.ts';

/** An open run that was not heard of for so long may have lost its process. */
const OPEN_MS = 86_400_000;

/** Open runs remembered, some 400 bytes each; the oldest is forgotten first. */
const RUNS_REMEMBERED = 100_000;

/** Ended runs remembered, and points, in 27 bytes each; those of the oldest day are forgotten first. */
const ENDED_REMEMBERED = 1_000_000;

/** Ended runs whose last records may still come, of those that are not counted here. */
const LATELY_ENDED = 10_000;

/** How a run ended. */
export interface RunEnd {
  readonly status: TaskStatus;
  readonly durationSeconds: number | undefined;
  readonly atMs: number;
}

/** What is remembered of a run that is open. */
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
}

export class RunBook {
  readonly runs: Map<string, KnownRun> = new Map();
  /** Runs that have ended and were counted, by the hash of what tells them apart, with the day of their file. */
  readonly ended: NumberTable = new NumberTable();
  /** Points that were added, by the hash of run and sequence number, likewise. */
  readonly points: NumberTable = new NumberTable();
  /** Ended runs that were not counted. */
  readonly #lately = new Set<string>();
  readonly #cells: MetricCells;
  readonly #hash: TextHash;

  constructor(cells: MetricCells, hash: TextHash) {
    this.#cells = cells;
    this.#hash = hash;
  }

  /** @param day of the file that the event was read from */
  take(event: RunEvent, day: string): void {
    if (event.content.kind === 'rows' ? !this.#isNew(event, day) : this.#isOver(event.run)) return;
    const run = this.runs.get(event.run) ?? this.#meet(event, day);
    this.#cells.events += 1;
    run.lastMs = Math.max(run.lastMs, event.timeMs);
    if (event.label !== undefined) run.label = event.label;
    if (event.cpuSeconds !== undefined) run.cpuSeconds = Math.max(run.cpuSeconds ?? 0, event.cpuSeconds);
    if (event.memoryBytes !== undefined) this.#job(run).remember(event.memoryBytes);
    this.#heed(run, event);
    if (run.end !== undefined && run.startMs > 0) this.#close(event.run, run);
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
  forget(isThere: (day: string) => boolean, nowMs: number): void {
    for (const [key, run] of this.runs) {
      const isSilent = !run.isCountedHere && nowMs - run.lastMs >= OPEN_MS;
      if (isSilent || !isThere(run.day)) this.runs.delete(key);
    }
    forgetDays(this.ended, isThere);
    forgetDays(this.points, isThere);
  }

  /** False for a point that was added before. Those without a number come from writers that do not count: all are new. */
  #isNew({ run, content }: RunEvent, day: string): boolean {
    if (content.kind !== 'rows' || content.sequence === undefined) return true;
    const key = this.#hash.of(`${run} ${content.sequence}`);
    if (this.points.get(key) !== undefined) return false;
    this.points.set(key, dayNumber(day));
    return true;
  }

  #isOver(run: string): boolean {
    return this.#lately.has(run) || this.ended.get(this.#hash.of(run)) !== undefined;
  }

  /** Of a run that has ended nothing more is counted but points that come late. */
  #close(key: string, run: KnownRun): void {
    this.runs.delete(key);
    if (run.isCountedHere) {
      this.ended.set(this.#hash.of(key), dayNumber(run.day));
      return;
    }
    this.#lately.add(key);
    if (this.#lately.size > LATELY_ENDED) deleteFirst(this.#lately);
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
    };
    this.runs.set(key, run);
    if (this.runs.size > RUNS_REMEMBERED) deleteFirst(this.runs);
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
        this.#job(run).add(content.rows);
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

function deleteFirst(items: { keys(): Iterator<string>; delete(key: string): boolean }): void {
  const { value } = items.keys().next();
  if (value !== undefined) items.delete(value);
}

function forgetDays(table: NumberTable, isThere: (day: string) => boolean): void {
  const days = new Set<number>();
  for (const [, day] of table.entries()) days.add(day);
  const oldest = Math.min(...days);
  const isFull = table.size > ENDED_REMEMBERED;
  const gone = new Set([...days].filter((day) => !isThere(dayText(day)) || (isFull && day === oldest)));
  if (gone.size > 0) table.keep((day) => !gone.has(day));
}

/** `2026-03-04` as 20260304. */
function dayNumber(day: string): number {
  return Number(day.replaceAll('-', ''));
}

function dayText(day: number): string {
  return String(day)
    .padStart(8, '0')
    .replace(/^(\d{4})(\d\d)(\d\d)$/, '$1-$2-$3');
}
