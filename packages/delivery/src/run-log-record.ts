import type { HrTime } from '@opentelemetry/api';
import { isSpanContextValid } from '@opentelemetry/api';
import type { LogAttributes, SeverityNumber } from '@opentelemetry/api-logs';
import type { InstrumentationScope } from '@opentelemetry/core';
import type { Resource } from '@opentelemetry/resources';
import type { ReadableLogRecord } from '@opentelemetry/sdk-logs';
import { ATTR } from '@taskspan/core';
import { type RunRecord, runAttributes, severityText } from '@taskspan/core/hub';

/**
 * A record of a run as the logs SDK would have made it, for the protobuf serializer: the run's own attributes and the
 * fields of its submission, then what the record itself says.
 */
export function runLogRecord(record: RunRecord, resource: Resource, scope: InstrumentationScope): ReadableLogRecord {
  const { run, spanContext, severity } = record;
  const attributes: LogAttributes = {
    ...runAttributes(run),
    [ATTR.TASK_SEQUENCE]: record.sequence,
    ...record.attributes,
  };
  const time = hrTimeOf(record.timeMs);
  const text = severityText(severity);
  return {
    hrTime: time,
    hrTimeObserved: time,
    severityNumber: severity as SeverityNumber,
    resource,
    instrumentationScope: scope,
    attributes,
    droppedAttributesCount: 0,
    ...(text === '' ? {} : { severityText: text }),
    ...(isSpanContextValid(spanContext) ? { spanContext } : {}),
    ...(record.body === undefined ? {} : { body: record.body }),
    ...(record.eventName === undefined ? {} : { eventName: record.eventName }),
  };
}

/** Seconds and nanoseconds of epoch milliseconds with fraction. */
function hrTimeOf(epochMs: number): HrTime {
  const seconds = Math.floor(epochMs / 1000);
  const nanos = Math.round((epochMs - seconds * 1000) * 1e6);
  return nanos >= 1e9 ? [seconds + 1, 0] : [seconds, nanos];
}
