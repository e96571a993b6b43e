import { TASK_STATUSES, type TaskStatus } from '@taskspan/core';
import {
  DROP_REASONS,
  DROP_SIGNALS,
  type DropReason,
  type DropSignal,
  MISSED_REASONS,
  type MissedReason,
  state,
} from '@taskspan/core/hub';
import type { Instruments, Observe } from './instruments.ts';
import { type OperationCounters, OperationTable, STATUS_INDEX } from './operation-counters.ts';
import type { Series, WeightedSamples } from './sample-queue.ts';
import type { OperationReport, SeriesReport, ThreadReport } from './thread-report.ts';

/** Plain numbers of one operation. */
export interface OperationSnapshot {
  readonly running: number;
  readonly started: number;
  readonly total: Readonly<Record<TaskStatus, number>>;
  /** Age of the longest open run in seconds, 0 when none is open. */
  readonly oldestRunningSeconds: number;
  /** Unix seconds; undefined when no run succeeded. */
  readonly lastSuccessTimestampSeconds: number | undefined;
}

/** All numbers but the histograms. */
export interface MetricsSnapshot {
  readonly operations: Readonly<Record<string, OperationSnapshot>>;
  readonly missed: Readonly<Record<string, Readonly<Record<MissedReason, number>>>>;
  readonly dropped: Readonly<Record<DropSignal, Readonly<Record<DropReason, number>>>>;
  /** Runs counted under `_other`. */
  readonly overflow: number;
}

/** What one other thread reported last. */
interface ThreadState {
  readonly operations: ReadonlyMap<string, OperationReport>;
  readonly report: ThreadReport;
}

/** Ended threads remembered, so that a straggling report is not counted as a new thread's. */
const ENDED_THREADS_REMEMBERED = 10_000;

const DROPPED_ATTRIBUTES = DROP_SIGNALS.flatMap((signal) => DROP_REASONS.map((reason) => ({ reason, signal })));

/** All counts of the process: those of this thread, and what other threads reported. Reading changes no count. */
export class MetricsState {
  readonly operations: OperationTable;
  /** Runs counted under `_other`. */
  overflow = 0;
  readonly #threads = new Map<number, ThreadState>();
  readonly #endedThreads = new Set<number>();
  /** Missed and dropped of other threads, also of those that are gone. */
  readonly #missedElsewhere = new Map<string, Map<MissedReason, number>>();
  readonly #droppedElsewhere = new Map<DropSignal, Map<DropReason, number>>();

  constructor(budget: number) {
    this.operations = new OperationTable(budget);
  }

