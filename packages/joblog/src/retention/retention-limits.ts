/** How much of the job logs is kept; whichever limit is reached first. `Infinity` is no limit. */
export interface RetentionLimits {
  /** UTC days, today included. */
  readonly days: number;
  readonly bytes: number;
  readonly files: number;
}

const NO_LIMIT = Number.POSITIVE_INFINITY;

/** Keeps everything. */
export const UNLIMITED: RetentionLimits = { days: NO_LIMIT, bytes: NO_LIMIT, files: NO_LIMIT };

/** What was written to within this time is never touched: somebody may have it open. */
export const RECENT_MS: number = 2 * 3_600_000;

/** A run whose last line is older is open no longer, whatever it says. */
export const OPEN_MS: number = 24 * 3_600_000;
