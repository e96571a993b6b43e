import { type Context, type MeterProvider, metrics as metricsApi, SpanKind, SpanStatusCode } from '@opentelemetry/api';
import type { ScopeMetrics, ViewOptions } from '@opentelemetry/sdk-metrics';
import type { ReadableSpan, Span, SpanProcessor } from '@opentelemetry/sdk-trace-base';
import { ATTR, isTaskStatus, type TaskStatus } from '@taskspan/core';
import { type RunInfo, type RunObserver, reportOnce, safely, state } from '@taskspan/core/hub';
import { adoptConsumerSpan, endConsumerSpan, isConsumerRun } from './consumer-span.ts';
import { createInstruments, type Instruments, isRealMeterProvider, type Observe } from './instruments.ts';
import { type MetricsSnapshot, MetricsState } from './metrics-state.ts';
import { DEFAULT_OPERATION_BUDGET } from './metrics-table.ts';
import { type ForeignRun, type OperationCounters, operationOf, STATUS_INDEX } from './operation-counters.ts';
import { SampleQueue, type Series } from './sample-queue.ts';
import { taskTotals } from './task-totals.ts';
import { selectedNames } from './task-views.ts';
import type { ThreadReport } from './thread-report.ts';

/** How long a sample waits for its instrument at most, in milliseconds. */
const DRAIN_INTERVAL_MS = 1000;
/** Condensed samples recorded in one go, so that a long backlog never holds the event loop for more than about 5 ms. */
const REPLAY_SLICE = 5000;

export interface TaskMetricsOptions {
  /** Goes before the names of the `async_*` metrics, with `_` between. */
  readonly namespace?: string | undefined;
  /** Spans of these instrumentation scopes are not tasks, whatever their attributes; runs of our API always are. */
  readonly ignoreScopes?: readonly string[] | undefined;
  /** Operations told apart; later ones count under `_other`. Default 512. */
  readonly operationBudget?: number | undefined;
  /**
   * Called once when 50 000 samples wait and nothing is bound: the moment to load a reader after all, if one is to
   * come. Nothing is lost without it; the samples are condensed per bucket.
   */
  readonly onBacklog?: (() => void) | undefined;
}

/**
 * Counts task spans. Install it as a span processor and as a run observer; both on one run count it once.
 *
 * A span is a task when it starts with an `operation` attribute and is INTERNAL or CONSUMER, or is a CONSUMER span that
 * processes a message: the latter becomes a run in full, with an id, a file and the records of its log. The numbers are plain state: starting and ending a task costs some 100 ns, and instruments read
 * the state when a reader collects. Counts taken before `bind()` appear after it.
 */
export class TaskMetrics implements SpanProcessor, RunObserver {
  readonly #namespace: string | undefined;
  readonly #ignoredScopes: ReadonlySet<string>;
  readonly #onBacklog: (() => void) | undefined;
  readonly #state: MetricsState;
  readonly #queue = new SampleQueue();
  readonly #startMs = Date.now();
  /** Open spans that our API did not start, with what they count under: their attributes may change until they end. */
  readonly #foreign = new Map<object, { readonly counters: OperationCounters; readonly run: ForeignRun }>();
  #instruments: Instruments | undefined;
  #provider: MeterProvider | undefined;
  #bindsWhenReady = false;
  #timer: NodeJS.Timeout | undefined;
  #replaying: Promise<void> | undefined;
  #backlogReported = false;

  constructor(options: TaskMetricsOptions = {}) {
    this.#namespace = options.namespace;
    this.#ignoredScopes = new Set(options.ignoreScopes);
    this.#onBacklog = options.onBacklog;
    this.#state = new MetricsState(validBudget(options.operationBudget));
  }

