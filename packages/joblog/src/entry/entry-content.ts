/**
 * What an entry says, as the part of a record that says it: event name, severity, body and attributes. The run, the
 * time and the number stand around it.
 */
import {
  ATTR,
  EVENT,
  type EventName,
  MANIFEST_METADATA_PREFIX,
  METRIC_LABEL_PREFIX,
  SEVERITY,
  type TaskStatus,
} from '@taskspan/core';
import { type EntryValue, typedAttribute } from './attribute-text.ts';
import { attributeKey, type FieldOwner, toldField } from './field-key.ts';
import type { JobEvent, JobLogEntry, JobLogMessage, JobManifest, JobMetricPoint, OutputRef } from './job-log-entry.ts';
import { severityOfLevel } from './level.ts';
import { nanosSeconds, parseNanosText } from './nanos-text.ts';

/** Exactly one of the four is there. */
export type EntryContent = Pick<JobLogEntry, 'log' | 'metric' | 'event' | 'manifest'>;

type EntryAttributes = Readonly<Record<string, EntryValue>>;

/** The part of a record that an entry's content decides. */
export interface ContentOfRecord {
  /** Empty for a plain log line. */
  readonly eventName: string;
  readonly severityNumber: number;
  /** Null where the record has none. */
  readonly body: string | null;
  readonly attributes: EntryAttributes;
}

/** Key of a log line's fields under which the event name of somebody else's record stands. */
export const EVENT_NAME_FIELD = 'event.name';

/** Key of an event's metadata under which the text of its record stands. */
export const MESSAGE_FIELD = 'message';

/** Key of a manifest's metadata under which the label stands. */
export const LABEL_FIELD = 'job_label';

/**
 * The record of a content. Of what the owner of a run tells, `entryOf` makes the same content again; a program of the
 * run cannot say what is the owner's to say. An entry without any content is an empty log line.
 */
export function contentOf(entry: EntryContent, teller: Teller = 'owner'): ContentOfRecord {
  if (entry.metric !== undefined) return metricContent(entry.metric);
  if (entry.event !== undefined) return eventContent(entry.event, teller);
  if (entry.manifest !== undefined) return manifestContent(entry.manifest);
  return logContent(entry.log ?? { level: 'INFO', message: '', fields: {} }, teller);
}

export type Teller = 'owner' | 'program';

function logContent(log: JobLogMessage, teller: Teller): ContentOfRecord {
  const { level, message } = log;
  const fields = fieldsToldBy(teller, log.fields);
  const { [EVENT_NAME_FIELD]: eventName = '', ...others } = fields;
  const isNamed = isForeignEvent(eventName);
  return {
    eventName: isNamed ? eventName : '',
    severityNumber: severityOfLevel(level),
    body: message,
    attributes: attributesOf('log', isNamed ? others : fields),
  };
}

/** True for the event name of a record that is a log line all the same: an exception, or what others call an event. */
export function isForeignEvent(eventName: string): boolean {
  return eventName !== '' && !eventName.startsWith(EVENT_PREFIX);
}

/** Of every event name of a run. */
export const EVENT_PREFIX = 'task.';

function metricContent({ name, value, unit, labels }: JobMetricPoint): ContentOfRecord {
  return {
    eventName: EVENT.METRIC,
    severityNumber: SEVERITY.info,
    body: null,
    attributes: {
      [ATTR.METRIC_NAME]: name,
      [ATTR.METRIC_VALUE]: Number(value),
      ...(unit === '' ? {} : { [ATTR.METRIC_UNIT]: unit }),
      ...prefixed(METRIC_LABEL_PREFIX, labels),
    },
  };
}

/** Events that the toolkit itself tells, by their type; a type of anybody else's making stands in an attribute. */
const OWN_EVENTS: ReadonlyMap<string, EventName> = new Map(
  [
    EVENT.STARTED,
    EVENT.STEP,
    EVENT.PROGRESS,
    EVENT.LAUNCHED,
    EVENT.LAUNCH_FAILED,
    EVENT.HEARTBEAT,
    EVENT.EXITED,
    EVENT.ENDED,
    EVENT.ORPHANED,
  ].map((name) => [name.slice(EVENT_PREFIX.length), name]),
);

