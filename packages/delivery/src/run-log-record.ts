import type { HrTime } from '@opentelemetry/api';
import { isSpanContextValid } from '@opentelemetry/api';
import type { LogAttributes, SeverityNumber } from '@opentelemetry/api-logs';
import type { InstrumentationScope } from '@opentelemetry/core';
import type { Resource } from '@opentelemetry/resources';
import type { ReadableLogRecord } from '@opentelemetry/sdk-logs';
import { ATTR } from '@taskspan/core';
import type { RunRecord } from '@taskspan/core/hub';

const SEVERITY_TEXTS = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'];

/**
 * A record of a run as the logs SDK would have made it: the run's own attributes, then the fields of its submission,
 * then what the record itself says.
 */
export function runLogRecord(record: RunRecord, resource: Resource, scope: InstrumentationScope): ReadableLogRecord {
  const { run, spanContext, severity } = record;
  const attributes: LogAttributes = {
    [ATTR.TASK_ID]: run.id,
    [ATTR.OPERATION]: run.operation,
    [ATTR.TASK_SEQUENCE]: record.sequence,
    [ATTR.TASK_FILE]: run.file,
    [ATTR.TASK_RUN]: run.runId,
    ...run.fields,
    ...record.attributes,
  };
  const time = hrTimeOf(record.timeMs);
  const severityText = SEVERITY_TEXTS[Math.floor((severity - 1) / 4)];
  return {
    hrTime: time,
    hrTimeObserved: time,
    severityNumber: severity as SeverityNumber,
    resource,
    instrumentationScope: scope,
    attributes,
    droppedAttributesCount: 0,
    ...(severityText === undefined ? {} : { severityText }),
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
