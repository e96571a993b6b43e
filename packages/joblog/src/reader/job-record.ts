/** A record as a member of a job's log: who wrote it, which number it has, when it was. */
import { ATTR, EVENT } from '@taskspan/core';
import type { DecodedAttributes, DecodedRecord, DecodedResource, DecodedValue } from '../decode.ts';
import { recordNanos } from '../entry/entry-of.ts';
import { LOG_LEVELS } from '../entry/job-log-entry.ts';
import { levelOfSeverity } from '../entry/level.ts';
import type { SegmentRecord } from './log-segment.ts';
import { type RecordWriter, streamKey } from './record-stream.ts';

/** What 64 bits hold. */
const LAST_NANOS = 2n ** 64n - 1n;

/** True for records and spans that say they are of this job. */
export function isOfJob(item: { readonly attributes: DecodedAttributes }, jobId: string): boolean {
  return item.attributes[ATTR.TASK_ID] === jobId;
}

/** `task.run`, or nothing. */
export function runOf({ attributes }: DecodedRecord): string {
  return textOf(attributes[ATTR.TASK_RUN]);
}

export function writerOf(record: DecodedRecord): RecordWriter {
  const resource = record.resource.attributes;
  return {
    instance: textOf(resource['service.instance.id']),
    run: runOf(record),
    service: textOf(resource['service.name']),
    isNumbered: numberOf(record) > 0,
  };
}

let lastResource: DecodedResource | undefined;
let lastRun = '';
let lastIsNumbered = false;
let lastKey = '';

/** Key of the stream of a record. Most records are of the same stream as the one before. */
export function streamKeyOf(record: DecodedRecord): string {
  const run = runOf(record);
  const isNumbered = numberOf(record) > 0;
  if (record.resource !== lastResource || run !== lastRun || isNumbered !== lastIsNumbered) {
    lastKey = streamKey(writerOf(record));
    lastResource = record.resource;
    lastRun = run;
    lastIsNumbered = isNumbered;
  }
  return lastKey;
}

/** `task.sequence`; 0 for a record without one. */
export function numberOf({ attributes }: DecodedRecord): number {
  const value = attributes[ATTR.TASK_SEQUENCE];
  const number = typeof value === 'string' ? Number(value) : value;
  return typeof number === 'number' && Number.isSafeInteger(number) && number > 0 ? number : 0;
}

/** Nanoseconds since the epoch, within 64 bits whatever the writer says. */
export function nanosOf(record: DecodedRecord): bigint {
  const nanos = recordNanos(record);
  return nanos < 0n ? 0n : nanos > LAST_NANOS ? LAST_NANOS : nanos;
}

/** 0 DEBUG to 3 ERROR. */
export function levelOf(record: DecodedRecord): number {
  return LOG_LEVELS.indexOf(levelOfSeverity(record.severityNumber, record.severityText));
}

export function segmentRecordOf(record: DecodedRecord): SegmentRecord {
  return {
    number: numberOf(record),
    nanos: nanosOf(record),
    level: levelOf(record),
    isMetric: record.eventName === EVENT.METRIC,
  };
}

function textOf(value: DecodedValue | undefined): string {
  return typeof value === 'string' ? value : '';
}
