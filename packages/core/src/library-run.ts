import type { Context, SpanContext } from '@opentelemetry/api';
import type { LibraryOutcome } from './outcome.ts';
import type { OwnAttributes } from './run-details.ts';
import type { Settler } from './settle.ts';
import type { Task, TaskOptions } from './task.ts';

/** What an instrumentation knows of a run that a job library begins. */
export interface LibraryRunOptions extends TaskOptions {
  /** Attributes in the namespace of the toolkit, such as `task.job.id`. */
  readonly own?: OwnAttributes | undefined;
  /** Spans to link beside the enqueuer's. */
  readonly links?: readonly SpanContext[] | undefined;
}

/** One run of a job library, in the hands of its instrumentation. Whatever ends it first counts. */
export interface LibraryRun extends Task, Settler {
  readonly isEnded: boolean;
  /** What its work is to run in. */
  readonly context: Context;
  /** Sets an attribute in the namespace of the toolkit, on the span and on `task.ended`. */
  setOwn(key: string, value: string | number | boolean): void;
  /** Ends the run as the library says. */
  report(outcome: LibraryOutcome): void;
}
