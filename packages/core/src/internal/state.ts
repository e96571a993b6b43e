import type { SpanContext, TracerProvider } from '@opentelemetry/api';
import type { AnyValue } from '@opentelemetry/api-logs';
import type { EventName } from '../names.ts';
import type { TaskStatus } from '../status.ts';

/**
 * What the packages must know of a run. One object lives as long as its run; `status`, `errorType` and
 * `durationSeconds` are set just before its span ends, so that a span processor's `onEnd` can read them.
 */
export interface RunInfo {
  /** `task.id`, at most 1024 characters. */
  readonly id: string;
  /** Never empty, at most 256 characters. */
  readonly operation: string;
  /** `task.run`: 16 hex digits, the span id of the task span (random when nothing records spans). */
  readonly runId: string;
  /** Context of the task span; its ids are valid only when a tracer is active. */
  readonly spanContext: SpanContext;
  /** `task.file`: `YYYY-MM-DD/<safe id>`, or the shared file of the hour. Safe to use below the logs folder. */
  readonly file: string;
  /** Epoch milliseconds, with fraction. */
  readonly startTimeMs: number;
  readonly attempt: number | undefined;
  /** Seconds from enqueued (or scheduled) to started, never negative; only on first attempts. */
  readonly waitSeconds: number | undefined;
  /** `repository`, `request_id`, `user` as given at submission: on every record of the run. Undefined if none was given. */
  readonly fields: Readonly<Record<string, AnyValue>> | undefined;
  /** True for the report of a lost run: it moves the total, and nothing else. */
  readonly orphan: boolean;
  readonly status: TaskStatus | undefined;
  readonly errorType: string | undefined;
  readonly durationSeconds: number | undefined;
  /** Next number of `task.sequence`, from 1. Whoever writes a record of this run takes one. */
  nextSequence(): number;
}

/** One record of a run's log before any format: what `core` hands to the sinks. Sinks may keep it; nobody changes it. */
export interface RunRecord {
  readonly run: RunInfo;
  /** The task span's context, or that of the step in which the record was made. */
  readonly spanContext: SpanContext;
  readonly sequence: number;
  /** Epoch milliseconds, with fraction. */
  readonly timeMs: number;
  /** Undefined for a plain log line. */
  readonly eventName: EventName | undefined;
  /** The same as nanoseconds in decimal digits, where it was told as exactly. */
  readonly timeNanos?: string | undefined;
  /** True for a record that is to stand in a line of its own, so that what is written does not depend on what is flushed together. */
  readonly isAlone?: boolean | undefined;
  /** OTel severity number. */
  readonly severity: number;
  readonly body: string | undefined;
  /** What this record says beyond the run's own attributes. */
  readonly attributes: Readonly<Record<string, AnyValue>> | undefined;
}

/**
 * Log lines of a run that came together and differ in nothing but text and number: a loud program prints a million of
 * them in a second. Each is a record, all the same.
 */
export interface RunLines {
  readonly run: RunInfo;
  readonly spanContext: SpanContext;
  /** `task.sequence` of the first line; each further one has the next. */
  readonly firstSequence: number;
  /** At least one; well-formed Unicode. */
  readonly texts: readonly string[];
  /** No text holds what JSON would have to escape. */
  readonly isPlain: boolean;
  readonly isAscii: boolean;
  /** Epoch milliseconds, with fraction. */
  readonly timeMs: number;
  /** {@link RunRecord.isAlone} */
  readonly isAlone: boolean;
  /** OTel severity number. */
  readonly severity: number;
  readonly attributes: Readonly<Record<string, AnyValue>> | undefined;
}

/** Takes every record of every run. Must not throw and must be quick: it runs on the task's path. */
export interface RecordSink {
  (record: RunRecord): void;
  /** Takes records of many lines at once; without it they come one by one. */
  readonly takeLines?: ((lines: RunLines) => void) | undefined;
}

/** A run's start and end as metrics need them, for runs whose span is not recorded by any tracer. */
export interface RunObserver {
  onRunStart(run: RunInfo): void;
  onRunEnd(run: RunInfo): void;
}

/** An open run, as the exit handlers see it. */
export interface OpenRun {
  readonly info: RunInfo;
  /** Ends the run from outside; once ended it stays ended. `error` given: failure; else the status. */
  close(end: { readonly status: 'cancelled'; readonly errorType: string } | { readonly error: unknown }): void;
}

export type DropSignal = 'logs' | 'spans' | 'metrics';
export type DropReason = 'disk' | 'overflow' | 'refused' | 'spool_full';
export const DROP_SIGNALS: readonly DropSignal[] = ['logs', 'spans', 'metrics'];
export const DROP_REASONS: readonly DropReason[] = ['disk', 'overflow', 'refused', 'spool_full'];

