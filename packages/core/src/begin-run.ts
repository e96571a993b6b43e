import {
  type Context,
  context,
  INVALID_SPAN_CONTEXT,
  isSpanContextValid,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  type SpanOptions,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import type { AnyValue } from '@opentelemetry/api-logs';
import { extractCarrier } from './carrier.ts';
import { wallMs } from './clock.ts';
import { currentRun, withRun } from './context.ts';
import { IdleTask } from './idle-task.ts';
import { describeValue, reportOnce, safely } from './internal/report.ts';
import { state } from './internal/state.ts';
import { ATTR } from './names.ts';
import type { AcceptableErrors } from './outcome.ts';

import { runsAreWatched } from './run-channel.ts';
import type { TaskOptions } from './task.ts';
import { taskFile } from './task-file.ts';
import { normaliseTaskId } from './task-id.ts';
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
  submissionFields,
} from './task-options.ts';
import { type RunParts, setSpanAttribute, TaskRun } from './task-run.ts';
import { activeTracer, recordsAreKept } from './tracer.ts';

/** What only the stateless functions give beside the options. */
export interface BeginExtras {
  readonly readAtEnd?: RunParts['readAtEnd'];
  readonly orphan?: boolean;
  /** `task.file` of a run that is known already. */
  readonly file?: string | undefined;
}

const RELATIONS = ['link', 'child', 'root'] as const;
const NO_OPTIONS: TaskOptions = {};

/** Begins a run: the only place where a task span starts. Never throws. */
export function beginRun(
  operation: unknown,
  options: TaskOptions | undefined,
  extras?: BeginExtras,
): TaskRun | IdleTask {
  const tracer = activeTracer();
  const name = normaliseOperation(operation);
  if (tracer === undefined && !isObserved(options)) return new IdleTask(name, options ?? undefined);
  const given = checkOptions(options);
  const active = context.active();
  const attributes = normaliseAttributes('attributes', given.attributes);
  const run = new TaskRun(runParts(name, { given, attributes, active, extras }));
  const origin = originOf(given, active);
  const span = startSpan(run, { tracer, origin, kind: normaliseKind(given.kind) });
  if (span.isRecording()) run.writeStartAttributes(span);
  run.open(span, trace.setSpan(withRun(origin.base, run), span), startedAttributes(given, attributes, span));
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

interface PartsInput {
  readonly given: TaskOptions;
  readonly attributes: Readonly<Record<string, AnyValue>> | undefined;
  readonly active: Context;
  readonly extras: BeginExtras | undefined;
}

function runParts(operation: string, input: PartsInput): RunParts {
  const { given, extras } = input;
  const startTimeMs = wallMs();
  const id = normaliseTaskId(given.id, startTimeMs);
  const attempt = normaliseCount('attempt', given.attempt);
  return {
    id,
    operation,
    file:
      extras?.file ??
      safely('naming a run file', () => state.fileNamer?.(id, startTimeMs)) ??
      taskFile(id, startTimeMs),
    startTimeMs,
    attempt,
    maxAttempts: normaliseCount('maxAttempts', given.maxAttempts),
    waitSeconds: attempt === undefined || attempt === 1 ? waitSeconds(given, startTimeMs) : undefined,
    fields: submissionFields(input.attributes, currentRun(input.active)?.fields),
    label: normaliseText('label', given.label),
    outputs: normaliseOutputs(given.outputs),
    logger: given.logger,
    rules: {
      signal: normaliseSignal(given.signal),
      deadlineMs: normaliseInstant('deadline', given.deadline),
      acceptableErrors: checkAcceptable(given.acceptableErrors),
      outcome: normaliseFunction('outcome', given.outcome),
    },
    readAtEnd: extras?.readAtEnd,
    orphan: extras?.orphan ?? false,
  };
}

function checkAcceptable(value: AcceptableErrors | undefined): AcceptableErrors | undefined {
  if (value === undefined || typeof value === 'function' || Array.isArray(value)) return value;
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
      base = trace.setSpanContext(found.context, found.enqueuer);
    }
  }
  const valid = enqueuer !== undefined && isSpanContextValid(enqueuer) ? enqueuer : undefined;
  return { base, child: relation === 'child', enqueuer: valid };
}

interface SpanInput {
  readonly tracer: Tracer | undefined;
  readonly origin: Origin;
  readonly kind: SpanOptions['kind'];
}

function startSpan(run: TaskRun, input: SpanInput): Span {
  const { tracer, origin } = input;
  if (tracer === undefined) return trace.wrapSpanContext(INVALID_SPAN_CONTEXT);
  const options: SpanOptions = { attributes: { [ATTR.OPERATION]: run.operation } };
  if (input.kind !== undefined) options.kind = input.kind;
  if (!origin.child && origin.enqueuer !== undefined) {
    options.root = true;
    options.links = [{ context: origin.enqueuer }];
  }
  const outer = state.starting;
  state.starting = run;
  const span = safely('starting a task span', () => tracer.startSpan(run.operation, options, origin.base));
  state.starting = outer;
  if (span === undefined) return trace.wrapSpanContext(INVALID_SPAN_CONTEXT);
  return span;
}

/** What `task.started` says, and the caller's attributes on the span: the toolkit's own come first, out of reach of limits. */
function startedAttributes(
  given: TaskOptions,
  attributes: Readonly<Record<string, AnyValue>> | undefined,
  span: Span,
): Readonly<Record<string, AnyValue>> | undefined {
  if (attributes !== undefined) for (const key in attributes) setSpanAttribute(span, key, attributes[key]);
  if (given === NO_OPTIONS) return undefined;
  const started: Record<string, AnyValue> = { ...attributes };
  const attempt = normaliseCount('attempt', given.attempt);
  const enqueuedAt = normaliseInstant('enqueuedAt', given.enqueuedAt);
  const scheduledAt = normaliseInstant('scheduledAt', given.scheduledAt);
  const label = normaliseText('label', given.label);
  if (attempt !== undefined) started[ATTR.TASK_ATTEMPT] = attempt;
  if (enqueuedAt !== undefined) started[ATTR.TASK_ENQUEUED_AT] = enqueuedAt / 1000;
  if (scheduledAt !== undefined) started[ATTR.TASK_SCHEDULED_AT] = scheduledAt / 1000;
  if (label !== undefined) started[ATTR.TASK_LABEL] = label;
  return started;
}
