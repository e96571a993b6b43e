/**
 * The entry of a job log as command line, REST and other languages see it: the JSON of
 * `taskspan.v1.JobLogEntry` in `proto/taskspan/v1/joblog.proto`, with the names of the proto.
 */

export const LOG_LEVELS = ['DEBUG', 'INFO', 'WARN', 'ERROR'] as const;

/** DEBUG < INFO < WARN < ERROR; their places in {@link LOG_LEVELS} are the numbers of the proto. */
export type JobLogLevel = (typeof LOG_LEVELS)[number];

export interface OutputRef {
  readonly str: string;
}

export interface JobLogMessage {
  readonly level: JobLogLevel;
  readonly message: string;
  readonly fields: Readonly<Record<string, string>>;
}

/** A double beyond JSON is `"NaN"`, `"Infinity"` or `"-Infinity"`, as proto3 JSON has it. */
export type JsonDouble = number | 'NaN' | 'Infinity' | '-Infinity';

export interface JobMetricPoint {
  readonly name: string;
  readonly value: JsonDouble;
  readonly labels: Readonly<Record<string, string>>;
  readonly unit: string;
}

export interface JobEvent {
  /** `started`, `launched`, `heartbeat`, `exited`, `ended`…, or what a program of the run made up. */
  readonly event_type: string;
  readonly job_label: string;
  readonly metadata: Readonly<Record<string, string>>;
}

export interface JobManifest {
  readonly outputs: readonly OutputRef[];
  readonly inputs: readonly OutputRef[];
  /** RFC 3339 with nanoseconds, UTC; empty when not known. */
  readonly start_time: string;
  readonly end_time: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Exactly one of `log`, `metric`, `event`, `manifest` is there. */
export interface JobLogEntry {
  /** RFC 3339 with nanoseconds, UTC: `2026-01-27T10:30:45.000000001Z`. */
  readonly timestamp: string;
  readonly job_id: string;
  readonly outputs: readonly OutputRef[];
  /** From 1; 0 for a record of a writer that does not number. */
  readonly sequence_number: number;
  readonly log?: JobLogMessage;
  readonly metric?: JobMetricPoint;
  readonly event?: JobEvent;
  readonly manifest?: JobManifest;
}
