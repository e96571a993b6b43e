import { performance } from 'node:perf_hooks';

/**
 * Wall clock with sub-millisecond steps: Date.now() alone would give many records of a run the same time. The fraction
 * comes from the monotonic clock and follows the wall clock when that is set.
 */
let anchorWall = Date.now();
let anchorMono = performance.now();

/** Epoch milliseconds, with fraction; within 1 ms of `Date.now()`. */
export function wallMs(): number {
  return wallAt(performance.now());
}

/** The wall clock at a monotonic reading taken just now: saves the second reading. */
export function wallAt(mono: number): number {
  const wall = Date.now();
  const estimate = anchorWall + (mono - anchorMono);
  if (estimate >= wall && estimate < wall + 1) return estimate;
  if (estimate < wall && wall - estimate < 1) return wall;
  anchorWall = wall;
  // Not `mono`: the process may have been off the processor since that was read.
  anchorMono = performance.now();
  return wall;
}

/** Monotonic milliseconds, for durations. */
export function monoMs(): number {
  return performance.now();
}
