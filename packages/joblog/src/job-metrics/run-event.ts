import { ATTR, EVENT, isTaskStatus, SEVERITY, type TaskStatus } from '@taskspan/core';
import type { DecodedRecord, DecodedValue } from '../decode.ts';
import { ROWS_METRIC } from './job-metric-table.ts';
import { labelValue, operationValue } from './label-value.ts';

/** What a record says to the metrics, besides what it happened to. Times are epoch milliseconds. */
export type RunEventContent =
  | { readonly kind: 'started'; readonly isCountedHere: boolean; readonly waitSeconds: number | undefined }
  | { readonly kind: 'ended'; readonly status: TaskStatus; readonly durationSeconds: number | undefined }
  | { readonly kind: 'rows'; readonly rows: number; readonly sequence: number | undefined }
  /** Of a run that may have told no end. */
  | { readonly kind: 'manifest'; readonly durationSeconds: number | undefined }
  /** A sign of life. */
  | { readonly kind: 'alive' };

/** An event of one run, as far as metrics need it. */
export interface RunEvent {
  /** Tells runs apart. */
  readonly run: string;
  readonly timeMs: number;
  readonly operation: string;
  /** Undefined where the record does not tell. */
  readonly label: string | undefined;
  readonly cpuSeconds: number | undefined;
  readonly memoryBytes: number | undefined;
  readonly content: RunEventContent;
}

/**
 * The event that a record tells; undefined for one that no metric is made of.
 *
 * @param nowMs epoch milliseconds: nothing happens later, or the last of all runs would be one with a clock that is wrong
 */
export function runEvent(record: DecodedRecord, nowMs: number): RunEvent | undefined {
  const { attributes, eventName } = record;
  if (!eventName.startsWith('task.')) return undefined;
  const run = runKey(record);
  const content = run === undefined ? undefined : eventContent(record);
  if (run === undefined || content === undefined) return undefined;
  const label = attributes[ATTR.TASK_LABEL];
  return {
    run,
    timeMs: Math.min(timeMsOf(record), nowMs),
    operation: operationValue(attributes[ATTR.OPERATION]),
    label: typeof label === 'string' ? labelValue(label) : undefined,
    cpuSeconds: measured(attributes[ATTR.CPU_SECONDS]),
    memoryBytes: measured(attributes[ATTR.MEMORY_PEAK]) ?? measured(attributes[ATTR.MEMORY_RSS]),
    content,
  };
}

/** Writers that know no runs have one run per process and id. */
function runKey({ attributes, resource }: DecodedRecord): string | undefined {
  const run = attributes[ATTR.TASK_RUN];
  if (typeof run === 'string' && run !== '') return run;
  const id = attributes[ATTR.TASK_ID];
  if (typeof id !== 'string' || id === '') return undefined;
  return JSON.stringify([id, resource.attributes['service.instance.id'] ?? '']);
}

function eventContent(record: DecodedRecord): RunEventContent | undefined {
  const { attributes, eventName } = record;
  switch (eventName) {
    case EVENT.STARTED:
      return {
        kind: 'started',
        isCountedHere: attributes[ATTR.TASK_METRICS] === 'files',
        waitSeconds: waitSecondsOf(record),
      };
    case EVENT.ENDED:
      return {
        kind: 'ended',
        status: statusOf(record),
        durationSeconds: amount(attributes[ATTR.TASK_DURATION]),
      };
    case EVENT.ORPHANED:
      return { kind: 'ended', status: 'orphaned', durationSeconds: undefined };
    case EVENT.METRIC:
      return attributes[ATTR.METRIC_NAME] === ROWS_METRIC ? rowsOf(record) : { kind: 'alive' };
    case EVENT.MANIFEST:
      return { kind: 'manifest', durationSeconds: manifestSeconds(record) };
    default:
      return { kind: 'alive' };
  }
}

/** The rule for spans that are not ours: what cannot be read is a failure if it says that something went wrong. */
function statusOf({ attributes, severityNumber }: DecodedRecord): TaskStatus {
  const status = attributes[ATTR.TASK_STATUS];
  if (isTaskStatus(status)) return status;
  return severityNumber >= SEVERITY.error ? 'failure' : 'success';
}

/** Undefined for what would make a counter fall, or useless. */
function rowsOf({ attributes }: DecodedRecord): RunEventContent {
  const rows = amount(attributes[ATTR.METRIC_VALUE]);
  if (rows === undefined) return { kind: 'alive' };
  const sequence = attributes[ATTR.TASK_SEQUENCE];
  return { kind: 'rows', rows, sequence: typeof sequence === 'number' && sequence > 0 ? sequence : undefined };
}

function waitSecondsOf(record: DecodedRecord): number | undefined {
  const { attributes } = record;
  const attempt = attributes[ATTR.TASK_ATTEMPT];
  if (attempt !== undefined && attempt !== 1) return undefined;
  const since = amount(attributes[ATTR.TASK_SCHEDULED_AT]) ?? amount(attributes[ATTR.TASK_ENQUEUED_AT]);
  return since === undefined ? undefined : Math.max(0, timeMsOf(record) / 1000 - since);
}

function manifestSeconds({ attributes }: DecodedRecord): number | undefined {
  const start = amount(attributes[ATTR.MANIFEST_START]);
  const end = amount(attributes[ATTR.MANIFEST_END]);
  return start === undefined || end === undefined || end < start ? undefined : end - start;
}

/** A number that is not negative, and not so large that what is added to it is lost. */
function amount(value: DecodedValue | undefined): number | undefined {
  return typeof value === 'number' && value >= 0 && value <= Number.MAX_SAFE_INTEGER ? value : undefined;
}

/** What says 0 has measured nothing. */
function measured(value: DecodedValue | undefined): number | undefined {
  return amount(value) || undefined;
}

function timeMsOf({ timeUnixNano, observedTimeUnixNano }: DecodedRecord): number {
  return Number(timeUnixNano === 0n ? observedTimeUnixNano : timeUnixNano) / 1e6;
}
