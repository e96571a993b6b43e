import {
  type Context,
  context,
  INVALID_SPAN_CONTEXT,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  trace,
} from '@opentelemetry/api';
import type { AnyValue } from '@opentelemetry/api-logs';
import { logToCaller } from './caller-logger.ts';
import { type Carrier, injectCarrier } from './carrier.ts';
import { monoMs } from './clock.ts';
import { errorType, readSafely } from './error-facts.ts';
import { describeValue, reportOnce, safely } from './internal/report.ts';
import { type OpenRun, type RunInfo, state } from './internal/state.ts';
import type { LibraryRun } from './library-run.ts';
import { EVENT, type LogLevel, SEVERITY } from './names.ts';
import {
  decideOutcome,
  type LibraryOutcome,
  libraryOutcome,
  NO_RULES,
  type Outcome,
  type OutcomeRules,
  type RunEnd,
  SUCCESS,
} from './outcome.ts';
import { setOutcomeStatus, setSpanAttribute, writeEndAttributes } from './own-attributes.ts';
import { ProgressThrottle } from './progress.ts';
import { emitRecord } from './records.ts';
import { publishRun } from './run-channel.ts';
import { currentRun } from './run-context.ts';
import type { RunDetails, RunIdentity } from './run-details.ts';
import { endContent, exceptionContent, metricContent } from './run-records.ts';
import type { Settler } from './settle.ts';
import type { TaskStatus } from './status.ts';
import { runStep } from './step.ts';
import type { MetricOptions, Task, TaskEnd } from './task.ts';
import { randomRunId } from './task-id.ts';
import { normaliseAttribute, normaliseAttributes, normaliseText } from './task-options.ts';
import { recordsAreKept } from './tracer.ts';

const NO_SPAN = trace.wrapSpanContext(INVALID_SPAN_CONTEXT);

/** One run from start to end: the only code that ends a task span. */
export class TaskRun implements LibraryRun, RunInfo, OpenRun, Settler {
  readonly id: string;
  readonly operation: string;
  readonly file: string;
  readonly startTimeMs: number;
  readonly fields: Readonly<Record<string, AnyValue>> | undefined;
  status: TaskStatus | undefined = undefined;
  errorType: string | undefined = undefined;
  durationSeconds: number | undefined = undefined;
  /** Context in which the work runs; set once the span is there. */
  context: Context = ROOT_CONTEXT;
  readonly details: RunDetails;
  private readonly startMono: number;
  private span: Span = NO_SPAN;
  private observed = false;
  private unrecordedRunId: string | undefined = undefined;
  private sequence = 0;
  private steps = 0;
  private ended = false;
  outputs: readonly string[] | undefined;
  ownAtEnd: Record<string, string | number | boolean> | undefined = undefined;
  private throttle: ProgressThrottle | undefined = undefined;
  private ownSignal: AbortSignal | undefined;
  /** The last error written into the log: a step's error that ends its run is written once. */
  private written: { readonly error: unknown } | undefined = undefined;

  constructor(identity: RunIdentity, details: RunDetails) {
    this.id = identity.id;
    this.operation = identity.operation;
    this.file = identity.file;
    this.startTimeMs = identity.startTimeMs;
    this.startMono = identity.startMono;
    this.fields = identity.fields;
    this.details = details;
    this.outputs = details.outputs;
    this.ownSignal = details.rules.signal;
  }

  get info(): RunInfo {
    return this;
  }

  get attempt(): number | undefined {
    return this.details.attempt;
  }

  get waitSeconds(): number | undefined {
    return this.details.waitSeconds;
  }

  get orphan(): boolean {
    return this.details.orphan;
  }

  get spanContext(): SpanContext {
    return this.span.spanContext();
  }

  get runId(): string {
    const { spanId } = this.spanContext;
    if (spanId !== INVALID_SPAN_CONTEXT.spanId) return spanId;
    this.unrecordedRunId ??= randomRunId();
    return this.unrecordedRunId;
  }

