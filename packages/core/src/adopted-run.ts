/**
 * Runs that an instrumentation of somebody else's has begun: its span is the task span. It is begun and ended by its
 * maker; here it gets what every run has, the records of its log included.
 */
import {
  type Attributes,
  type HrTime,
  type Span,
  type SpanContext,
  type SpanStatus,
  SpanStatusCode,
} from '@opentelemetry/api';
import type { AnyValue } from '@opentelemetry/api-logs';
import { errorMessage, errorType } from './error-facts.ts';
import { safely } from './internal/report.ts';
import { type OpenRun, type RunInfo, state } from './internal/state.ts';
import { ATTR, EVENT, SEVERITY } from './names.ts';
import { type Outcome, SUCCESS } from './outcome.ts';
import { writeOwnAttribute } from './own-attributes.ts';
import { emitRecord } from './records.ts';
import { publishRun } from './run-channel.ts';
import { NO_DETAILS, type OwnAttributes } from './run-details.ts';
import { endContent } from './run-records.ts';
import { isTaskStatus, type TaskStatus } from './status.ts';
import { nameFile } from './task-file.ts';
import { normaliseTaskId, uuidv7 } from './task-id.ts';

/** The SDK's span as far as it is read. */
export interface AdoptableSpan extends Span {
  readonly attributes: Attributes;
  readonly startTime: HrTime;
  readonly endTime: HrTime;
  readonly duration: HrTime;
  readonly status: SpanStatus;
  readonly events: readonly { readonly name: string; readonly attributes?: Attributes }[];
}

/** What is said of a span when it is adopted. */
export interface Adoption {
  /** Never empty. */
  readonly operation: string;
  /** Attributes in the namespace of the toolkit, such as `task.library`. */
  readonly own: OwnAttributes;
  /**
   * The span in whose context the work is done, where that is not the adopted one: a batch is worked on in the span that
   * received it. It leads to the first run that claims it.
   */
  readonly workedOnIn?: Span | undefined;
}

/** What a span says about an error that was recorded on it. */
const EXCEPTION_EVENT = 'exception';
/** `error.type` where nothing is known of the error, as OpenTelemetry has it. */
const OTHER_ERROR = '_OTHER';

/**
 * Makes a run of a span that has just started. Again for the same span: the same run. The span gets `operation`,
 * `task.id` and `task.file`, and whatever is made in its context belongs to the run.
 */
export function adoptSpan(span: AdoptableSpan, adoption: Adoption): RunInfo {
  const known = adoptedRun(span);
  if (known !== undefined) return known;
  const run = new AdoptedRun(span, adoption);
  state.adopted ??= new WeakMap();
  state.adopted.set(span, run);
  const { workedOnIn } = adoption;
  if (workedOnIn !== undefined && !state.adopted.has(workedOnIn)) {
    state.adopted.set(workedOnIn, run);
    run.stamp(workedOnIn);
  }
  run.open();
  return run;
}

/**
 * Ends the run of an adopted span that has ended, as the span says; again: no effect.
 *
 * @returns the run, or undefined for a span that is not the task span of an adopted run
 */
export function endAdoptedSpan(span: object): RunInfo | undefined {
  const run = adoptedRun(span);
  run?.end();
  return run;
}

/** Not that of a descendant, which leads to the same run. */
function adoptedRun(span: object): AdoptedRun | undefined {
  const run = state.adopted?.get(span);
  return run instanceof AdoptedRun && run.span === span ? run : undefined;
}

class AdoptedRun implements RunInfo, OpenRun {
  readonly id: string;
  readonly operation: string;
  readonly file: string;
  readonly startTimeMs: number;
  readonly attempt = undefined;
  readonly waitSeconds = undefined;
  readonly fields = undefined;
  readonly orphan = false;
  status: TaskStatus | undefined = undefined;
  errorType: string | undefined = undefined;
  durationSeconds: number | undefined = undefined;
  readonly span: AdoptableSpan;
  private readonly own: OwnAttributes;
  private sequence = 0;
  /** How the process ended it, while its maker has not. */
  private closed: Outcome | undefined = undefined;

  constructor(span: AdoptableSpan, { operation, own }: Adoption) {
    this.span = span;
    this.own = own;
    this.operation = operation;
    this.startTimeMs = milliseconds(span.startTime);
    const given = span.attributes[ATTR.TASK_ID];
    const id = typeof given === 'string' && given !== '' ? normaliseTaskId(given) : undefined;
    this.id = id ?? uuidv7(this.startTimeMs);
    this.file = nameFile(this.id, this.startTimeMs, id === undefined);
  }

  get info(): RunInfo {
    return this;
  }

  get spanContext(): SpanContext {
    return this.span.spanContext();
  }

  get runId(): string {
    return this.spanContext.spanId;
  }

