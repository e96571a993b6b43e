import type { SpanContext } from '@opentelemetry/api';
import type { AnyValue } from '@opentelemetry/api-logs';
import { readSafely } from './error-facts.ts';
import { exceptionAttributes } from './exception-attributes.ts';
import { describeValue, reportOnce } from './internal/report.ts';
import { ATTR, EVENT, METRIC_LABEL_PREFIX, SEVERITY } from './names.ts';
import type { Outcome } from './outcome.ts';
import type { RecordContent } from './records.ts';
import type { OwnAttributes, RunDetails } from './run-details.ts';
import type { TaskStatus } from './status.ts';
import type { MetricOptions } from './task.ts';
import { normaliseAttributes, normaliseText } from './task-options.ts';

const END_SEVERITY: Readonly<Record<TaskStatus, number>> = {
  success: SEVERITY.info,
  failure: SEVERITY.error,
  expired: SEVERITY.warn,
  cancelled: SEVERITY.warn,
  deferred: SEVERITY.info,
  orphaned: SEVERITY.warn,
};

/** `exception`: an error of the work. */
export function exceptionContent(error: unknown, spanContext: SpanContext | undefined): RecordContent {
  const attributes = exceptionAttributes(error);
  const body = String(attributes[ATTR.EXCEPTION_MESSAGE]);
  return { eventName: EVENT.EXCEPTION, severity: SEVERITY.error, body, spanContext, attributes };
}

interface EndedRun {
  readonly details: RunDetails;
  readonly outputs: readonly string[] | undefined;
  /** Seconds. */
  readonly durationSeconds: number | undefined;
  readonly ownAtEnd: OwnAttributes | undefined;
}

/** `task.ended`, or `task.orphaned` for the report of a lost run, which has no duration. */
export function endContent(run: EndedRun, outcome: Outcome): RecordContent {
  const { details, outputs, durationSeconds, ownAtEnd } = run;
  // What the outcome option says first: it cannot replace what was found.
  const attributes: Record<string, AnyValue> = normaliseAttributes('outcome attributes', outcome.attributes) ?? {};
  attributes[ATTR.TASK_STATUS] = outcome.status;
  if (!details.orphan) attributes[ATTR.TASK_DURATION] = durationSeconds;
  if (outcome.errorType !== undefined) attributes[ATTR.ERROR_TYPE] = outcome.errorType;
  if (details.label !== undefined) attributes[ATTR.TASK_LABEL] = details.label;
  if (outputs !== undefined) attributes[ATTR.TASK_OUTPUTS] = [...outputs];
  if (ownAtEnd !== undefined) Object.assign(attributes, ownAtEnd);
  return {
    eventName: details.orphan ? EVENT.ORPHANED : EVENT.ENDED,
    severity: END_SEVERITY[outcome.status],
    attributes,
  };
}

/** `task.metric`; undefined (reported) for a point without a name or a number. */
export function metricContent(
  name: unknown,
  value: unknown,
  options: MetricOptions | undefined,
): RecordContent | undefined {
  if (typeof name !== 'string' || name === '' || typeof value !== 'number') {
    reportOnce(
      'metric',
      `metric needs a name and a number, got ${describeValue(name)}, ${describeValue(value)}; it is ignored`,
    );
    return undefined;
  }
  const attributes: Record<string, AnyValue> = { [ATTR.METRIC_NAME]: name, [ATTR.METRIC_VALUE]: value };
  const unit = normaliseText('metric unit', readSafely(options, 'unit'));
  if (unit !== undefined) attributes[ATTR.METRIC_UNIT] = unit;
  const labels = normaliseAttributes('metric labels', readSafely(options, 'labels'));
  for (const key in labels) attributes[METRIC_LABEL_PREFIX + key] = String(labels[key]);
  return { eventName: EVENT.METRIC, severity: SEVERITY.info, attributes };
}