  get signal(): AbortSignal {
    this.ownSignal ??= new AbortController().signal;
    return this.ownSignal;
  }

  nextSequence(): number {
    this.sequence += 1;
    return this.sequence;
  }

  /** Binds the span that was started for this run, and opens it. */
  open(span: Span, runContext: Context, attributes: Readonly<Record<string, AnyValue>> | undefined): void {
    this.span = span;
    this.context = runContext;
    this.observed = !span.isRecording() && state.runObservers.length > 0;
    if (this.observed) this.observe('onRunStart');
    if (this.orphan) return;
    state.openRuns.add(this);
    if (recordsAreKept())
      emitRecord(this, { eventName: EVENT.STARTED, severity: SEVERITY.info, attributes, timeMs: this.startTimeMs });
    if (this.details.logger !== undefined) {
      logToCaller(this.details.logger, 'info', { message: 'task started', fields: this.callerFields() });
    }
    publishRun('start', this);
  }

  run<T>(fn: (task: Task) => T): T {
    return context.with(this.context, () => fn(this));
  }

  step<T>(name: string, fn: (task: Task) => T): T {
    this.steps += 1;
    return runStep(this, { name, index: this.steps - 1, fn });
  }

  progress(share: number, message?: string): void {
    if (typeof share !== 'number' || Number.isNaN(share)) {
      reportOnce('progress', `progress must be a number from 0 to 1, got ${describeValue(share)}; it is ignored`);
      return;
    }
    if (this.ended) return;
    this.throttle ??= new ProgressThrottle(this);
    this.throttle.report(Math.min(1, Math.max(0, share)), normaliseText('progress message', message));
  }

  log(level: LogLevel, message: string, attributes?: Readonly<Record<string, unknown>>): void {
    const severity = typeof level === 'string' && Object.hasOwn(SEVERITY, level) ? SEVERITY[level] : undefined;
    if (severity === undefined) {
      reportOnce(
        'log.level',
        `log level must be debug, info, warn or error, got ${describeValue(level)}; info is used`,
      );
    }
    emitRecord(this, {
      severity: severity ?? SEVERITY.info,
      body: typeof message === 'string' ? message : describeValue(message),
      attributes: normaliseAttributes('log attributes', attributes),
      spanContext: this.activeSpanContext(),
    });
  }

  setAttribute(key: string, value: unknown): void {
    if (typeof key !== 'string') {
      reportOnce('attribute.key', `the key of an attribute must be a string, got ${describeValue(key)}; it is ignored`);
      return;
    }
    const normalised = normaliseAttribute('attribute', key, () => value);
    if (normalised !== undefined) setSpanAttribute(this.span, key, normalised);
  }

  addOutput(output: string): void {
    const text = normaliseText('output', output);
    if (text === undefined) return;
    this.outputs = [...(this.outputs ?? []), text];
  }

  metric(name: string, value: number, options?: MetricOptions): void {
    const content = metricContent(name, value, options);
    if (content !== undefined) emitRecord(this, { ...content, spanContext: this.activeSpanContext() });
  }

  inject(): Carrier {
    return injectCarrier(this.context);
  }

  end(end?: TaskEnd): void {
    if (this.ended) return;
    const { readAtEnd } = this.details;
    const read = readAtEnd === undefined ? undefined : safely('reading the task record', readAtEnd);
    const error = readSafely(end, 'error') ?? read?.error;
    this.finish(
      { thrown: error === undefined || error === null ? undefined : { error }, status: readSafely(end, 'status') },
      read === undefined ? this.details.rules : { ...this.details.rules, deadlineMs: read.deadlineMs },
    );
  }

  close(end: Parameters<OpenRun['close']>[0]): void {
    // Neither acceptable errors nor the outcome option are asked: the process ends.
    if ('error' in end)
      this.conclude({ status: 'failure', errorType: errorType(end.error), failure: end, attributes: undefined });
    else this.conclude({ status: end.status, errorType: end.errorType, failure: undefined, attributes: undefined });
  }