  nextSequence(): number {
    this.sequence += 1;
    return this.sequence;
  }

  open(): void {
    // What the span says of itself so far: the destination, and where in it the message lies.
    const attributes: Record<string, AnyValue> = { ...(this.span.attributes as Record<string, AnyValue>), ...this.own };
    for (const key of [ATTR.OPERATION, ATTR.TASK_ID, ATTR.TASK_FILE]) delete attributes[key];
    this.writeOwn();
    state.openRuns.add(this);
    emitRecord(this, { eventName: EVENT.STARTED, severity: SEVERITY.info, attributes, timeMs: this.startTimeMs });
    publishRun('start', this);
  }

  /** Leads a span to this run. */
  stamp(span: Span): void {
    writeOwnAttribute(span, ATTR.TASK_ID, this.id);
    writeOwnAttribute(span, ATTR.TASK_FILE, this.file);
  }

  end(): void {
    if (this.status !== undefined) return;
    const { span } = this;
    const outcome = this.closed ?? outcomeOf(span);
    this.status = outcome.status;
    this.errorType = outcome.errorType;
    this.durationSeconds = span.duration[0] + span.duration[1] / 1e9;
    for (const attributes of exceptionsOf(span, outcome)) {
      const message = attributes[ATTR.EXCEPTION_MESSAGE];
      const body = typeof message === 'string' ? message : undefined;
      emitRecord(this, { eventName: EVENT.EXCEPTION, severity: SEVERITY.error, body, attributes });
    }
    const { durationSeconds } = this;
    const ended = { details: NO_DETAILS, outputs: undefined, ownAtEnd: undefined, durationSeconds };
    emitRecord(this, { ...endContent(ended, outcome), timeMs: milliseconds(span.endTime) });
    // The span has ended, so that only its own object takes what is still to be said.
    this.writeOwn();
    writeOwnAttribute(span, ATTR.TASK_STATUS, outcome.status);
    if (outcome.errorType !== undefined) writeOwnAttribute(span, ATTR.ERROR_TYPE, outcome.errorType);
    state.openRuns.delete(this);
    publishRun('end', this);
  }

  close(end: Parameters<OpenRun['close']>[0]): void {
    if (this.status !== undefined) return;
    if ('error' in end) {
      this.closed = { status: 'failure', errorType: errorType(end.error), failure: end, attributes: undefined };
      this.span.setStatus({ code: SpanStatusCode.ERROR, message: errorMessage(end.error) });
    } else {
      this.closed = { status: end.status, errorType: end.errorType, failure: undefined, attributes: undefined };
    }
    safely('ending an adopted span', () => this.span.end());
    // Where no span processor of ours has heard of it.
    this.end();
  }

  private writeOwn(): void {
    writeOwnAttribute(this.span, ATTR.OPERATION, this.operation);
    this.stamp(this.span);
    for (const key in this.own) writeOwnAttribute(this.span, key, this.own[key] as string | number);
  }
}

/** A status that its maker claims, else that of the span. */
function outcomeOf({ attributes, events, status }: AdoptableSpan): Outcome {
  const claimed = attributes[ATTR.TASK_STATUS];
  const known = isTaskStatus(claimed) && claimed !== 'orphaned' ? claimed : undefined;
  const word = known ?? (status.code === SpanStatusCode.ERROR ? 'failure' : 'success');
  const type = attributes[ATTR.ERROR_TYPE];
  const named = typeof type === 'string' && type !== '' ? type : undefined;
  if (word === 'success' && named === undefined) return SUCCESS;
  const recorded = events.findLast((event) => event.name === EXCEPTION_EVENT)?.attributes?.[ATTR.EXCEPTION_TYPE];
  const fallback = typeof recorded === 'string' && recorded !== '' ? recorded : OTHER_ERROR;
  const found = named ?? (word === 'failure' ? fallback : undefined);
  return { status: word, errorType: found, failure: undefined, attributes: undefined };
}

/** The errors recorded on the span; else, for a failure, what its status says. */
function exceptionsOf(span: AdoptableSpan, outcome: Outcome): Record<string, AnyValue>[] {
  const recorded = span.events.filter((event) => event.name === EXCEPTION_EVENT);
  if (recorded.length > 0) return recorded.map((event) => ({ ...(event.attributes as Record<string, AnyValue>) }));
  const { message } = span.status;
  if (outcome.status !== 'failure' || message === undefined || message === '') return [];
  return [{ [ATTR.EXCEPTION_TYPE]: outcome.errorType, [ATTR.EXCEPTION_MESSAGE]: message }];
}

/** Epoch milliseconds, with fraction. */
function milliseconds([seconds, nanos]: HrTime): number {
  return seconds * 1e3 + nanos / 1e6;
}