  onStart(span: Span, parentContext?: Context): void {
    const run = state.starting;
    if (run !== undefined) {
      this.onRunStart(run);
      return;
    }
    const { attributes, kind } = span;
    if (kind !== SpanKind.INTERNAL && kind !== SpanKind.CONSUMER) return;
    const operation = attributes[ATTR.OPERATION];
    const isMessage = isConsumerRun(kind, attributes) && attributes[ATTR.TASK_STATUS] !== 'orphaned';
    if ((operation === undefined && !isMessage) || this.#isIgnored(span)) return;
    const adopted = isMessage ? adoptConsumerSpan(span, parentContext) : undefined;
    if (adopted === undefined) this.#startForeign(span, operationOf(operation));
    else this.onRunStart(adopted);
  }

  onEnd(span: ReadableSpan): void {
    const run = state.ending;
    if (run !== undefined && run.runId === span.spanContext().spanId) {
      this.onRunEnd(run);
      return;
    }
    const adopted = state.adopted === undefined ? undefined : endConsumerSpan(span);
    if (adopted !== undefined) this.onRunEnd(adopted);
    else if (this.#foreign.size > 0) this.#endForeign(span);
  }

  /** A run of our API began. Hearing of it twice has the effect of once. */
  onRunStart(run: RunInfo): void {
    if (this.#bindsWhenReady) this.#bindToGlobal();
    const counters = this.#state.operations.of(run.operation);
    if (run.orphan) return;
    const { open } = counters;
    const before = open.size;
    open.add(run);
    if (open.size === before) return;
    if (this.#state.operations.isOther(counters)) this.#state.overflow++;
    const wait = run.waitSeconds;
    if (wait !== undefined && wait >= 0 && wait < Number.POSITIVE_INFINITY) this.#sample(counters.wait, wait);
  }

  /** A run of our API ended: its own record says how. */
  onRunEnd(run: RunInfo): void {
    const counters = this.#state.operations.of(run.operation);
    if (run.orphan) {
      this.#countOrphan(counters);
      return;
    }
    if (!counters.open.delete(run)) return;
    this.#count(counters, run.status ?? 'failure', run.durationSeconds ?? 0, Date.now() / 1000);
  }

  async forceFlush(): Promise<void> {
    this.#drain();
    await this.#replaying;
  }

  /** Hands on what waits. What ends afterwards is still counted. */
  async shutdown(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.forceFlush();
  }

  /**
   * Creates the instruments on this provider, with the counts so far. One provider at most: a second one would give
   * a backend everything twice.
   *
   * @returns true when the instruments are on this provider; false for a provider that does nothing, and when another
   * is bound already (reported)
   */
  bind(provider: MeterProvider): boolean {
    if (this.#provider !== undefined) {
      if (this.#provider !== provider)
        reportOnce('metrics.bind', 'metrics go to one meter provider; a second one is ignored');
      return this.#provider === provider;
    }
    if (!isRealMeterProvider(provider)) return false;
    this.#bindsWhenReady = false;
    this.#provider = provider;
    this.#instruments = createInstruments(provider, this.#namespace, (observe, instruments) =>
      this.#collect(observe, instruments),
    );
    if (this.#queue.length > 0 || this.#queue.hasBacklog) this.#armTimer();
    return true;
  }

  /** Binds to the global meter provider as soon as there is one: now, or else when a run starts (20 ns each until then). */
  bindWhenReady(): void {
    if (this.#provider !== undefined) return;
    this.#bindsWhenReady = true;
    this.#bindToGlobal();
  }

  /** True once a run was counted. */
  get hasRuns(): boolean {
    return this.#state.operations.size > 0;
  }

  /** The numbers as they are now, for tests and people. */
  snapshot(): MetricsSnapshot {
    return this.#state.snapshot();
  }

  /**
   * All numbers as cumulative points, now and without waiting: for the end of the process.
   *
   * @param userViews those of the application: what one of them selects is left out
   */
  totals(userViews: readonly ViewOptions[] = []): ScopeMetrics {
    const without = selectedNames(userViews, this.#namespace);
    return taskTotals(this.#state, { namespace: this.#namespace, startMs: this.#startMs, without });
  }

  /**
   * What this thread counted, for the main thread: counts since the beginning, histogram samples since the last call.
   * A thread that reports binds no meter provider.
   */
  takeReport(): ThreadReport {
    return this.#state.report(this.#queue.takeAll());
  }

  /** Takes in a report of another thread; a later report of the same thread replaces its counts. */
  merge(thread: number, report: ThreadReport): void {
    for (const { series, value, count } of this.#state.merge(thread, report)) {
      if (count === 1) this.#sample(series, value);
      else {
        series.cell.add(value, count);
        this.#queue.addWeighted(series, value, count);
        if (this.#instruments !== undefined) this.#armTimer();
      }
    }
  }

  /** A thread is gone: its finished runs stay, those still open count as cancelled, later reports of it are ignored. */
  endThread(thread: number): void {
    this.#state.endThread(thread);
  }

  #startForeign(span: Span, operation: string): void {
    if (this.#bindsWhenReady) this.#bindToGlobal();
    const counters = this.#state.operations.of(operation);
    // A span that begins as the report of a lost run was never open here.
    if (span.attributes[ATTR.TASK_STATUS] === 'orphaned') {
      this.#countOrphan(counters);
      return;
    }
    const run: ForeignRun = { startTimeMs: span.startTime[0] * 1e3 + span.startTime[1] / 1e6 };
    counters.open.add(run);
    this.#foreign.set(span, { counters, run });
    if (this.#state.operations.isOther(counters)) this.#state.overflow++;
  }

  #endForeign(span: ReadableSpan): void {
    const known = this.#foreign.get(span);
    if (known === undefined) return;
    this.#foreign.delete(span);
    known.counters.open.delete(known.run);
    const claimed = span.attributes[ATTR.TASK_STATUS];
    const status = isTaskStatus(claimed) ? claimed : span.status.code === SpanStatusCode.ERROR ? 'failure' : 'success';
    if (status === 'orphaned') known.counters.add('orphaned', 1);
    else this.#count(known.counters, status, seconds(span.duration), seconds(span.endTime));
  }

  #isIgnored(span: Span): boolean {
    return this.#ignoredScopes.size > 0 && this.#ignoredScopes.has(span.instrumentationScope.name);
  }

  #countOrphan(counters: OperationCounters): void {
    counters.add('orphaned', 1);
    if (this.#state.operations.isOther(counters)) this.#state.overflow++;
  }

  #count(counters: OperationCounters, status: TaskStatus, duration: number, endSeconds: number): void {
    counters.add(status, 1);
    if (status === 'success' && endSeconds > counters.lastSuccess) counters.lastSuccess = endSeconds;
    // A clock may say nonsense; a finished run is one sample nevertheless.
    const valid = duration >= 0 && duration < Number.POSITIVE_INFINITY;
    this.#sample(counters.durations[STATUS_INDEX[status]] as Series, valid ? duration : 0);
  }

  #sample(series: Series, value: number): void {
    series.cell.add(value, 1);
    if (this.#queue.push(series, value)) this.#drain();
    else if (this.#timer === undefined && this.#instruments !== undefined) this.#armTimer();
  }

  #armTimer(): void {
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#drain();
    }, DRAIN_INTERVAL_MS);
    this.#timer.unref();
  }

  /** Records what waits, or condenses it while there is nothing to record it with. */
  #drain(): void {
    const instruments = this.#instruments;
    if (instruments === undefined) {
      this.#condense();
      return;
    }
    this.#queue.drain(instruments.record);
    if (this.#queue.hasBacklog) this.#replaying ??= this.#replay(instruments);
  }

  #condense(): void {
    if (this.#queue.length === 0) return;
    this.#queue.condense();
    if (this.#backlogReported) return;
    this.#backlogReported = true;
    if (this.#onBacklog !== undefined) safely('loading a metric reader', this.#onBacklog);
  }

  /** Records the backlog in slices: it may hold millions of samples. */
  async #replay(instruments: Instruments): Promise<void> {
    let room = REPLAY_SLICE;
    while (this.#queue.hasBacklog) {
      for (const { series, values, counts } of this.#queue.takeBacklog()) {
        for (let i = 0; i < values.length; i++) {
          for (let left = counts[i] as number; left > 0; left--) {
            instruments.record(series, values[i] as number);
            if (--room > 0) continue;
            room = REPLAY_SLICE;
            await new Promise(setImmediate);
          }
        }
      }
    }
    this.#replaying = undefined;
  }

  #collect(observe: Observe, instruments: Instruments): void | Promise<void> {
    this.#drain();
    if (this.#replaying === undefined) {
      this.#state.observe(observe, instruments);
      return undefined;
    }
    return this.#replaying.then(() => this.#state.observe(observe, instruments));
  }

  #bindToGlobal(): void {
    safely('binding task metrics', () => this.bind(metricsApi.getMeterProvider()));
  }
}

function seconds([whole, nanos]: readonly [number, number]): number {
  return whole + nanos / 1e9;
}

function validBudget(budget: number | undefined): number {
  if (budget === undefined) return DEFAULT_OPERATION_BUDGET;
  if (Number.isSafeInteger(budget) && budget > 0) return budget;
  reportOnce(
    'metrics.operationBudget',
    `operationBudget ${String(budget)} is not a positive integer; ${DEFAULT_OPERATION_BUDGET} is used`,
  );
  return DEFAULT_OPERATION_BUDGET;
}
