/** `taskspan/testing`: see in your own tests what your tasks did, in memory. */
import { context, trace } from '@opentelemetry/api';
import type { AnyValue } from '@opentelemetry/api-logs';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import { ATTR, EVENT, type LogLevel, SEVERITY, type TaskStatus } from '@taskspan/core';
import { type RunRecord, RunStampSpanProcessor, state } from '@taskspan/core/hub';

export interface RecordedLine {
  readonly level: LogLevel;
  readonly message: string | undefined;
  readonly attributes: Readonly<Record<string, AnyValue>>;
}

export interface RecordedStep {
  readonly name: string;
  readonly index: number;
  readonly status: 'success' | 'failure';
}

/** One run as a test sees it; it fills while the run goes on. */
export interface RecordedRun {
  readonly id: string;
  readonly operation: string;
  readonly attempt: number | undefined;
  /** What was given at submission, with `repository`, `request_id` and `user`. */
  readonly attributes: Readonly<Record<string, AnyValue>>;
  /** Undefined while the run is open. */
  readonly status: TaskStatus | undefined;
  readonly errorType: string | undefined;
  /** Seconds; undefined while the run is open. */
  readonly durationSeconds: number | undefined;
  readonly outputs: readonly string[];
  readonly steps: readonly RecordedStep[];
  /** Progress reports, 0 to 1. */
  readonly progress: readonly number[];
  readonly logs: readonly RecordedLine[];
  /** Metric points by name, the last value of each. */
  readonly metrics: Readonly<Record<string, number>>;
}

export interface RecordedTasks {
  /** In the order of their start. */
  readonly runs: readonly RecordedRun[];
  /** Ended spans, descendants of the runs included. */
  readonly spans: readonly ReadableSpan[];
  /**
   * Waits for a finished run of this operation, or for one that the predicate accepts; one that is there already counts.
   *
   * @throws (rejects) after `timeoutMs` (default 5000), naming what was seen
   */
  waitFor(what: string | ((run: RecordedRun) => boolean), timeoutMs?: number): Promise<RecordedRun>;
  /** Forgets what was recorded. */
  reset(): void;
  /** Stops recording and puts everything back; belongs into `afterEach`. */
  stop(): void;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] extends readonly (infer E)[] ? E[] : T[K] };

interface Waiter {
  readonly accepts: (run: RecordedRun) => boolean;
  readonly resolve: (run: RecordedRun) => void;
}

/**
 * Records every run from now on, in memory: nothing is written or sent. Works beside code that uses the active span, as
 * it registers a context manager when there is none.
 */
export function recordTasks(): RecordedTasks {
  const recording = new Recording();
  recording.begin();
  return recording;
}

class Recording implements RecordedTasks {
  readonly #runs = new Map<string, Mutable<RecordedRun>>();
  readonly #waiters = new Set<Waiter>();
  readonly #exporter = new InMemorySpanExporter();
  readonly #provider = new NodeTracerProvider({
    spanProcessors: [new RunStampSpanProcessor(), new SimpleSpanProcessor(this.#exporter)],
  });
  readonly #sink = (record: RunRecord): void => this.#take(record);
  #ownsContext = false;
  #ownsTracer = false;
  #outerProvider: typeof state.tracerProvider;

