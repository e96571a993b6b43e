import type { InstrumentationScope } from '@opentelemetry/core';
import type { Resource } from '@opentelemetry/resources';
import type { ReadableLogRecord } from '@opentelemetry/sdk-logs';
import {
  formatApart,
  holdsObjects,
  logRecordJson,
  logRecordSize,
  type RunRecord,
  runRecordSize,
} from '@taskspan/core/hub';

/** A log record that waits to be sent, as it came: turning it into OTLP is not the task's work. */
export type WaitingLog = WaitingRunRecord | WaitingSdkLog;

/** A record of a run, which no SDK needs to have seen. */
interface WaitingRunRecord {
  readonly record: RunRecord;
}

/** A record of the logs SDK. */
interface WaitingSdkLog {
  readonly log: ReadableLogRecord;
  /** Set when it was formatted as it came. */
  readonly text?: { readonly json: string; readonly isAscii: boolean };
}

/** What one request says. */
export interface LogBatch {
  readonly items: readonly WaitingLog[];
  /** Resource of the records of runs. */
  readonly resource: Resource;
  /** Scope of the records of runs. */
  readonly scope: InstrumentationScope & { readonly attributes?: Readonly<Record<string, string | number | boolean>> };
}

/**
 * A record of the logs SDK as it is now: one that holds objects is formatted at once, since their owner may change them
 * before it is sent. Throws what a getter of the application throws.
 */
export function settledLog(log: ReadableLogRecord): WaitingLog {
  if (!holdsObjects(log)) return { log };
  const { value: json, isAscii } = formatApart(() => logRecordJson(log));
  return { log, text: { json, isAscii } };
}

/** Estimated bytes that it takes while it waits. */
export function waitingLogSize(item: WaitingLog): number {
  if (!('log' in item)) return runRecordSize(item.record);
  return item.text?.json.length ?? logRecordSize(item.log);
}
