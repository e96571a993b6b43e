import { performance } from 'node:perf_hooks';
import { ATTR } from '@taskspan/core';
import { takeDataCarrier } from '../base/data-carrier.ts';
import type { Classified, RunEnding, RunFacts } from '../base/facts.ts';
import type { LibraryKit } from '../base/library-kit.ts';
import type { LibraryCall } from '../base/wrapped-function.ts';

/** A job as the handler gets it. Versions 8 and 9 have no camel case. */
export interface PgBossJob {
  readonly id: string;
  readonly name?: string;
  readonly data?: unknown;
  readonly expireInSeconds?: unknown;
  readonly expire_in_seconds?: unknown;
  /** Since 12.4. */
  readonly signal?: unknown;
}

/** What a handler was registered with. */
export interface Registration {
  readonly queue: string;
  /** The application asked for the metadata of its jobs, so that it sees them. */
  readonly sharesMetadata: boolean;
  /** Its handler tells the end of each job of a batch (12). */
  readonly perJobResults: boolean;
  /** A signal tells that a job's time is over (12; from 12.4 on). */
  readonly hasSignals: boolean;
}

interface Metadata {
  readonly retryCount: number | undefined;
  readonly retryLimit: number | undefined;
  readonly createdOn: number | undefined;
  readonly startAfter: number | undefined;
}

/** What a batch handler says of one job. */
interface JobResult {
  readonly id: string;
  readonly status: 'completed' | 'failed' | 'deadletter';
  readonly output?: unknown;
}

/** Handlers of 8 and 9 see these. */
const PLAIN_BEFORE_10: ReadonlySet<string> = new Set(['id', 'name', 'data', 'expire_in_seconds', 'done']);

/** How much earlier than it was set a timer may fire. */
const TIMER_SLACK_MS = 50;

/** The runs of one call of a handler: one for each job that it was handed. */
export function describeJobs({ args }: LibraryCall, registration: Registration, kit: LibraryKit): readonly RunFacts[] {
  const [given] = args;
  const jobs = (Array.isArray(given) ? given : [given]).filter(isJob);
  watchSignals(jobs, kit);
  if (registration.hasSignals) watchTime(jobs, kit);
  return jobs.map((job): RunFacts => {
    const { queue } = registration;
    const { retryCount, retryLimit, createdOn, startAfter } = takeMetadata(job, registration.sharesMetadata);
    const name = job.name ?? queue;
    const attempt = retryCount === undefined ? undefined : retryCount + 1;
    const isFirst = attempt === 1 && createdOn !== undefined;
    const willRetry = retryCount === undefined || retryLimit === undefined ? undefined : retryCount < retryLimit;
    retries.set(job, willRetry);
    return {
      // A wildcard of versions 8 and 9 takes jobs of many queues.
      operation: kit.names.choose(name, queue),
      job,
      trigger: 'queue',
      id: attempt === undefined ? undefined : `${name}.${job.id}.${attempt}`,
      jobId: job.id,
      queue: name,
      attempt,
      maxAttempts: retryLimit === undefined ? undefined : retryLimit + 1,
      enqueuedAt: isFirst ? Math.max(createdOn, startAfter ?? 0) : undefined,
      carrier: takeDataCarrier(job.data),
      batchSize: jobs.length > 1 ? jobs.length : undefined,
      classify: (end) => classify(end, job, registration),
    };
  });
}

/** Whether a failure of a job that runs is followed by another attempt. */
const retries = new WeakMap<PgBossJob, boolean | undefined>();

/** pg-boss has given up on a job whose handler still runs. */
export function giveUp(job: PgBossJob, reason: 'timeout' | 'aborted', kit: LibraryKit): void {
  const run = kit.runOf(job);
  if (run === undefined || run.isEnded) return;
  const willRetry = retries.get(job);
  if (willRetry !== undefined) run.setOwn(ATTR.TASK_WILL_RETRY, willRetry);
  run.report({ status: reason === 'timeout' ? 'failure' : 'cancelled', errorType: reason });
}

/**
 * A job's signal fires when its time is over, when the worker is shut down or when its claim is lost; also after every
 * end, but that has been heard by then.
 */
