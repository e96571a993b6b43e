import type { SpanContext } from '@opentelemetry/api';
import type { EnqueueFacts, LibraryOutcome } from '@taskspan/core/hub';

/** A point in time as libraries have it: a Date or epoch milliseconds. */
type Instant = Date | number;

/** What a library says of one run that it is about to begin, in our words. */
export interface RunFacts {
  /** Bounded name of the work, unless the application names its runs itself. */
  readonly operation: string;
  /**
   * The library's own object of the job: handed to the application's `operation` function, and the key by which
   * `kit.runOf` finds the run again while it is open and afterwards.
   */
  readonly job?: unknown;
  /** `queue`: taken from a queue; `schedule`: a clock began it; `manual`: somebody called for it. */
  readonly trigger: 'queue' | 'schedule' | 'manual';
  /** Id of this attempt, the same in every process that tells it; default: a new one. */
  readonly id?: string | undefined;
  /** The library's own id of the job, the same on every attempt. */
  readonly jobId?: string | undefined;
  /** Queue (`messaging.destination.name`); makes the span a CONSUMER of `messaging.operation.type=process`. */
  readonly queue?: string | undefined;
  /** 1-based. */
  readonly attempt?: number | undefined;
  readonly maxAttempts?: number | undefined;
  /** When it was put into the queue, or became due there after a delay that was asked for. */
  readonly enqueuedAt?: Instant | undefined;
  /** The slot of the schedule. */
  readonly scheduledAt?: Instant | undefined;
  /** The schedule as the library has it. */
  readonly schedule?: string | undefined;
  /** W3C context of the enqueuer. Anything that is no object with a `traceparent` is left alone. */
  readonly carrier?: unknown;
  /** Further spans to link. */
  readonly links?: readonly SpanContext[] | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly label?: string | undefined;
  readonly batchSize?: number | undefined;
  /** Any further attributes of the span and of `task.started`. */
  readonly attributes?: Readonly<Record<string, unknown>> | undefined;
  /**
   * How an ending is to be understood, where the library means more than returned and thrown. Undefined: the usual
   * rules (a throw is a failure, all else a success).
   */
  readonly classify?: ((end: RunEnding) => Classified | undefined) | undefined;
}

/** How the library's call settled. */
export type RunEnding = { readonly error: unknown } | { readonly value: unknown };

export interface Classified extends Partial<Omit<LibraryOutcome, 'thrown'>> {
  /** Undefined: the usual rules. */
  readonly status?: LibraryOutcome['status'];
  /** Whether the library will try this job again. */
  readonly willRetry?: boolean | undefined;
  /** What failed, where the library holds it back; default: what was thrown. */
  readonly error?: unknown;
}

/** One call that works on one job, or on several together. */
export type Described = RunFacts | readonly RunFacts[] | undefined;

/** A call that enqueues, in our words. */
export interface EnqueueCall extends EnqueueFacts {
  /**
   * The arguments with the carrier in the library's slot; absent where the library has none. Never changes what the
   * caller handed in: a copy on the way.
   */
  readonly inject?: (carrier: Readonly<Record<string, string>>) => readonly unknown[];
  /** The library's id of the job, out of what the call gave. */
  readonly messageId?: (result: unknown) => string | undefined;
}
