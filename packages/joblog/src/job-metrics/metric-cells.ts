import { TASK_STATUSES, type TaskStatus } from '@taskspan/core';
import { JOB_LABEL_BUDGET, JOB_METRICS, OPERATION_BUDGET, ORPHANED_INDEX, OTHER } from './job-metric-table.ts';

/** What one series of a histogram has counted. */
export class Histogram {
  /** Samples per bucket, the one above all bounds last. */
  readonly counts: number[];
  sum = 0;
  readonly bounds: readonly number[];

  /** @param bounds upper bounds of the buckets, inclusive, ascending */
  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = new Array<number>(bounds.length + 1).fill(0);
  }

  add(value: number): void {
    const found = this.bounds.findIndex((bound) => value <= bound);
    const index = found < 0 ? this.bounds.length : found;
    this.counts[index] = (this.counts[index] ?? 0) + 1;
    // A sum beyond all numbers would never be one again.
    if (Number.isFinite(this.sum + value)) this.sum += value;
  }
}

/** What the runs of one operation add up to. */
export class OperationCell {
  readonly operation: string;
  /** Number of the reading in which it came up: 0 for what was there before anybody asked. */
  readonly bornAt: number;
  started = 0;
  /** Finished runs by their place in `TASK_STATUSES`. */
  readonly totals: number[] = TASK_STATUSES.map(() => 0);
  /** Likewise; there once it has a sample. */
  readonly durations: (Histogram | undefined)[] = TASK_STATUSES.map(() => undefined);
  wait: Histogram | undefined;
  /** Unix seconds; 0 when there was none. */
  lastSuccess = 0;

  constructor(operation: string, bornAt: number) {
    this.operation = operation;
    this.bornAt = bornAt;
  }

  start(waitSeconds: number | undefined): void {
    this.started += 1;
    if (waitSeconds === undefined) return;
    this.wait ??= new Histogram(JOB_METRICS.wait.buckets);
    this.wait.add(waitSeconds);
  }

  end(status: TaskStatus, durationSeconds: number | undefined, atMs: number): void {
    const index = TASK_STATUSES.indexOf(status);
    this.totals[index] = (this.totals[index] ?? 0) + 1;
    if (status === 'success') this.lastSuccess = Math.max(this.lastSuccess, atMs / 1000);
    if (durationSeconds === undefined || index === ORPHANED_INDEX) return;
    const histogram = this.durations[index] ?? new Histogram(JOB_METRICS.duration.buckets);
    this.durations[index] = histogram;
    histogram.add(durationSeconds);
  }
}

/** What the runs of one job label and operation have used. */
export class JobCell {
  readonly label: string;
  readonly operation: string;
  readonly bornAt: number;
  /** Of the run that finished last; undefined while none did. */
  runtimeSeconds: number | undefined;
  runtimeAtMs = 0;
  cpuSeconds: number | undefined;
  cpuAtMs = 0;
  /** The most that was seen. */
  memoryBytes: number | undefined;
  rows: number | undefined;

  constructor(label: string, operation: string, bornAt: number) {
    this.label = label;
    this.operation = operation;
    this.bornAt = bornAt;
  }

  finish(atMs: number, runtimeSeconds: number | undefined, cpuSeconds: number | undefined): void {
    if (runtimeSeconds !== undefined && atMs >= this.runtimeAtMs) {
      this.runtimeSeconds = runtimeSeconds;
      this.runtimeAtMs = atMs;
    }
    if (cpuSeconds !== undefined && atMs >= this.cpuAtMs) {
      this.cpuSeconds = cpuSeconds;
      this.cpuAtMs = atMs;
    }
  }

  remember(bytes: number): void {
    this.memoryBytes = Math.max(this.memoryBytes ?? 0, bytes);
  }

  add(rows: number): void {
    const sum = (this.rows ?? 0) + rows;
    if (Number.isFinite(sum)) this.rows = sum;
  }
}

/** All cells, within the budgets of label values. A place once taken is never given back. */
export class MetricCells {
  readonly operations: Map<string, OperationCell> = new Map();
  /** By operation, then by job label. */
  readonly jobs: Map<string, Map<string, JobCell>> = new Map();
  operationOverflow = 0;
  labelOverflow = 0;
  skippedLines = 0;
  /** Events that were counted, ever: of two states, the one with more of them knows more. */
  events = 0;
  /** Number of the reading that is going on. */
  reading = 0;
  #jobPlaces = 0;

  /** The cell of an operation, or that of `_other` when all places are taken. */
  operation(name: string): OperationCell {
    return this.operations.get(name) ?? this.addOperation(this.#operationPlace(name), this.reading);
  }

  /** The cell of a label and an operation, or one of `_other`. */
  job(label: string, operation: string): JobCell {
    const found = this.jobs.get(operation)?.get(label);
    if (found !== undefined) return found;
    const isFull = this.#jobPlaces >= JOB_LABEL_BUDGET;
    const isKnown = this.jobs.has(operation) || this.jobs.size < OPERATION_BUDGET;
    return this.addJob(isFull ? OTHER : label, isKnown ? operation : OTHER, this.reading);
  }

  /** Of an operation that has a place: as it was, or as new. */
  addOperation(name: string, bornAt: number): OperationCell {
    const known = this.operations.get(name);
    if (known !== undefined) return known;
    const cell = new OperationCell(name, bornAt);
    this.operations.set(name, cell);
    return cell;
  }

  /** Likewise for a label and an operation. */
  addJob(label: string, operation: string, bornAt: number): JobCell {
    const labels = this.jobs.get(operation) ?? new Map<string, JobCell>();
    this.jobs.set(operation, labels);
    const known = labels.get(label);
    if (known !== undefined) return known;
    const cell = new JobCell(label, operation, bornAt);
    labels.set(label, cell);
    if (label !== OTHER) this.#jobPlaces += 1;
    return cell;
  }

  #operationPlace(name: string): string {
    const places = this.operations.size - (this.operations.has(OTHER) ? 1 : 0);
    return name === OTHER || places < OPERATION_BUDGET ? name : OTHER;
  }
}