  /** Gives every number to the instruments, all of one moment. Series once given are always given, also at 0. */
  observe(observe: Observe, to: Instruments): void {
    const now = Date.now();
    const oldestElsewhere = this.#oldestElsewhere();
    for (const counters of this.operations.all()) {
      const { attributes } = counters;
      observe(to.running, counters.running, attributes);
      observe(to.started, counters.started, attributes);
      for (let i = 0; i < TASK_STATUSES.length; i++) {
        observe(to.total, counters.totals[i] as number, (counters.durations[i] as Series).attributes);
      }
      observe(to.oldestRunning, ageSeconds(counters, oldestElsewhere, now), attributes);
      if (counters.lastSuccess > 0) observe(to.lastSuccess, counters.lastSuccess, attributes);
    }
    for (const [operation, counts] of this.#missed()) {
      for (const reason of MISSED_REASONS) observe(to.missed, counts[reason], { operation, reason });
    }
    observe(to.overflow, this.overflow);
    for (const attributes of DROPPED_ATTRIBUTES) {
      observe(to.dropped, this.#dropped(attributes.signal, attributes.reason), attributes);
    }
    // Only of the signals that this process exports.
    for (const [signal, { spoolBytes, spoolOldestMs, lastSuccessMs }] of state.delivery) {
      observe(to.spoolBytes, spoolBytes, { signal });
      // A clock that was set back makes nothing younger than new.
      observe(to.spoolOldest, spoolOldestMs === undefined ? 0 : Math.max(0, now - spoolOldestMs) / 1000, { signal });
      if (lastSuccessMs !== undefined) observe(to.lastExport, lastSuccessMs / 1000, { signal });
    }
    if (state.logsFolder !== undefined) {
      observe(to.logFiles, state.logsFolder.files);
      observe(to.logBytes, state.logsFolder.bytes);
    }
  }

  snapshot(): MetricsSnapshot {
    const now = Date.now();
    const oldestElsewhere = this.#oldestElsewhere();
    const operations = [...this.operations.all()].map((counters): [string, OperationSnapshot] => [
      counters.operation,
      {
        running: counters.running,
        started: counters.started,
        total: record(TASK_STATUSES, (status) => counters.totals[STATUS_INDEX[status]] as number),
        oldestRunningSeconds: ageSeconds(counters, oldestElsewhere, now),
        lastSuccessTimestampSeconds: counters.lastSuccess > 0 ? counters.lastSuccess : undefined,
      },
    ]);
    return {
      operations: Object.fromEntries(operations),
      missed: Object.fromEntries(this.#missed()),
      dropped: record(DROP_SIGNALS, (signal) => record(DROP_REASONS, (reason) => this.#dropped(signal, reason))),
      overflow: this.overflow,
    };
  }

  /** This thread's numbers for another thread, with these samples. */
  report(samples: readonly WeightedSamples[]): ThreadReport {
    return {
      operations: [...this.operations.all()].map(({ operation, running, totals, lastSuccess, oldestStartMs }) => ({
        operation,
        running,
        totals: [...totals],
        lastSuccess,
        oldestStartMs,
      })),
      samples: samples.map(({ series, values, counts }): SeriesReport => {
        const { operation, status } = series.attributes as { operation: string; status?: TaskStatus };
        return { metric: series.metric, operation, status, values, counts };
      }),
      overflow: this.overflow,
      missed: entries(state.missed),
      dropped: entries(state.dropped),
    };
  }

  /** Takes in what is new in a thread's report. @returns the samples, with the series of this thread */
  merge(thread: number, report: ThreadReport): { series: Series; value: number; count: number }[] {
    if (this.#endedThreads.has(thread)) return [];
    const last = this.#threads.get(thread);
    for (const operation of report.operations)
      this.#mergeOperation(operation, last?.operations.get(operation.operation));
    this.overflow += report.overflow - (last?.report.overflow ?? 0);
    addNew(this.#missedElsewhere, report.missed, last?.report.missed);
    addNew(this.#droppedElsewhere, report.dropped, last?.report.dropped);
    const operations = new Map(report.operations.map((operation) => [operation.operation, operation]));
    // The samples are taken over now; keeping them would keep them all.
    this.#threads.set(thread, { operations, report: { ...report, samples: [] } });
    return report.samples.flatMap((samples) => this.#ownSamples(samples));
  }

  /** Ends the open runs of a thread as cancelled. */
  endThread(thread: number): void {
    this.#endedThreads.add(thread);
    for (const oldest of this.#endedThreads) {
      if (this.#endedThreads.size <= ENDED_THREADS_REMEMBERED) break;
      this.#endedThreads.delete(oldest);
    }
    const last = this.#threads.get(thread);
    if (last === undefined) return;
    this.#threads.delete(thread);
    for (const { operation, running } of last.operations.values()) {
      const counters = this.operations.of(operation);
      counters.openElsewhere -= running;
      counters.add('cancelled', running);
    }
  }

  #mergeOperation(now: OperationReport, last: OperationReport | undefined): void {
    const counters = this.operations.of(now.operation);
    const startedBefore = counters.started;
    counters.openElsewhere += now.running - (last?.running ?? 0);
    TASK_STATUSES.forEach((status, i) => {
      counters.add(status, (now.totals[i] ?? 0) - (last?.totals[i] ?? 0));
    });
    counters.lastSuccess = Math.max(counters.lastSuccess, now.lastSuccess);
    // What the thread itself counted under `_other` is in its own overflow.
    if (this.operations.isOther(counters) && now.operation !== counters.operation) {
      this.overflow += counters.started - startedBefore;
    }
  }

  #ownSamples(samples: SeriesReport): { series: Series; value: number; count: number }[] {
    const counters = this.operations.of(samples.operation);
    const series = samples.status === undefined ? counters.wait : counters.durations[STATUS_INDEX[samples.status]];
    if (series === undefined) return [];
    return samples.values.map((value, i) => ({ series, value, count: samples.counts[i] ?? 1 }));
  }

  /** Start of the longest open run of other threads, by exported operation. */
  #oldestElsewhere(): ReadonlyMap<string, number> {
    const oldest = new Map<string, number>();
    for (const { operations } of this.#threads.values()) {
      for (const { operation, oldestStartMs } of operations.values()) {
        if (oldestStartMs === undefined) continue;
        const label = this.operations.labelOf(operation);
        oldest.set(label, Math.min(oldestStartMs, oldest.get(label) ?? oldestStartMs));
      }
    }
    return oldest;
  }

  /** Missed runs by exported operation: several may share `_other`, and an observable keeps one value per label set. */
  #missed(): Map<string, Record<MissedReason, number>> {
    const missed = new Map<string, Record<MissedReason, number>>();
    for (const source of [state.missed, this.#missedElsewhere]) {
      for (const [operation, reasons] of source) {
        const label = this.operations.labelOf(operation);
        const counts = missed.get(label) ?? record(MISSED_REASONS, () => 0);
        for (const reason of MISSED_REASONS) counts[reason] += reasons.get(reason) ?? 0;
        missed.set(label, counts);
      }
    }
    return missed;
  }

  #dropped(signal: DropSignal, reason: DropReason): number {
    return (state.dropped.get(signal)?.get(reason) ?? 0) + (this.#droppedElsewhere.get(signal)?.get(reason) ?? 0);
  }
}

function ageSeconds(counters: OperationCounters, elsewhere: ReadonlyMap<string, number>, now: number): number {
  const start = Math.min(
    counters.oldestStartMs ?? Number.POSITIVE_INFINITY,
    elsewhere.get(counters.operation) ?? Number.POSITIVE_INFINITY,
  );
  // A clock set back makes no negative age.
  return start === Number.POSITIVE_INFINITY ? 0 : Math.max(0, (now - start) / 1000);
}

function record<K extends string, V>(keys: readonly K[], valueFor: (key: K) => V): Record<K, V> {
  return Object.fromEntries(keys.map((key) => [key, valueFor(key)])) as Record<K, V>;
}

function entries<A extends string, B extends string>(counts: ReadonlyMap<A, ReadonlyMap<B, number>>): [A, B, number][] {
  return [...counts].flatMap(([a, inner]) => [...inner].map(([b, count]): [A, B, number] => [a, b, count]));
}

function addNew<A extends string, B extends string>(
  to: Map<A, Map<B, number>>,
  now: readonly (readonly [A, B, number])[],
  last: readonly (readonly [A, B, number])[] | undefined,
): void {
  const add = (a: A, b: B, count: number): void => {
    const inner = to.get(a) ?? new Map<B, number>();
    inner.set(b, (inner.get(b) ?? 0) + count);
    to.set(a, inner);
  };
  for (const [a, b, count] of now) add(a, b, count);
  for (const [a, b, count] of last ?? []) add(a, b, -count);
}
