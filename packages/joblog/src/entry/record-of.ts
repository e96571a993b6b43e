/** The record of an entry, the opposite of `entryOf`, and what of a record no entry shows. */
import { isDeepStrictEqual } from 'node:util';
import { ATTR, SCOPE } from '@taskspan/core';
import { severityText } from '@taskspan/core/hub';
import type { DecodedAttributes, DecodedRecord } from '../decode.ts';
import { contentOf } from './entry-content.ts';
import { entryOf } from './entry-of.ts';
import type { JobLogEntry } from './job-log-entry.ts';
import { parseNanosText } from './nanos-text.ts';

/**
 * What of a record its entry does not show: who wrote it and in which trace it stands, a severity between the four
 * levels, attributes beside those that a metric or a manifest has, and whether a text was one before.
 */
export interface RecordRest {
  /** Only what differs from the record that the entry alone makes. */
  readonly parts: Partial<Omit<DecodedRecord, 'attributes'>>;
  readonly attributes: DecodedAttributes;
  /** Attributes that the entry alone would make, and that the record does not have. */
  readonly absent: readonly string[];
}

/**
 * The record of an entry. `entryOf` makes the same entry of it again, and `recordOf(entryOf(record), restOf(record))`
 * is the record, whoever wrote it.
 *
 * @param entry where its `timestamp` is no instant, the record is without a time
 * @param rest default: nothing, but the scope of the toolkit
 */
export function recordOf(
  entry: JobLogEntry,
  rest: RecordRest = { parts: {}, attributes: {}, absent: [] },
): DecodedRecord {
  const { severityNumber, eventName, body, attributes } = contentOf(entry);
  const nanos = parseNanosText(entry.timestamp) ?? 0n;
  const all = Object.entries({ ...entryAttributes(entry), ...attributes });
  return {
    resource: { attributes: {}, schemaUrl: '' },
    scope: { name: SCOPE.name, version: SCOPE.version, attributes: {}, schemaUrl: SCOPE.schemaUrl },
    timeUnixNano: nanos,
    observedTimeUnixNano: nanos,
    severityNumber,
    severityText: severityText(severityNumber),
    eventName,
    body,
    droppedAttributesCount: 0,
    flags: 0,
    traceId: '',
    spanId: '',
    ...rest.parts,
    attributes: { ...Object.fromEntries(all.filter(([key]) => !rest.absent.includes(key))), ...rest.attributes },
  };
}

/** What {@link recordOf} needs besides the entry of a record to make the record again. */
export function restOf(record: DecodedRecord): RecordRest {
  const { attributes, ...parts } = record;
  const plain: DecodedRecord = recordOf(entryOf(record));
  const plainParts = new Map(Object.entries(plain));
  const differs = <V>([key, value]: [string, V], others: ReadonlyMap<string, V>): boolean =>
    !others.has(key) || !isDeepStrictEqual(value, others.get(key));
  const plainAttributes = new Map(Object.entries(plain.attributes));
  return {
    parts: Object.fromEntries(Object.entries(parts).filter((part) => differs<unknown>(part, plainParts))),
    attributes: Object.fromEntries(Object.entries(attributes).filter((one) => differs(one, plainAttributes))),
    absent: [...plainAttributes.keys()].filter((key) => !Object.hasOwn(attributes, key)),
  };
}

function entryAttributes({ job_id: id, outputs, sequence_number: sequence }: JobLogEntry): DecodedAttributes {
  return {
    ...(id === '' ? {} : { [ATTR.TASK_ID]: id }),
    ...(outputs.length === 0 ? {} : { [ATTR.TASK_OUTPUTS]: outputs.map(({ str }) => str) }),
    ...(sequence === 0 ? {} : { [ATTR.TASK_SEQUENCE]: sequence }),
  };
}
