/** Names of the fields that requests have: a field of another name is a mistake, not a wish that may be ignored. */
import type { JobLogsRequest, JobsRequest, TailRequest } from './job.ts';
import { BadRequestError } from './reader-error.ts';
import type { JobSearchRequest } from './search.ts';

type Fields<T> = Readonly<Record<keyof T, true>>;

const PAGE = { limit: true, cursor: true, service: true } as const;
const DAYS = { from: true, to: true } as const;
const OF_LOG = { job_run_id: true, since_timestamp: true, min_level: true, cursor: true, service: true } as const;

export const JOBS_FIELDS: Fields<JobsRequest> = {
  ...DAYS,
  operation: true,
  status: true,
  label: true,
  query: true,
  ...PAGE,
};
export const SEARCH_FIELDS: Fields<JobSearchRequest> = { needle: true, ...DAYS, ...PAGE };
export const LOGS_FIELDS: Fields<JobLogsRequest> = { ...OF_LOG, limit: true };
export const TAIL_FIELDS: Fields<TailRequest> = { ...OF_LOG, signal: true };

/** @throws BadRequestError for a field that requests of this kind do not have */
export function checkFields<T extends object>(request: T, fields: Fields<T>): void {
  for (const [name, value] of Object.entries(request)) {
    if (value === undefined || Object.hasOwn(fields, name)) continue;
    throw new BadRequestError(name, value, `left out: what can be asked for is ${Object.keys(fields).join(', ')}`);
  }
}
