import type { SpanKind } from '@opentelemetry/api';
import type { CallerLogger } from './caller-logger.ts';
import type { Carrier } from './carrier.ts';
import type { LogLevel } from './names.ts';
import type { AcceptableErrors, OutcomeOf } from './outcome.ts';
import type { ClaimableStatus } from './status.ts';

/** A point in time: a Date or epoch milliseconds. */
export type Instant = Date | number;

/** What is known of a run when it is submitted. Every bad value is reported once and replaced: none reaches the work. */
export interface TaskOptions {
  /** Id of this run, unique per attempt; default: a new UUIDv7. */
  readonly id?: string | undefined;
  /** Attributes of the task span and of `task.started`; `repository`, `request_id` and `user` stand on every record of the run. */
  readonly attributes?: Readonly<Record<string, unknown>> | undefined;
  /** `SpanKind.INTERNAL` (default), or `SpanKind.CONSUMER` for work taken from a queue. */
  readonly kind?: SpanKind | undefined;
  /** 1-based number of the attempt. */
  readonly attempt?: number | undefined;
  readonly maxAttempts?: number | undefined;
  /** After it (strictly) a success counts as `expired`. Nothing is aborted. 0 means none. */
  readonly deadline?: Instant | undefined;
  /** Tells why the work stopped: an abort that the work follows makes the run `cancelled`. The work itself must listen to it. */
  readonly signal?: AbortSignal | undefined;
  /** When the work was put into its queue; gives the wait of a first attempt. */
  readonly enqueuedAt?: Instant | undefined;
  /** When the work was due; goes before `enqueuedAt` for the wait. */
  readonly scheduledAt?: Instant | undefined;
  /** References to what the run produces. */
  readonly outputs?: readonly string[] | undefined;
  /** A label for people; never a metric label. */
  readonly label?: string | undefined;
  /** Gets one line at the start and one at the end. */
  readonly logger?: CallerLogger | undefined;
  /** W3C context of the enqueuer, as `task.inject()` gave it. */
  readonly carrier?: Carrier | undefined;
  /**
   * How the task span relates to its enqueuer (the carrier's span, else the active one): `link` (default) starts a new
   * trace linked to it, `child` continues its trace. `root` is for schedulers, whose timers only seem to belong to
   * whoever created them: an empty context and no link.
   */
  readonly relation?: 'link' | 'child' | 'root' | undefined;
  /** Errors that reach the caller while the run counts as a success. */
  readonly acceptableErrors?: AcceptableErrors | undefined;
  /** For libraries that report an outcome instead of throwing: decides alone when it returns one. */
  readonly outcome?: OutcomeOf | undefined;
}

/** How a run is ended by hand. An error other than null or undefined makes it a failure, even `''`. */
export interface TaskEnd {
  readonly error?: unknown;
  readonly status?: ClaimableStatus | undefined;
}

export interface MetricOptions {
  readonly unit?: string | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
}

/** One run, in the hands of its work. No method throws because of its arguments. */
export interface Task {
  readonly id: string;
  readonly operation: string;
  /** The caller's signal, else one that never aborts. */
  readonly signal: AbortSignal;
  /** Calls `fn` inside the run's context, returns what it returns and rethrows what it throws; ends nothing. */
  run<T>(fn: (task: Task) => T): T;
  /** Runs one step as a child span; its failure is recorded and rethrown, and does not end the run by itself. */
  step<T>(name: string, fn: (task: Task) => T): T;
  /** Share done, 0 to 1 (clamped); at most 10 events a second are kept, the last one always. */
  progress(share: number, message?: string): void;
  /** One line in the run's log. */
  log(level: LogLevel, message: string, attributes?: Readonly<Record<string, unknown>>): void;
  /** Sets an attribute of the task span; `operation` and `task.*` are refused. */
  setAttribute(key: string, value: unknown): void;
  /** Adds a reference to what the run produces. */
  addOutput(output: string): void;
  /** One metric point in the run's log. */
  metric(name: string, value: number, options?: MetricOptions): void;
  /** The run's W3C context, for job data or the environment of a child. */
  inject(): Carrier;
  /** Ends the run; only the first call counts. */
  end(end?: TaskEnd): void;
}

/** One part of a run, in order. */
export interface TaskStep<T = unknown> {
  readonly name: string;
  readonly run: (task: Task) => T;
}

/**
 * What a caller keeps of a task (a row, a document). `error` and `deadline` are read when the run ends, never before.
 * Field names follow the task record that the stateless functions were designed for.
 */
export interface TaskRecord {
  readonly id?: string | undefined;
  readonly operation?: string | undefined;
  readonly error?: unknown;
  readonly deadline?: Instant | undefined;
  readonly done?: boolean | undefined;
  readonly repository?: string | undefined;
  readonly request_id?: string | undefined;
  readonly user?: string | undefined;
  readonly label?: string | undefined;
  readonly attempt?: number | undefined;
  /** When the lost run began, for `recordOrphanedTask`. */
  readonly startedAt?: Instant | undefined;
  readonly attributes?: Readonly<Record<string, unknown>> | undefined;
}