function watchSignals(jobs: readonly PgBossJob[], kit: LibraryKit): void {
  const startedMs = performance.now();
  const limitMs = timeOf(jobs);
  const bySignal = new Map<AbortSignal, PgBossJob[]>();
  for (const job of jobs) {
    if (!(job.signal instanceof AbortSignal)) continue;
    const sharing = bySignal.get(job.signal);
    if (sharing === undefined) bySignal.set(job.signal, [job]);
    else sharing.push(job);
  }
  for (const [signal, sharing] of bySignal) {
    const onAbort = (): void => {
      const isLate = performance.now() - startedMs >= limitMs - TIMER_SLACK_MS;
      for (const job of sharing) giveUp(job, isLate ? 'timeout' : 'aborted', kit);
    };
    signal.addEventListener('abort', onAbort, { once: true });
  }
}

/** The longest of a batch counts for all. */
function timeOf(jobs: readonly PgBossJob[]): number {
  return 1000 * Math.max(1, ...jobs.map((job) => Number(job.expireInSeconds ?? 0)));
}

const timers = new WeakMap<PgBossJob, NodeJS.Timeout>();

/** 12.0 to 12.3 give up on a job and tell nobody: there, a timer of ours goes beside theirs. */
function watchTime(jobs: readonly PgBossJob[], kit: LibraryKit): void {
  for (const job of jobs) {
    if (job.signal !== undefined) continue;
    timers.set(job, setTimeout(giveUp, timeOf(jobs), job, 'timeout', kit).unref());
  }
}

/** Reads what only `includeMetadata` gives, and takes it away again where the application did not ask for it. */
function takeMetadata(job: PgBossJob, isShared: boolean): Metadata {
  const row = job as unknown as Record<string, unknown>;
  const metadata: Metadata = {
    retryCount: asNumber(row['retryCount'] ?? row['retrycount']),
    retryLimit: asNumber(row['retryLimit'] ?? row['retrylimit']),
    createdOn: asMs(row['createdOn'] ?? row['createdon']),
    startAfter: asMs(row['startAfter'] ?? row['startafter']),
  };
  if (!isShared) for (const key of metadataKeys(row)) Reflect.deleteProperty(row, key);
  return metadata;
}

/** Since 10, the columns that everybody gets stand first, and the first of the others is `policy`. */
function metadataKeys(row: Readonly<Record<string, unknown>>): string[] {
  const keys = Object.keys(row);
  if ('expire_in_seconds' in row) return keys.filter((key) => !PLAIN_BEFORE_10.has(key));
  const at = keys.indexOf('policy');
  return at < 0 ? [] : keys.slice(at).filter((key) => key !== 'signal');
}

function classify(end: RunEnding, job: PgBossJob, { perJobResults }: Registration): Classified | undefined {
  clearTimeout(timers.get(job));
  const willRetry = retries.get(job);
  if ('error' in end) return { willRetry };
  if (!perJobResults) return undefined;
  const result = resultOf(end.value, job.id);
  if (result?.status === 'completed') return undefined;
  const error = result?.output instanceof Error ? { error: result.output } : {};
  const errorType = 'error' in error ? {} : { errorType: result?.status ?? 'no_result' };
  return { status: 'failure', ...error, ...errorType, willRetry: result?.status === 'deadletter' ? false : willRetry };
}

/** The last word on a job counts. Whatever the handler left out has failed. */
function resultOf(value: unknown, id: string): JobResult | undefined {
  if (!Array.isArray(value)) return undefined;
  return value.findLast((item): item is JobResult => isJobResult(item) && item.id === id);
}

function isJobResult(item: unknown): item is JobResult {
  const status = (item as Partial<JobResult> | undefined | null)?.status;
  return status === 'completed' || status === 'failed' || status === 'deadletter';
}

function isJob(value: unknown): value is PgBossJob {
  return typeof value === 'object' && value !== null && typeof (value as Partial<PgBossJob>).id === 'string';
}

function asNumber(value: unknown): number | undefined {
  const number = value === undefined || value === null ? Number.NaN : Number(value);
  return Number.isFinite(number) ? number : undefined;
}

function asMs(value: unknown): number | undefined {
  return value instanceof Date ? asNumber(value) : typeof value === 'string' ? asNumber(Date.parse(value)) : undefined;
}
