import { type Context, context, type Span, type SpanContext, SpanStatusCode, trace } from '@opentelemetry/api';
import { monoMs } from './clock.ts';
import { errorMessage, errorType } from './error-facts.ts';
import { safely } from './internal/report.ts';
import type { RunInfo } from './internal/state.ts';
import { ATTR, EVENT, SEVERITY } from './names.ts';
import { writeOwnAttribute } from './own-attributes.ts';
import { emitRecord } from './records.ts';
import { currentRun } from './run-context.ts';
import { type Settler, settle } from './settle.ts';
import type { Task } from './task.ts';
import { normaliseText } from './task-options.ts';
import { activeTracer } from './tracer.ts';

interface StepCall<T> {
  readonly name: string;
  /** 0-based position in the run. */
  readonly index: number;
  readonly fn: (task: Task) => T;
}

/** What a step needs of its run. */
interface StepHost extends Task, RunInfo {
  readonly id: string;
  readonly operation: string;
  readonly context: Context;
  /** Writes an error into the run's log, once. */
  emitException(error: unknown, spanContext: SpanContext): void;
}

/** Runs one step of a run as a child span and records how it ended; its error is recorded and rethrown. */
export function runStep<T>(run: StepHost, call: StepCall<T>): T {
  const name = normaliseText('step name', call.name) || `step ${call.index}`;
  const active = context.active();
  // Inside the run, a step belongs to the span that is active there; called from outside, to the task span.
  const parent = currentRun(active) === run ? active : run.context;
  const attributes = { [ATTR.STEP_NAME]: name, [ATTR.STEP_INDEX]: call.index };
  const span = safely('starting a step span', () => activeTracer()?.startSpan(name, { attributes }, parent));
  const end = new StepEnd(run, attributes, span);
  let value: T;
  try {
    value = context.with(span === undefined ? parent : trace.setSpan(parent, span), () => call.fn(run));
  } catch (error) {
    end.threw(error);
    throw error;
  }
  return settle(value, end);
}

class StepEnd implements Settler {
  private readonly run: StepHost;
  private readonly attributes: Readonly<Record<string, string | number>>;
  private readonly span: Span | undefined;
  private readonly spanContext: SpanContext;
  private readonly startMono = monoMs();

  constructor(run: StepHost, attributes: Readonly<Record<string, string | number>>, span: Span | undefined) {
    this.run = run;
    this.attributes = attributes;
    this.span = span;
    this.spanContext = span?.spanContext() ?? run.spanContext;
  }

  returned(): void {
    this.record({ [ATTR.STEP_STATUS]: 'success' }, SEVERITY.info);
    safely('ending a step span', () => this.span?.end());
  }

  threw(error: unknown): void {
    this.run.emitException(error, this.spanContext);
    this.record({ [ATTR.STEP_STATUS]: 'failure', [ATTR.ERROR_TYPE]: errorType(error) }, SEVERITY.error);
    this.span?.setStatus({ code: SpanStatusCode.ERROR, message: errorMessage(error) });
    safely('ending a step span', () => this.span?.end());
  }

  private record(outcome: Readonly<Record<string, string>>, severity: number): void {
    if (this.span !== undefined) for (const key in outcome) writeOwnAttribute(this.span, key, outcome[key] as string);
    emitRecord(this.run, {
      eventName: EVENT.STEP,
      severity,
      spanContext: this.spanContext,
      attributes: { ...this.attributes, ...outcome, [ATTR.STEP_DURATION]: (monoMs() - this.startMono) / 1000 },
    });
  }
}
