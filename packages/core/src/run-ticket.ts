import { context, INVALID_SPAN_CONTEXT, type SpanContext, trace } from '@opentelemetry/api';
import type { AnyValue } from '@opentelemetry/api-logs';
import { extractCarrier, injectCarrier } from './carrier.ts';
import type { RunInfo } from './internal/state.ts';
import { createRunContext, currentRun } from './run-context.ts';
import type { TaskStatus } from './status.ts';

/** What lets work in another process or thread belong to a run of this one. Plain JSON. */
export interface RunTicket {
  readonly id: string;
  readonly operation: string;
  readonly run: string;
  readonly file: string;
  readonly startTimeMs: number;
  readonly carrier: Readonly<Record<string, string>>;
  readonly fields?: Readonly<Record<string, AnyValue>>;
}

/** A day, and a name that is safe below the logs folder. */
const FILE = /^\d{4}-\d{2}-\d{2}\/[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;

const SPAN_ID = /^[0-9a-f]{16}$/;

/** The ticket of the active run; undefined outside of any. */
export function activeRunTicket(): RunTicket | undefined {
  const run = currentRun();
  if (run === undefined) return undefined;
  const { id, operation, runId, file, startTimeMs, fields } = run;
  return {
    id,
    operation,
    run: runId,
    file,
    startTimeMs,
    carrier: injectCarrier(),
    ...(fields === undefined ? {} : { fields }),
  };
}

/**
 * Lets spans and log lines of `work` belong to a run that another process or thread began, and ends. A value that is no
 * ticket changes nothing.
 */
export function withRunTicket<T>(ticket: unknown, work: () => T): T {
  if (!isTicket(ticket)) return work();
  const active = context.active();
  const { context: base, enqueuer: span = INVALID_SPAN_CONTEXT } = extractCarrier(ticket.carrier, active);
  return context.with(createRunContext(base, new TicketRun(ticket, span), trace.wrapSpanContext(span)), work);
}

function isTicket(value: unknown): value is RunTicket {
  if (typeof value !== 'object' || value === null) return false;
  const { id, operation, run, file, startTimeMs, carrier } = value as Partial<Record<keyof RunTicket, unknown>>;
  return (
    typeof id === 'string' &&
    typeof operation === 'string' &&
    typeof run === 'string' &&
    SPAN_ID.test(run) &&
    typeof file === 'string' &&
    FILE.test(file) &&
    typeof startTimeMs === 'number' &&
    typeof carrier === 'object' &&
    carrier !== null
  );
}

/** The run as it is seen elsewhere: what it is, and nothing of how it ends. Numbers its own records, as every writer does. */
class TicketRun implements RunInfo {
  readonly id: string;
  readonly operation: string;
  readonly runId: string;
  readonly file: string;
  readonly startTimeMs: number;
  readonly spanContext: SpanContext;
  readonly fields: Readonly<Record<string, AnyValue>> | undefined;
  readonly attempt: number | undefined = undefined;
  readonly waitSeconds: number | undefined = undefined;
  readonly orphan: boolean = false;
  readonly status: TaskStatus | undefined = undefined;
  readonly errorType: string | undefined = undefined;
  readonly durationSeconds: number | undefined = undefined;
  #sequence = 0;

  constructor(ticket: RunTicket, spanContext: SpanContext) {
    this.id = ticket.id;
    this.operation = ticket.operation;
    this.runId = ticket.run;
    this.file = ticket.file;
    this.startTimeMs = ticket.startTimeMs;
    this.fields = ticket.fields;
    this.spanContext = spanContext;
  }

  nextSequence(): number {
    this.#sequence += 1;
    return this.#sequence;
  }
}
