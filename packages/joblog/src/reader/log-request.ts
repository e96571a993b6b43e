/** Parameters of requests for logs, checked. Everything here throws {@link BadRequestError}. */
import type { JobLogsRequest } from './job.ts';
import { BadRequestError } from './reader-error.ts';
import { parseCursor, type RecordKey } from './record-key.ts';

const DEFAULT_LIMIT = 1000;
const MAX_LIMIT = 10_000;
const MAX_LEVEL = 3;

/** Which records of a job are wanted. */
export interface LogFilter {
  /** Unix nanoseconds, exclusive. */
  readonly since: bigint;
  /** 0 DEBUG to 3 ERROR. */
  readonly minLevel: number;
  readonly after: RecordKey | undefined;
  readonly service: string | undefined;
}

export const EVERY_RECORD: LogFilter = { since: -1n, minLevel: 0, after: undefined, service: undefined };

export function checkedFilter(request: Omit<JobLogsRequest, 'limit'>): LogFilter {
  const { since_timestamp, min_level = 0, cursor, service } = request;
  if (since_timestamp !== undefined && typeof since_timestamp !== 'bigint')
    throw new BadRequestError('since_timestamp', since_timestamp, 'nanoseconds since the epoch, a bigint');
  if (!isWithin(min_level, 0, MAX_LEVEL))
    throw new BadRequestError('min_level', min_level, `a whole number from 0 to ${MAX_LEVEL}`);
  return {
    since: since_timestamp ?? EVERY_RECORD.since,
    minLevel: min_level,
    after: cursor === undefined ? undefined : parseCursor(cursor),
    service: checkedService(service),
  };
}

export function checkedLimit(limit: number = DEFAULT_LIMIT): number {
  if (!isWithin(limit, 1, MAX_LIMIT))
    throw new BadRequestError('limit', limit, `a whole number from 1 to ${MAX_LIMIT}`);
  return limit;
}

export function checkedJobId(jobId: string): string {
  if (typeof jobId !== 'string') throw new BadRequestError('job_run_id', jobId, 'a text');
  return jobId;
}

export function checkedService(service: string | undefined): string | undefined {
  if (service !== undefined && typeof service !== 'string') throw new BadRequestError('service', service, 'a text');
  return service;
}

function isWithin(value: number, least: number, most: number): boolean {
  return Number.isInteger(value) && value >= least && value <= most;
}
