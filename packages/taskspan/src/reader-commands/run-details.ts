/** What a list does not tell of a run: how its process ended, what it took, and where its log lies. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ATTR, EVENT } from '@taskspan/core';
import type { Job, JobLogEntry, JobLogReader } from '@taskspan/joblog';
import { sizeText } from '../size-text.ts';
import { durationText } from './instant-text.ts';
import { MOST_ITEMS } from './request-values.ts';

export interface RunPlace {
  /** The logs folders. */
  readonly logs: readonly string[];
  readonly service?: string | undefined;
}

const EXITED = EVENT.EXITED.slice('task.'.length);
/** What a command printed is passed on before its run ends, but hardly longer than this. */
const DRAIN_MS = 60_000;
const ENDINGS = ['.jsonl', '.jsonl.gz', '.jsonl.zst'];

type Fields = Readonly<Record<string, string>>;

/** Name and value of each that is known. */
export async function runDetails(
  reader: JobLogReader,
  job: Job,
  { logs, service }: RunPlace,
): Promise<readonly (readonly [string, string])[]> {
  const first = job.started_at === null ? {} : await firstFields(reader, job, { since: job.started_at, service });
  const exit = job.ended_at === null ? {} : await exitFields(reader, job, { end: job.ended_at, service });
  const { [ATTR.MEMORY_PEAK]: memory = '', [ATTR.CPU_SECONDS]: cpu = '' } = exit;
  const facts: readonly (readonly [string, string])[] = [
    ['exit', exit[ATTR.EXIT_SIGNAL] ?? exit[ATTR.EXIT_CODE] ?? ''],
    ['memory', Number(memory) > 0 ? `${sizeText(Number(memory))} at most` : ''],
    ['cpu', Number(cpu) > 0 ? durationText(Number(cpu)) : ''],
    ['file', fileOf(first[ATTR.TASK_FILE] ?? exit[ATTR.TASK_FILE] ?? '', logs) ?? ''],
  ];
  return facts.filter(([, value]) => value !== '');
}

async function firstFields(
  reader: JobLogReader,
  { job_id: id, run }: Job,
  { since, service }: { readonly since: string; readonly service: string | undefined },
): Promise<Fields> {
  const since_timestamp = BigInt(Date.parse(since)) * 1_000_000n - 1n;
  const { entries } = await reader.getJobLogs({ job_run_id: id, since_timestamp, service, limit: 10 });
  return entries.map(fieldsOf).find((fields) => fields[ATTR.TASK_RUN] === run) ?? {};
}

async function exitFields(
  reader: JobLogReader,
  { job_id: id, run }: Job,
  { end, service }: { readonly end: string; readonly service: string | undefined },
): Promise<Fields> {
  const since_timestamp = BigInt(Math.max(0, Date.parse(end) - DRAIN_MS)) * 1_000_000n;
  let cursor: string | undefined;
  let exit: Fields = {};
  do {
    const page = await reader.getJobLogs({ job_run_id: id, since_timestamp, service, limit: MOST_ITEMS, cursor });
    for (const { event } of page.entries) {
      // An event of the program that is called so has no category: that is its owner's word.
      const isExit = event?.event_type === EXITED && event.metadata[ATTR.EXIT_CATEGORY] !== undefined;
      if (isExit && event.metadata[ATTR.TASK_RUN] === run) exit = event.metadata;
    }
    cursor = page.next_cursor;
  } while (cursor !== undefined);
  return exit;
}

function fieldsOf({ log, event }: JobLogEntry): Fields {
  return log?.fields ?? event?.metadata ?? {};
}

/** The path of a file that is there; anybody may have written its name. */
function fileOf(name: string, logs: readonly string[]): string | undefined {
  if (!/^\d{4}-\d\d-\d\d\/[^/\\\0]+$/.test(name)) return undefined;
  return logs
    .flatMap((folder) => ENDINGS.map((ending) => join(folder, name + ending)))
    .find((path) => existsSync(path));
}
