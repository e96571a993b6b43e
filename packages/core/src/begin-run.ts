import {
  type Context,
  context,
  INVALID_SPAN_CONTEXT,
  isSpanContextValid,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  type SpanKind,
  type SpanOptions,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import type { AnyValue } from '@opentelemetry/api-logs';
import { extractCarrier } from './carrier.ts';
import { monoMs, wallAt } from './clock.ts';
import { starterSpan } from './env-carrier.ts';
import { isArray } from './error-facts.ts';
import { IdleTask } from './idle-task.ts';
import { describeValue, reportOnce } from './internal/report.ts';
import { state } from './internal/state.ts';
import { ATTR } from './names.ts';
import type { AcceptableErrors } from './outcome.ts';
import { setSpanAttribute, writeStartAttributes } from './own-attributes.ts';
import { runsAreWatched } from './run-channel.ts';
import { createRunContext, currentRun } from './run-context.ts';
import { NO_DETAILS, type OwnAttributes, type RunDetails } from './run-details.ts';
import type { TaskOptions } from './task.ts';
import { nameFile } from './task-file.ts';
import { normaliseTaskId, uuidv7 } from './task-id.ts';
import {
  normaliseAttributes,
  normaliseChoice,
  normaliseCount,
  normaliseFunction,
  normaliseInstant,
  normaliseKind,
  normaliseOperation,
  normaliseOutputs,
  normaliseSignal,
  normaliseText,
  readableOptions,
  submissionFields,
} from './task-options.ts';
import { TaskRun } from './task-run.ts';
import { activeTracer, recordsAreKept } from './tracer.ts';

/** What only the stateless functions and the instrumentations give beside the options. */
export interface BeginExtras {
  readonly readAtEnd?: RunDetails['readAtEnd'];
  readonly orphan?: boolean;
  /** `task.file` of a run that is known already. */
  readonly file?: string | undefined;
  /** Attributes in the namespace of the toolkit. */
  readonly own?: OwnAttributes | undefined;
  /** Spans to link beside the enqueuer's. */
  readonly links?: readonly SpanContext[] | undefined;
}

const RELATIONS = ['link', 'child', 'root'] as const;
const NO_OPTIONS: TaskOptions = {};
const NO_SPAN = trace.wrapSpanContext(INVALID_SPAN_CONTEXT);

const NO_EXTRAS: BeginExtras = {};

/** Begins a run: the only place where a task span starts. Never throws. */
export function beginRun(
  operation: unknown,
  options: TaskOptions | undefined,
  extras: BeginExtras = NO_EXTRAS,
): TaskRun | IdleTask {
  try {
    return begin(operation, options, extras);
  } catch (error) {
    // All options are read before anything begins, so that a getter that throws leaves nothing half begun.
    reportOnce('options.unreadable', `options cannot be read: ${describeValue(error)}; what can be read is used`);
    return begin(operation, readableOptions(options), extras);
  }
}

function begin(operation: unknown, options: TaskOptions | undefined, extras: BeginExtras): TaskRun | IdleTask {
  const tracer = activeTracer();
  const name = normaliseOperation(operation);
  if (tracer === undefined && !isObserved(options)) return new IdleTask(name, options ?? undefined);
  const given = checkOptions(options);
  const active = context.active();
  const startMono = monoMs();
  const startTimeMs = wallAt(startMono);
  const attributes = normaliseAttributes('attributes', given.attributes);
  const givenId = normaliseTaskId(given.id);
  const id = givenId ?? uuidv7(startTimeMs);
  const file = extras.file ?? nameFile(id, startTimeMs, givenId === undefined);
  const details = given === NO_OPTIONS && extras === NO_EXTRAS ? NO_DETAILS : runDetails(given, extras, startTimeMs);
  const origin = originOf(given, active);
  // Those of the surrounding run count too; a scheduler's timer has no surrounding run.
  const fields = submissionFields(attributes, currentRun(origin.base)?.fields);
  const started = startedAttributes(given, details, attributes);
  // The link stands on the span, which is written at its end: a run that has none tells it too.
  if (started !== undefined && given.carrier !== undefined && origin.enqueuer !== undefined) {
    started[ATTR.TASK_ENQUEUER] = `${origin.enqueuer.traceId}-${origin.enqueuer.spanId}`;
  }
  const kind = normaliseKind(given.kind);
  const run = new TaskRun({ id, operation: name, file, startMono, startTimeMs, fields }, details);
  const span = tracer === undefined ? NO_SPAN : startSpan(run, tracer, { origin, kind, links: extras.links });
  if (span.isRecording()) writeStartAttributes(span, run);
  if (attributes !== undefined) for (const key in attributes) setSpanAttribute(span, key, attributes[key]);
  run.open(span, createRunContext(origin.base, run, span), started);
  return run;
}

/** Without a tracer a run still matters to sinks, to a logs SDK, to observers and to the caller's logger. */
function isObserved(options: TaskOptions | undefined): boolean {
  return (
    (options !== undefined && options !== null && options.logger !== undefined) ||
    state.runObservers.length > 0 ||
    runsAreWatched() ||
    recordsAreKept()
  );
}

function checkOptions(options: unknown): TaskOptions {
  if (options === undefined || options === null) return NO_OPTIONS;
  if (typeof options === 'object') return options as TaskOptions;
  reportOnce('options', `options must be an object, got ${describeValue(options)}; it is ignored`);
  return NO_OPTIONS;
}

function runDetails(given: TaskOptions, extras: BeginExtras, startTimeMs: number): RunDetails {
  const attempt = normaliseCount('attempt', given.attempt);
  return {
    attempt,
    maxAttempts: normaliseCount('maxAttempts', given.maxAttempts),
    waitSeconds: attempt === undefined || attempt === 1 ? waitSeconds(given, startTimeMs) : undefined,
    label: normaliseText('label', given.label),
    outputs: normaliseOutputs(given.outputs),
    logger: given.logger ?? undefined,
    rules: {
      signal: normaliseSignal(given.signal),
      deadlineMs: normaliseInstant('deadline', given.deadline),
      acceptableErrors: checkAcceptable(given.acceptableErrors),
      outcome: normaliseFunction('outcome', given.outcome),
    },
    readAtEnd: extras.readAtEnd,
    orphan: extras.orphan ?? false,
    own: extras.own,
  };
}

function checkAcceptable(value: AcceptableErrors | undefined): AcceptableErrors | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'function' || isArray(value)) return value;
  reportOnce(
    'acceptableErrors',
    `acceptableErrors must be a function or an array, got ${describeValue(value)}; it is ignored`,
  );
  return undefined;
}

