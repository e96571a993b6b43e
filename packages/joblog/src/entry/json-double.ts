import type { JsonDouble } from './job-log-entry.ts';

/** A double as JSON can say it. */
export function jsonDouble(value: number): JsonDouble {
  if (Number.isFinite(value)) return value;
  if (Number.isNaN(value)) return 'NaN';
  return value > 0 ? 'Infinity' : '-Infinity';
}