  get runs(): readonly RecordedRun[] {
    return [...this.#runs.values()];
  }

  get spans(): readonly ReadableSpan[] {
    return this.#exporter.getFinishedSpans();
  }

  begin(): void {
    // Where the toolkit runs already, its slots stay as they are.
    if (state.owner === undefined) {
      this.#ownsContext = context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
      this.#ownsTracer = trace.setGlobalTracerProvider(this.#provider);
    }
    this.#outerProvider = state.tracerProvider;
    state.tracerProvider = this.#provider;
    state.sinks.push(this.#sink);
  }

  waitFor(what: string | ((run: RecordedRun) => boolean), timeoutMs = 5000): Promise<RecordedRun> {
    const accepts =
      typeof what === 'function'
        ? what
        : (run: RecordedRun): boolean => run.operation === what && run.status !== undefined;
    const there = this.runs.find(accepts);
    if (there !== undefined) return Promise.resolve(there);
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        accepts,
        resolve: (run) => {
          clearTimeout(timer);
          this.#waiters.delete(waiter);
          resolve(run);
        },
      };
      const timer = setTimeout(() => {
        this.#waiters.delete(waiter);
        const seen = this.runs.map((run) => `${run.operation} (${run.status ?? 'running'})`).join(', ') || 'no run';
        const wanted = typeof what === 'string' ? `a finished run of ${what}` : 'such a run';
        reject(new Error(`${wanted} did not appear within ${timeoutMs} ms; seen: ${seen}`));
      }, timeoutMs);
      this.#waiters.add(waiter);
    });
  }

  reset(): void {
    this.#runs.clear();
    this.#exporter.reset();
  }

  stop(): void {
    const index = state.sinks.indexOf(this.#sink);
    if (index >= 0) state.sinks.splice(index, 1);
    if (state.tracerProvider === this.#provider) state.tracerProvider = this.#outerProvider;
    if (this.#ownsTracer) trace.disable();
    if (this.#ownsContext) context.disable();
    this.#ownsTracer = false;
    this.#ownsContext = false;
  }

  #take(record: RunRecord): void {
    const run = this.#runOf(record);
    const attributes = record.attributes ?? {};
    switch (record.eventName) {
      case EVENT.STARTED:
        run.attempt = record.run.attempt;
        run.attributes = { ...record.run.fields, ...submitted(attributes) };
        break;
      case EVENT.STEP:
        run.steps.push({
          name: attributes[ATTR.STEP_NAME] as string,
          index: attributes[ATTR.STEP_INDEX] as number,
          status: attributes[ATTR.STEP_STATUS] as RecordedStep['status'],
        });
        break;
      case EVENT.PROGRESS:
        run.progress.push(attributes[ATTR.TASK_PROGRESS] as number);
        break;
      case EVENT.METRIC:
        run.metrics = {
          ...run.metrics,
          [attributes[ATTR.METRIC_NAME] as string]: attributes[ATTR.METRIC_VALUE] as number,
        };
        break;
      case EVENT.ENDED:
      case EVENT.ORPHANED:
        run.status = attributes[ATTR.TASK_STATUS] as TaskStatus;
        run.errorType = attributes[ATTR.ERROR_TYPE] as string | undefined;
        run.durationSeconds = attributes[ATTR.TASK_DURATION] as number | undefined;
        run.outputs = (attributes[ATTR.TASK_OUTPUTS] as string[] | undefined) ?? [];
        break;
      default:
        run.logs.push({ level: levelOf(record.severity), message: record.body, attributes });
    }
    for (const waiter of [...this.#waiters]) if (waiter.accepts(run)) waiter.resolve(run);
  }

  #runOf(record: RunRecord): Mutable<RecordedRun> {
    const { run } = record;
    const key = `${run.id}\n${run.runId}`;
    let recorded = this.#runs.get(key);
    if (recorded === undefined) {
      recorded = {
        id: run.id,
        operation: run.operation,
        attempt: run.attempt,
        attributes: {},
        status: undefined,
        errorType: undefined,
        durationSeconds: undefined,
        outputs: [],
        steps: [],
        progress: [],
        logs: [],
        metrics: {},
      };
      this.#runs.set(key, recorded);
    }
    return recorded;
  }
}

/** Without what the toolkit adds. */
function submitted(attributes: Readonly<Record<string, AnyValue>>): Record<string, AnyValue> {
  return Object.fromEntries(Object.entries(attributes).filter(([key]) => !key.startsWith('task.')));
}

function levelOf(severity: number): LogLevel {
  if (severity >= SEVERITY.error) return 'error';
  if (severity >= SEVERITY.warn) return 'warn';
  return severity >= SEVERITY.info ? 'info' : 'debug';
}