/** Clocks of two machines may differ: never negative. */
function waitSeconds(given: TaskOptions, startTimeMs: number): number | undefined {
  const since = normaliseInstant('scheduledAt', given.scheduledAt) ?? normaliseInstant('enqueuedAt', given.enqueuedAt);
  return since === undefined ? undefined : Math.max(0, startTimeMs - since) / 1000;
}

/** Where a run comes from: the context to build on, whether that context's span is its parent, and whom to link. */
interface Origin {
  readonly base: Context;
  readonly child: boolean;
  readonly enqueuer: SpanContext | undefined;
}

function originOf(given: TaskOptions, active: Context): Origin {
  const relation = normaliseChoice('relation', given.relation, RELATIONS);
  let base = relation === 'root' ? ROOT_CONTEXT : active;
  let enqueuer = trace.getSpanContext(base);
  if (given.carrier !== undefined && given.carrier !== null) {
    const found = extractCarrier(given.carrier, base);
    if (found.enqueuer !== undefined) {
      enqueuer = found.enqueuer;
      // Of a root span it is no parent, so that no context has to be made for it.
      base = relation === 'child' ? trace.setSpanContext(found.context, enqueuer) : found.context;
    }
  }
  if (enqueuer !== undefined && isSpanContextValid(enqueuer)) return { base, child: relation === 'child', enqueuer };
  // A scheduler has no enqueuer; a job that came without a carrier has one that is not known.
  const starts = relation !== 'root' && (given.carrier === undefined || given.carrier === null);
  return { base, child: false, enqueuer: starts ? starterSpan() : undefined };
}

interface SpanInput {
  readonly origin: Origin;
  readonly kind: SpanKind;
  readonly links: readonly SpanContext[] | undefined;
}

function startSpan(run: TaskRun, tracer: Tracer, input: SpanInput): Span {
  const { origin, kind } = input;
  const attributes = { [ATTR.OPERATION]: run.operation };
  const options: SpanOptions = { kind, attributes };
  if (!origin.child && origin.enqueuer !== undefined) {
    options.links = [{ context: origin.enqueuer }];
    // Only where there is a parent to leave behind: the SDK copies the context for it.
    if (trace.getSpan(origin.base) !== undefined) options.root = true;
  }
  if (input.links !== undefined) {
    options.links = [...(options.links ?? []), ...input.links.map((linked) => ({ context: linked }))];
  }
  const outer = state.starting;
  state.starting = run;
  try {
    const span: Partial<Span> | undefined = tracer.startSpan(run.operation, options, origin.base);
    // A provider of somebody else's may hand out anything; the caller's work must not find out.
    if (typeof span?.isRecording === 'function') return span as Span;
    reportOnce('startSpan', `the tracer gave no span: ${describeValue(span)}`);
    return NO_SPAN;
  } catch (error) {
    reportOnce('startSpan', `starting a task span failed: ${describeValue(error)}`);
    return NO_SPAN;
  } finally {
    state.starting = outer;
  }
}

/** What `task.started` says beyond the run's own attributes. */
function startedAttributes(
  given: TaskOptions,
  details: RunDetails,
  attributes: Readonly<Record<string, AnyValue>> | undefined,
): Record<string, AnyValue> | undefined {
  if (given === NO_OPTIONS) return undefined;
  const { attempt, maxAttempts, label, own } = details;
  const started: Record<string, AnyValue> = {};
  // Not by two spreads in one literal: those were a tenth of a queued run.
  for (const key in attributes) started[key] = attributes[key];
  for (const key in own) started[key] = own[key];
  const enqueuedAt = normaliseInstant('enqueuedAt', given.enqueuedAt);
  const scheduledAt = normaliseInstant('scheduledAt', given.scheduledAt);
  if (attempt !== undefined) started[ATTR.TASK_ATTEMPT] = attempt;
  if (maxAttempts !== undefined) started[ATTR.TASK_MAX_ATTEMPTS] = maxAttempts;
  if (enqueuedAt !== undefined) started[ATTR.TASK_ENQUEUED_AT] = enqueuedAt / 1000;
  if (scheduledAt !== undefined) started[ATTR.TASK_SCHEDULED_AT] = scheduledAt / 1000;
  if (label !== undefined) started[ATTR.TASK_LABEL] = label;
  return started;
}