  private finish(end: RunEnd, rules: OutcomeRules = this.details.rules): void {
    if (!this.ended) this.conclude(decideOutcome(end, rules));
  }

  /** The work returned. */
  returned(value: unknown): void {
    const { rules } = this.details;
    if (rules === NO_RULES) this.conclude(SUCCESS);
    else this.finish({ returned: { value } });
  }

  /** The work threw, or its promise was rejected. */
  threw(error: unknown): void {
    this.finish({ thrown: { error } });
  }

  get isEnded(): boolean {
    return this.ended;
  }

  setOwn(key: string, value: string | number | boolean): void {
    this.ownAtEnd ??= {};
    this.ownAtEnd[key] = value;
  }

  report(reported: LibraryOutcome): void {
    if (!this.ended) this.conclude(libraryOutcome(reported));
  }

  /** Ends the run with an outcome that is already known. */
  conclude(outcome: Outcome): void {
    if (this.ended) return;
    this.ended = true;
    this.durationSeconds = (monoMs() - this.startMono) / 1000;
    this.status = outcome.status;
    this.errorType = outcome.errorType;
    this.throttle?.flush();
    if (outcome.failure !== undefined && this.written?.error !== outcome.failure.error) {
      this.emitException(outcome.failure.error);
    }
    if (recordsAreKept()) emitRecord(this, endContent(this, outcome));
    this.endSpan(outcome);
    state.openRuns.delete(this);
    if (this.details.logger !== undefined) this.logEnd(outcome.status);
    publishRun('end', this);
  }

  /** Writes an error of the work into the run's log, where it happened. */
  emitException(error: unknown, spanContext?: SpanContext): void {
    // Nested steps pass one error on; only objects can be told to be the same.
    if (typeof error === 'object' && error !== null && this.written?.error === error) return;
    this.written = { error };
    emitRecord(this, exceptionContent(error, spanContext));
  }

  private endSpan(outcome: Outcome): void {
    const { span } = this;
    if (this.observed) this.observe('onRunEnd');
    if (!span.isRecording()) {
      // The application ended this span itself, before its run: span processors heard of that, and not how the run ended.
      if (!this.observed) this.observe('onRunEnd');
      return;
    }
    const extra = normaliseAttributes('outcome attributes', outcome.attributes);
    for (const key in extra) setSpanAttribute(span, key, extra[key]);
    writeEndAttributes(span, this, outcome);
    setOutcomeStatus(span, this.operation, outcome);
    const outer = state.ending;
    state.ending = this;
    safely('ending a task span', () => span.end());
    state.ending = outer;
  }

  private observe(event: 'onRunStart' | 'onRunEnd'): void {
    for (const observer of state.runObservers) {
      try {
        observer[event](this);
      } catch (error) {
        reportOnce('run observer', `a run observer failed: ${describeValue(error)}`);
      }
    }
  }

  private logEnd(status: TaskStatus): void {
    const level =
      status === 'failure' ? 'error' : status === 'expired' || status === 'cancelled' || this.orphan ? 'warn' : 'info';
    logToCaller(this.details.logger, level, {
      message: this.orphan ? 'task orphaned' : 'task ended',
      fields: {
        ...this.callerFields(),
        status,
        ...(this.orphan ? {} : { duration_seconds: this.durationSeconds }),
      },
    });
  }

  private callerFields(): Record<string, unknown> {
    return { task_id: this.id, operation: this.operation, ...this.fields };
  }

  /** The active span when the caller is inside this run (a step, an HTTP call), else the task span. */
  private activeSpanContext(): SpanContext {
    const active = context.active();
    return (currentRun(active) === this ? trace.getSpanContext(active) : undefined) ?? this.spanContext;
  }
}