/** How the delivery of one signal stands; kept up to date by whoever sends it. */
export interface DeliveryState {
  /** Bytes on disk that wait to be sent. */
  spoolBytes: number;
  /** Epoch milliseconds since when the oldest of them waits; undefined when none does. */
  spoolOldestMs: number | undefined;
  /** Epoch milliseconds of the last request that was accepted; undefined before the first. */
  lastSuccessMs: number | undefined;
}

/** What became of a package of a job library that this process loaded. */
export interface LibrarySighting {
  /** Its name in `TASKSPAN_INSTRUMENTATIONS`. */
  readonly library: string;
  readonly module: string;
  readonly version: string | undefined;
  readonly hooked: boolean;
  /** Why not. */
  readonly reason?: string;
}

export type MissedReason = 'missed' | 'overlap' | 'skipped';
export const MISSED_REASONS: readonly MissedReason[] = ['missed', 'overlap', 'skipped'];

/** What exists once per process, also when two copies of `core` are loaded. */
export interface TaskspanState {
  /** Version of the copy that made this state. */
  readonly version: string;
  /** Who runs the toolkit in this process: at most one, whichever copy of the package it comes from. */
  owner: object | undefined;
  /** Set when this toolkit owns a tracer provider: tasks go through it whoever holds the global slot. */
  tracerProvider: TracerProvider | undefined;
  /**
   * The run whose span is being started right now, read by samplers and span processors in `onStart`. Starting a span
   * is synchronous, so one slot is enough.
   */
  starting: RunInfo | undefined;
  /** Likewise while a task span ends, for `onEnd`. */
  ending: RunInfo | undefined;
  /** Where records of runs go. Empty: they go through the global LoggerProvider of the OTel logs API. */
  readonly sinks: RecordSink[];
  readonly runObservers: RunObserver[];
  readonly openRuns: Set<OpenRun>;
  /**
   * The run to which a span leads whose context does not know of it: task spans of somebody else's make, and their
   * descendants. Undefined until there is one.
   */
  adopted: WeakMap<object, RunInfo> | undefined;
  /** Gives `task.file` to a run that starts; the default is one file per run. */
  fileNamer: ((id: string, startTimeMs: number) => string) | undefined;
  /** True while the caller's logger is called by us: bridges must not capture those lines. */
  loggingToCaller: boolean;
  /** Dropped telemetry by `signal` and `reason`, since the process began. */
  readonly dropped: Map<DropSignal, Map<DropReason, number>>;
  /** Signals that this process exports, with how their delivery stands. */
  readonly delivery: Map<DropSignal, DeliveryState>;
  /**
   * For who can wait instead of losing records to a slow disk: undefined while there is room for more, else what resolves
   * when there is.
   */
  logRoom: (() => Promise<void> | undefined) | undefined;
  /** What the logs folder held when it was last tidied, by whichever process; undefined while not known. */
  logsFolder: { readonly files: number; readonly bytes: number } | undefined;
  /** Missed runs by operation and reason, since the process began. */
  readonly missed: Map<string, Map<MissedReason, number>>;
  /** Ids already reported as orphaned, oldest first. */
  readonly orphans: Set<string>;
  /** Job libraries that this process loaded, by name, module and version. */
  readonly libraries: Map<string, LibrarySighting>;
  /** Problems reported once each. */
  readonly reported: Set<string>;
  /** Where warnings go besides `diag`: register prints them. */
  warn: ((message: string) => void) | undefined;
}

const STATE_KEY: unique symbol = Symbol.for('taskspan.v1');

function createState(): TaskspanState {
  return {
    version: '0.1.0',
    owner: undefined,
    tracerProvider: undefined,
    starting: undefined,
    ending: undefined,
    sinks: [],
    runObservers: [],
    openRuns: new Set(),
    adopted: undefined,
    fileNamer: undefined,
    loggingToCaller: false,
    dropped: new Map(),
    delivery: new Map(),
    logRoom: undefined,
    logsFolder: undefined,
    missed: new Map(),
    orphans: new Set(),
    libraries: new Map(),
    reported: new Set(),
    warn: undefined,
  };
}

function processState(): TaskspanState {
  const slots = globalThis as { [STATE_KEY]?: TaskspanState };
  const existing = slots[STATE_KEY];
  if (existing !== undefined) return existing;
  const created = createState();
  slots[STATE_KEY] = created;
  return created;
}

/** The state of this process, made on first use. */
export const state: TaskspanState = processState();
