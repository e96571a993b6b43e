/** The lines of a state: how what was counted is written, and read again. Anything else than that throws. */
import { isTaskStatus } from '@taskspan/core';
import type { Counted } from './counted.ts';
import type { FileProgress } from './file-progress.ts';
import { JOB_METRICS } from './job-metric-table.ts';
import { Histogram, type JobCell, type OperationCell } from './metric-cells.ts';
import type { KnownRun } from './run-book.ts';

/** Runs or files in a line: lines are written one by one, and nobody shall wait for long. */
const ITEMS = 2000;

/** What the first line tells. */
export interface StateHead {
  readonly events: number;
}

type Row = readonly unknown[];

/** All lines of a state, as JSON values. */
export function* stateLines({ cells, book, trees, hash }: Counted): Generator<unknown, void, undefined> {
  const { events, operationOverflow, labelOverflow, skippedLines } = cells;
  yield { events, seed: hash.seed, operationOverflow, labelOverflow, skippedLines };
  yield { operations: [...cells.operations.values()].map(operationRow) };
  for (const labels of cells.jobs.values()) yield { jobs: [...labels.values()].map(jobRow) };
  for (const rows of chunks(book.runs, ([key, run]) => runRow(key, run))) yield { runs: rows };
  for (const rows of chunks(book.ended.entries(), (row) => row)) yield { ended: rows };
  for (const rows of chunks(book.points.entries(), (row) => row)) yield { points: rows };
  for (const { logs, days } of trees) {
    for (const { day, active, parked } of days.values()) {
      for (const rows of chunks(active.values(), fileRow)) yield { logs, day, files: rows };
      for (const rows of chunks(parked.entries(), (row) => row)) yield { logs, day, parked: rows };
    }
  }
}

/** What a first line tells of its state; undefined for what is no first line. */
export function stateHead(line: unknown): StateHead | undefined {
  if (typeof line !== 'object' || line === null || !('events' in line)) return undefined;
  const { events } = line;
  return typeof events === 'number' ? { events } : undefined;
}

/** Puts a line where it belongs. Throws for what is no line of a state. */
export function applyLine(line: unknown, { cells, book, trees, hash }: Counted): void {
  if (typeof line !== 'object' || line === null) throw new TypeError('a line is no object');
  const fields = line as Readonly<Record<string, unknown>>;
  if (stateHead(line) !== undefined) {
    hash.seed = amount(fields['seed']);
    cells.events = amount(fields['events']);
    cells.operationOverflow = amount(fields['operationOverflow']);
    cells.labelOverflow = amount(fields['labelOverflow']);
    cells.skippedLines = amount(fields['skippedLines']);
  } else if (fields['operations'] !== undefined) {
    for (const row of rows(fields['operations'])) readOperation(cells.addOperation(text(row[0]), 0), row);
  } else if (fields['jobs'] !== undefined) {
    for (const row of rows(fields['jobs'])) readJob(cells.addJob(text(row[0]), text(row[1]), 0), row);
  } else if (fields['runs'] !== undefined) {
    for (const row of rows(fields['runs'])) book.runs.set(text(row[0]), readRun(row));
  } else if (fields['ended'] !== undefined) {
    for (const [key, day] of rows(fields['ended'])) book.ended.set(amount(key), amount(day));
  } else if (fields['points'] !== undefined) {
    for (const [key, day] of rows(fields['points'])) book.points.set(amount(key), amount(day));
  } else {
    const day = trees.find(({ logs }) => logs === fields['logs'])?.day(text(fields['day']));
    // A folder that is no longer asked for.
    if (day === undefined) return;
    const isParked = fields['parked'] !== undefined;
    for (const row of rows(isParked ? fields['parked'] : fields['files'])) {
      if (isParked) day.parked.set(amount(row[0]), amount(row[1]));
      else readFile(day.file(text(row[0])), row);
    }
  }
}

function operationRow(cell: OperationCell): Row {
  return [
    cell.operation,
    cell.started,
    cell.totals,
    cell.durations.map(histogramRow),
    histogramRow(cell.wait),
    cell.lastSuccess,
  ];
}

function readOperation(cell: OperationCell, [, started, totals, durations, wait, lastSuccess]: Row): void {
  cell.started = amount(started);
  cell.lastSuccess = amount(lastSuccess);
  cell.wait = readHistogram(wait, JOB_METRICS.wait.buckets);
  const ended = amounts(totals, cell.totals.length);
  const histograms = list(durations);
  ended.forEach((count, index) => {
    cell.totals[index] = count;
    cell.durations[index] = readHistogram(histograms[index], JOB_METRICS.duration.buckets);
  });
}

