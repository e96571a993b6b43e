/**
 * The way of a run into the processes and threads that it starts, through their environment:
 * https://opentelemetry.io/docs/specs/otel/context/env-carriers/
 */
import { type Context, context, ROOT_CONTEXT, type SpanContext } from '@opentelemetry/api';
import { extractCarrier, injectCarrier } from './carrier.ts';
import { currentRun } from './run-context.ts';

/** What tells a child of the run that started it; undefined: a variable that is not to be there. */
export interface RunEnvironment {
  readonly TRACEPARENT: string | undefined;
  readonly TRACESTATE: string | undefined;
  readonly TASKSPAN_TASK_ID: string | undefined;
}

/** The variables for whatever an open run starts. Undefined outside any run, and after its end. */
export function runEnvironment(from: Context = context.active()): RunEnvironment | undefined {
  const run = currentRun(from);
  if (run === undefined || run.status !== undefined) return undefined;
  const { traceparent, tracestate } = injectCarrier(from);
  return {
    TRACEPARENT: traceparent,
    TRACESTATE: traceparent === undefined || tracestate === '' ? undefined : tracestate,
    // The environment holds no NUL: with one in it, the child could not be started at all.
    TASKSPAN_TASK_ID: run.id.includes('\0') ? undefined : run.id,
  };
}

/** The span that an environment names, or undefined. A `TRACEPARENT` that is none is reported. */
export function spanOfEnvironment(env: Readonly<Record<string, string | undefined>>): SpanContext | undefined {
  const { TRACEPARENT: traceparent, TRACESTATE: tracestate } = env;
  if (traceparent === undefined || traceparent === '') return undefined;
  return extractCarrier({ traceparent, ...(tracestate && { tracestate }) }, ROOT_CONTEXT).enqueuer;
}

/** The run that an environment names; `run` is its `task.run`, where that is known. */
export function runOfEnvironment(
  env: Readonly<Record<string, string | undefined>>,
): { readonly id: string; readonly run: string | undefined } | undefined {
  const { TASKSPAN_TASK_ID: id, TASKSPAN_TASK_RUN: run, TRACEPARENT: traceparent = '' } = env;
  if (id === undefined || id === '') return undefined;
  // A run below the one that `taskspan run` began hands on its own span, and not that name: then it is of another run.
  return { id, run: run !== undefined && traceparent.split('-')[2] === run ? run : undefined };
}

let starterOf: { readonly run: ReturnType<typeof runOfEnvironment> } | undefined;

/** The run in which this process (or worker thread) was started, as its environment said when it was first asked for. */
export function starterRun(): ReturnType<typeof runOfEnvironment> {
  starterOf ??= { run: runOfEnvironment(process.env) };
  return starterOf.run;
}

let starter: { readonly span: SpanContext | undefined } | undefined;

/**
 * The span in which this process (or worker thread) was started, as its environment said when it was first asked for. It
 * stands for the enqueuer of a run that has no other, and is never a parent: a service may outlive by far what started it.
 */
export function starterSpan(): SpanContext | undefined {
  starter ??= { span: spanOfEnvironment(process.env) };
  return starter.span;
}
