import { type Context, context, SpanStatusCode, trace } from '@opentelemetry/api';
import { monoMs } from './clock.ts';
import { errorFacts, errorType } from './error-facts.ts';
import { safely } from './internal/report.ts';
import type { RunInfo } from './internal/state.ts';
import { ATTR, EVENT, SEVERITY } from './names.ts';
import { emitRecord } from './records.ts';
import { type Settled, settle } from './settle.ts';
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
}

/** Runs one step of a run as a child span and records how it ended; its error is recorded and rethrown. */
export function runStep<T>(run: StepHost, call: StepCall<T>): T {
  const name = normaliseText('step name', call.name) || `step ${call.index}`;
  const active = context.active();
  const parent = trace.getSpanContext(active)?.traceId === run.spanContext.traceId ? active : run.context;
  const attributes = { [ATTR.STEP_NAME]: name, [ATTR.STEP_INDEX]: call.index };
  const span = safely('starting a step span', () => activeTracer()?.startSpan(name, { attributes }, parent));
  const spanContext = span?.spanContext() ?? run.spanContext;
  const stepContext = span === undefined ? parent : trace.setSpan(parent, span);
  const startMono = monoMs();
  return settle(() => context.with(stepContext, () => call.fn(run)), end);

  function end(settled: Settled<unknown>): void {
    const failed = 'error' in settled;
    const status = failed ? 'failure' : 'success';
    const errorTypeAttribute = failed ? { [ATTR.ERROR_TYPE]: errorType(settled.error) } : {};
    emitRecord(run, {
      eventName: EVENT.STEP,
      severity: failed ? SEVERITY.error : SEVERITY.info,
      spanContext,
      attributes: {
        ...attributes,
        [ATTR.STEP_STATUS]: status,
        [ATTR.STEP_DURATION]: (monoMs() - startMono) / 1000,
        ...errorTypeAttribute,
      },
    });
    if (span === undefined) return;
    span.setAttributes({ [ATTR.STEP_STATUS]: status, ...errorTypeAttribute });
    if (failed) span.setStatus({ code: SpanStatusCode.ERROR, message: errorFacts(settled.error).message });
    safely('ending a step span', () => span.end());
  }
}