function histogramRow(histogram: Histogram | undefined): Row | null {
  return histogram === undefined ? null : [histogram.sum, histogram.counts];
}

function readHistogram(row: unknown, bounds: readonly number[]): Histogram | undefined {
  if (row === null) return undefined;
  const [sum, counts] = list(row);
  const histogram = new Histogram(bounds);
  histogram.sum = amount(sum);
  amounts(counts, histogram.counts.length).forEach((count, index) => {
    histogram.counts[index] = count;
  });
  return histogram;
}

function jobRow(cell: JobCell): Row {
  const { label, operation, runtimeSeconds, runtimeAtMs, cpuSeconds, cpuAtMs, memoryBytes, rows } = cell;
  const told = [runtimeSeconds ?? null, runtimeAtMs, cpuSeconds ?? null, cpuAtMs, memoryBytes ?? null, rows ?? null];
  return [label, operation, ...told];
}

function readJob(cell: JobCell, [, , runtime, runtimeAt, cpu, cpuAt, memory, points]: Row): void {
  cell.runtimeSeconds = optional(runtime);
  cell.runtimeAtMs = amount(runtimeAt);
  cell.cpuSeconds = optional(cpu);
  cell.cpuAtMs = amount(cpuAt);
  cell.memoryBytes = optional(memory);
  cell.rows = optional(points);
}

function runRow(key: string, run: KnownRun): Row {
  const { day, operation, label, isCountedHere, isOverflow, startMs, lastMs, end, cpuSeconds } = run;
  const ended = end === undefined ? null : [end.status, end.durationSeconds ?? null, end.atMs];
  const flags = (isCountedHere ? 1 : 0) + (isOverflow ? 2 : 0);
  return [key, day, operation, label, flags, startMs, lastMs, ended, cpuSeconds ?? null];
}

function readRun([, day, operation, label, flags, startMs, lastMs, end, cpu]: Row): KnownRun {
  return {
    day: text(day),
    operation: text(operation),
    label: text(label),
    isCountedHere: amount(flags) % 2 === 1,
    isOverflow: amount(flags) >= 2,
    startMs: amount(startMs),
    lastMs: amount(lastMs),
    end: end === null ? undefined : readEnd(list(end)),
    cpuSeconds: optional(cpu),
  };
}

function readEnd([status, durationSeconds, atMs]: Row): KnownRun['end'] {
  if (!isTaskStatus(status)) throw new TypeError(`${String(status)} is no status`);
  return { status, durationSeconds: optional(durationSeconds), atMs: amount(atMs) };
}

function fileRow({ name, plainRead, plainSize, mark, packedRead, packedSize }: FileProgress): Row {
  // -1 stands for "not read".
  return [name, plainRead, plainSize + 1, mark, packedRead, packedSize + 1];
}

function readFile(file: FileProgress, [, plainRead, plainSize, mark, packedRead, packedSize]: Row): void {
  file.plainRead = amount(plainRead);
  file.plainSize = amount(plainSize) - 1;
  file.mark = amount(mark);
  file.packedRead = amount(packedRead);
  file.packedSize = amount(packedSize) - 1;
}

function* chunks<T>(items: Iterable<T>, rowOf: (item: T) => Row): Generator<Row[], void, undefined> {
  let rows: Row[] = [];
  for (const item of items) {
    rows.push(rowOf(item));
    if (rows.length < ITEMS) continue;
    yield rows;
    rows = [];
  }
  if (rows.length > 0) yield rows;
}

function rows(value: unknown): readonly Row[] {
  return list(value).map(list);
}

function list(value: unknown): Row {
  if (!Array.isArray(value)) throw new TypeError('no list');
  return value;
}

function amounts(value: unknown, length: number): readonly number[] {
  const found = list(value).map(amount);
  if (found.length !== length) throw new TypeError(`${found.length} numbers instead of ${length}`);
  return found;
}

function amount(value: unknown): number {
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) throw new TypeError('no amount');
  return value;
}

function optional(value: unknown): number | undefined {
  return value === null ? undefined : amount(value);
}

function text(value: unknown): string {
  if (typeof value !== 'string') throw new TypeError('no text');
  return value;
}
