import type { AppenderOptions } from './appender.ts';

/** Appends of one flush, as columns: cheaper to hand to another thread than objects. */
export interface AppendBatch {
  /** 1, 2, 3… */
  readonly sequence: number;
  readonly files: readonly string[];
  readonly texts: readonly string[];
  /** {@link IS_NEW} and {@link IS_LAST} per file. */
  readonly hints: readonly number[];
}

export const IS_NEW = 1;
export const IS_LAST = 2;

/** What both threads see, each a 32-bit integer. */
export const SLOT = {
  /** 1 once the worker takes batches. */
  ready: 0,
  /** Sequence of the last batch that is done. */
  batches: 1,
  /** Appends done of the batch after it. */
  entries: 2,
  /** 1 tells the worker to write nothing more. */
  stop: 3,
  /** Log records and spans that the disk refused, since the start. */
  lostLogs: 4,
  lostSpans: 5,
} as const;

export const SLOTS = 6;

export interface WorkerInput {
  readonly progress: Int32Array;
  readonly options: AppenderOptions;
}
