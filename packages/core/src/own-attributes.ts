import { type Attributes, type Span, type SpanStatus, SpanStatusCode } from '@opentelemetry/api';
import type { AnyValue } from '@opentelemetry/api-logs';
import { errorMessage } from './error-facts.ts';
import type { Outcome } from './outcome.ts';
import type { OwnAttributes, RunDetails } from './run-details.ts';

/** What a run says of itself on its span. */
interface OwnSource {
  readonly id: string;
  readonly operation: string;
  readonly file: string;
  readonly details: RunDetails;
  readonly outputs: readonly string[] | undefined;
  /** What an instrumentation found out before the end. */
  readonly ownAtEnd: OwnAttributes | undefined;
}

/** Writes the attributes of the toolkit that are known when the span has started. */
export function writeStartAttributes(span: Span, run: OwnSource): void {
  const attributes = attributesOf(span);
  if (attributes !== undefined) write(attributes, run);
  else span.setAttributes(ownAttributes(run, undefined));
}

/** Writes them all before the span ends: they can be neither overwritten nor pushed out by attribute limits. */
export function writeEndAttributes(span: Span, run: OwnSource, outcome: Outcome): void {
  const attributes = attributesOf(span);
  if (attributes === undefined) {
    span.setAttributes(ownAttributes(run, outcome));
    return;
  }
  write(attributes, run);
  attributes['task.status'] = outcome.status;
  if (outcome.errorType !== undefined) attributes['error.type'] = outcome.errorType;
  if (run.outputs !== undefined) attributes['task.outputs'] = [...run.outputs];
}

/**
 * Name and status of a task span are those of the table of outcomes, whatever the work has said of its active span. The
 * SDK lets nothing follow an OK, and nothing undo an ERROR, so both are written to its fields.
 */
export function setOutcomeStatus(span: Span, operation: string, outcome: Outcome): void {
  const known = span as Partial<{ name: string; status: SpanStatus }>;
  if (known.name !== undefined && known.name !== operation) span.updateName(operation);
  if (outcome.status === 'failure' || outcome.status === 'orphaned') {
    const message = outcome.failure === undefined ? outcome.errorType : errorMessage(outcome.failure.error);
    const status = { code: SpanStatusCode.ERROR, ...(message === undefined ? {} : { message }) };
    span.setStatus(status);
    if (known.status !== undefined && known.status.code !== SpanStatusCode.ERROR) known.status = status;
  } else if (known.status !== undefined && known.status.code !== SpanStatusCode.UNSET) {
    known.status = { code: SpanStatusCode.UNSET };
  }
}

/** Keys stand here as literals, which is twice as quick as through a table. */
function write(attributes: Record<string, unknown>, run: OwnSource): void {
  const { details } = run;
  if (attributes['operation'] !== run.operation) attributes['operation'] = run.operation;
  if (attributes['task.id'] !== run.id) attributes['task.id'] = run.id;
  if (attributes['task.file'] !== run.file) attributes['task.file'] = run.file;
  if (details.attempt !== undefined) attributes['task.attempt'] = details.attempt;
  if (details.maxAttempts !== undefined) attributes['task.max_attempts'] = details.maxAttempts;
  if (details.label !== undefined) attributes['task.label'] = details.label;
  if (details.own !== undefined) Object.assign(attributes, details.own);
  if (run.ownAtEnd !== undefined) Object.assign(attributes, run.ownAtEnd);
}

/** For spans of another make, which keep their attributes to themselves. */
function ownAttributes(run: OwnSource, outcome: Outcome | undefined): Attributes {
  const attributes: Attributes = {};
  write(attributes, run);
  if (outcome !== undefined) attributes['task.status'] = outcome.status;
  if (outcome?.errorType !== undefined) attributes['error.type'] = outcome.errorType;
  if (run.outputs !== undefined) attributes['task.outputs'] = [...run.outputs];
  return attributes;
}

/** Writes one attribute of the toolkit past all limits, where the span lets us. */
export function writeOwnAttribute(span: Span, key: string, value: string | number): void {
  const attributes = attributesOf(span);
  if (attributes === undefined) span.setAttribute(key, value);
  else attributes[key] = value;
}

/** The SDK's span keeps its attributes in a plain object; writing there is exempt from limits, and quicker. */
function attributesOf(span: Span): Record<string, unknown> | undefined {
  return (span as { attributes?: Record<string, unknown> }).attributes;
}

/** Sets an attribute that was normalised before: arrays are of one type, nothing is null. */
export function setSpanAttribute(span: Span, key: string, value: AnyValue): void {
  span.setAttribute(key, value as string | number | boolean | string[]);
}
