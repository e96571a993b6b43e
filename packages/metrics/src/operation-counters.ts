import type { Attributes } from '@opentelemetry/api';
import { TASK_STATUSES, type TaskStatus } from '@taskspan/core';
import { LIMITS, type RunInfo } from '@taskspan/core/hub';
import { HistogramCell } from './histogram-cell.ts';
import { METRICS, OTHER_OPERATION, UNKNOWN_OPERATION } from './metrics-table.ts';
import type { Series } from './sample-queue.ts';

/** Position of each status in an array of totals: the order of {@link TASK_STATUSES}. */
export const STATUS_INDEX: Readonly<Record<TaskStatus, number>> = Object.fromEntries(
  TASK_STATUSES.map((status, index) => [status, index]),
) as Record<TaskStatus, number>;

const ORPHANED = STATUS_INDEX.orphaned;

/** An open task span that our API did not start. */
export interface ForeignRun {
  /** Epoch milliseconds. */
  readonly startTimeMs: number;
}

/** The plain numbers of one operation; everything that an instrument needs is built here once. */
export class OperationCounters {
  readonly operation: string;
  /** Open runs of this thread. */
  readonly open: Set<RunInfo | ForeignRun> = new Set();
  /** Finished runs by {@link STATUS_INDEX}. */
  readonly totals: number[] = TASK_STATUSES.map(() => 0);
  /** Open runs of worker threads. */
  openElsewhere = 0;
  /** Unix seconds of the last success; 0 when there was none. */
  lastSuccess = 0;
  readonly attributes: Attributes;
  readonly durations: readonly Series[];
  readonly wait: Series;

  constructor(operation: string) {
    this.operation = operation;
    this.attributes = { operation };
    this.durations = TASK_STATUSES.map((status) => seriesOf('duration', { operation, status }));
    this.wait = seriesOf('wait', this.attributes);
  }

  /** Counts `count` more finished runs. */
  add(status: TaskStatus, count: number): void {
    const index = STATUS_INDEX[status];
    this.totals[index] = (this.totals[index] as number) + count;
  }

  get running(): number {
    return this.open.size + this.openElsewhere;
  }

  /**
   * Derived, so that it equals the finished runs without the orphaned plus the running ones at every moment. (A span
   * of another library that ends with the status `orphaned` takes its start back.)
   */
  get started(): number {
    let sum = this.running;
    for (let i = 0; i < this.totals.length; i++) if (i !== ORPHANED) sum += this.totals[i] as number;
    return sum;
  }

  /**
   * Epoch milliseconds at which the longest open run of this thread began; undefined when none is open. Looks at all of
   * them (5 ns each, once per scrape): spans may be started with an earlier time, and clocks are set back.
   */
  get oldestStartMs(): number | undefined {
    let oldest: number | undefined;
    for (const run of this.open) if (oldest === undefined || run.startTimeMs < oldest) oldest = run.startTimeMs;
    return oldest;
  }
}

function seriesOf(metric: Series['metric'], attributes: Attributes): Series {
  const bounds = METRICS[metric].buckets;
  return { metric, attributes, bounds, cell: new HistogramCell(bounds), backlog: undefined };
}

/**
 * The operations of a process within a budget of label values. A place once taken is never given back, so that an
 * operation is counted under one name for the life of the process.
 */
export class OperationTable {
  readonly #budget: number;
  readonly #places = new Set<string>();
  readonly #counters = new Map<string, OperationCounters>();
  #other: OperationCounters | undefined;

  constructor(budget: number) {
    this.#budget = budget;
  }

  /** The counters of an operation, or those of `_other` when the budget is used up. */
  of(operation: string): OperationCounters {
    return this.#counters.get(operation) ?? this.#add(operation);
  }

  /** The name under which an operation is exported. Takes a place when it has none yet. */
  labelOf(operation: string): string {
    if (operation === OTHER_OPERATION || this.#places.has(operation)) return operation;
    if (this.#places.size >= this.#budget) return OTHER_OPERATION;
    this.#places.add(operation);
    return operation;
  }

  /** How many operations ever had a run. */
  get size(): number {
    return this.#counters.size;
  }

  isOther(counters: OperationCounters): boolean {
    return counters === this.#other;
  }

  /** All operations that ever had a run, in the order of their first. */
  all(): IterableIterator<OperationCounters> {
    return this.#counters.values();
  }

  #add(operation: string): OperationCounters {
    const label = this.labelOf(operation);
    const known = this.#counters.get(label);
    if (known !== undefined) return known;
    const counters = new OperationCounters(label);
    if (label === OTHER_OPERATION) this.#other = counters;
    this.#counters.set(label, counters);
    return counters;
  }
}

/** The operation that a value stands for: `unknown` unless it is a string with something in it. */
export function operationOf(value: unknown): string {
  if (typeof value !== 'string' || value === '') return UNKNOWN_OPERATION;
  return value.length > LIMITS.operationChars ? value.slice(0, LIMITS.operationChars) : value;
}
