/** The record of an entry, the opposite of `entryOf`, and what of a record no entry shows. */
import { ATTR, SCOPE } from '@taskspan/core';
import { severityText } from '@taskspan/core/hub';
import type { DecodedAttributes, DecodedRecord } from '../decode.ts';
import { contentOf } from './entry-content.ts';
import type { JobLogEntry } from './job-log-entry.ts';
import { parseNanosText } from './nanos-text.ts';

/**
 * The record of an entry. `entryOf` makes the same entry of it again.
 *
 * @param entry its `timestamp`, where it is no instant, makes a record without a time
 * @param around what stands around the record and is in no entry; by default nothing but the scope of the toolkit
 */
export function recordOf(entry: JobLogEntry, around: Partial<DecodedRecord> = {}): DecodedRecord {
  const content = contentOf(entry);
  const nanos = parseNanosText(entry.timestamp) ?? 0n;
  return {
    resource: { attributes: {}, schemaUrl: '' },
    scope: { name: SCOPE.name, version: SCOPE.version, attributes: {}, schemaUrl: SCOPE.schemaUrl },
    observedTimeUnixNano: nanos,
    droppedAttributesCount: 0,
    flags: 0,
    traceId: '',
    spanId: '',
    ...around,
    timeUnixNano: nanos,
    severityNumber: content.severityNumber,
    severityText: severityText(content.severityNumber),
    eventName: content.eventName,
    body: content.body,
    attributes: { ...entryAttributes(entry), ...content.attributes },
  };
}

function entryAttributes({ job_id: id, outputs, sequence_number: sequence }: JobLogEntry): DecodedAttributes {
  return {
    ...(id === '' ? {} : { [ATTR.TASK_ID]: id }),
    ...(outputs.length === 0 ? {} : { [ATTR.TASK_OUTPUTS]: outputs.map(({ str }) => str) }),
    ...(sequence === 0 ? {} : { [ATTR.TASK_SEQUENCE]: sequence }),
  };
}
