import { BadRequestError, type JobLogReader, UnknownJobError } from '@taskspan/joblog';
import { MOST_ITEMS } from './request-values.ts';

/** A shorter beginning may mean a run today and another one tomorrow. */
const MIN_PREFIX = 8;

export interface RunIdScope {
  readonly service?: string | undefined;
}

/**
 * The id that is meant: this one, or the only one that begins so; 8 characters of it must be there.
 *
 * @throws UnknownJobError when there is none, BadRequestError when there are several
 */
export async function fullRunId(reader: JobLogReader, id: string, { service }: RunIdScope = {}): Promise<string> {
  try {
    return (await reader.getJob(id, { service })).job_id;
  } catch (error) {
    if (!(error instanceof UnknownJobError) || id.length < MIN_PREFIX) throw error;
    const found = await onlyIdFrom(reader, id, service);
    if (found === undefined) throw error;
    return found;
  }
}

async function onlyIdFrom(reader: JobLogReader, id: string, service: string | undefined): Promise<string | undefined> {
  let found: string | undefined;
  let cursor: string | undefined;
  do {
    const page = await reader.listJobs({ service, limit: MOST_ITEMS, cursor });
    for (const { job_id: other } of page.jobs) {
      if (!other.startsWith(id) || other === found) continue;
      if (found !== undefined) {
        throw new BadRequestError(
          'job_run_id',
          id,
          `that of one run, or a beginning of one id alone (${other}, ${found})`,
        );
      }
      found = other;
    }
    cursor = page.next_cursor;
  } while (cursor !== undefined);
  return found;
}