function eventContent(event: JobEvent, teller: Teller): ContentOfRecord {
  const { event_type: type, job_label: label } = event;
  const metadata = fieldsToldBy(teller, event.metadata);
  const own = teller === 'owner' ? OWN_EVENTS.get(type) : undefined;
  const { [MESSAGE_FIELD]: message = null, ...others } = metadata;
  return {
    eventName: own ?? EVENT.CUSTOM,
    severityNumber: own === undefined ? SEVERITY.info : eventSeverity(own, metadata),
    body: message,
    attributes: {
      ...attributesOf(own === undefined ? 'customEvent' : 'ownEvent', others),
      ...(own === undefined ? { [ATTR.EVENT_TYPE]: type } : {}),
      ...(label === '' ? {} : { [ATTR.TASK_LABEL]: label }),
    },
  };
}

const END_SEVERITY: Readonly<Record<TaskStatus, number>> = {
  success: SEVERITY.info,
  failure: SEVERITY.error,
  expired: SEVERITY.warn,
  cancelled: SEVERITY.warn,
  deferred: SEVERITY.info,
  orphaned: SEVERITY.warn,
};

/** As the toolkit itself gives it to its events. */
function eventSeverity(name: EventName, metadata: Readonly<Record<string, string>>): number {
  const status = metadata[name === EVENT.STEP ? ATTR.STEP_STATUS : ATTR.TASK_STATUS] ?? '';
  switch (name) {
    case EVENT.ENDED:
    case EVENT.STEP:
      return Object.entries(END_SEVERITY).find(([word]) => word === status)?.[1] ?? SEVERITY.info;
    case EVENT.ORPHANED:
    case EVENT.LAUNCH_FAILED:
      return SEVERITY.warn;
    case EVENT.EXITED:
      return metadata[ATTR.EXIT_CODE] === '0' ? SEVERITY.info : SEVERITY.warn;
    default:
      return SEVERITY.info;
  }
}

function manifestContent(manifest: JobManifest): ContentOfRecord {
  const { [LABEL_FIELD]: label, ...others } = manifest.metadata;
  return {
    eventName: EVENT.MANIFEST,
    severityNumber: SEVERITY.info,
    body: null,
    attributes: {
      [ATTR.MANIFEST_OUTPUTS]: texts(manifest.outputs),
      [ATTR.MANIFEST_INPUTS]: texts(manifest.inputs),
      ...instant(ATTR.MANIFEST_START, manifest.start_time),
      ...instant(ATTR.MANIFEST_END, manifest.end_time),
      ...prefixed(MANIFEST_METADATA_PREFIX, others),
      ...(label === undefined ? {} : { [ATTR.TASK_LABEL]: label }),
    },
  };
}

function instant(key: string, text: string): EntryAttributes {
  const nanos = parseNanosText(text);
  return nanos === undefined ? {} : { [key]: nanosSeconds(nanos) };
}

function fieldsToldBy(teller: Teller, fields: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  if (teller === 'owner') return fields;
  return Object.fromEntries(Object.entries(fields).map(([field, text]) => [toldField(field), text]));
}

function attributesOf(owner: FieldOwner, fields: Readonly<Record<string, string>>): EntryAttributes {
  return Object.fromEntries(
    Object.entries(fields).map(([field, text]): [string, EntryValue] => {
      const key = attributeKey(owner, field);
      return [key, typedAttribute(key, text)];
    }),
  );
}

function prefixed(prefix: string, values: Readonly<Record<string, string>>): EntryAttributes {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [prefix + key, value]));
}

function texts(refs: readonly OutputRef[]): string[] {
  return refs.map(({ str }) => str);
}
