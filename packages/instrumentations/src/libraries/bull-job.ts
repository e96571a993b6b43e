import type { Classified, RunEnding, RunFacts } from '../base/facts.ts';
import type { LibraryKit } from '../base/library-kit.ts';
import { nextIteration, slotsEvery } from './bull-iterations.ts';
import { readMetadata } from './telemetry-metadata.ts';
import { noteThrown } from './thrown-error.ts';

/** What is read of a job of Bull. */
export interface BullJob {
  readonly id?: string | number | undefined;
  readonly name?: string;
  readonly queue?: { readonly name?: string };
  readonly timestamp?: number;
  /** How often it ended. */
  readonly attemptsMade?: number;
  readonly finishedOn?: number | null;
  /** `job.discard()` was called: no further attempt. */
  readonly _discarded?: boolean;
  readonly opts?: {
    readonly attempts?: number;
    readonly delay?: number;
    readonly backoff?: number | { readonly type?: string };
    readonly repeat?: { readonly cron?: string; readonly every?: number };
    readonly prevMillis?: number;
    readonly telemetry?: { readonly metadata?: string };
  };
}

/** How often a job stalled: the library stores it, and gives the job without it. */
const stalls = new WeakMap<object, number>();

const KNOWN_BACKOFFS: ReadonlySet<string | undefined> = new Set([undefined, 'fixed', 'exponential']);

/** Remembers what a job was made of. */
export function noteStored(job: unknown, stored: unknown): void {
  const { stalledCounter } = (stored ?? {}) as { readonly stalledCounter?: unknown };
  const count = Number(stalledCounter ?? 0);
  if (count > 0 && typeof job === 'object' && job !== null) stalls.set(job, count);
}

/** How often it stalled so far. */
function stallsOf(job: BullJob): number {
  return stalls.get(job) ?? 0;
}

/** How often it ended or stalled so far: what a start of it adds one to. */
export function startsBefore(job: BullJob): number {
  return (job.attemptsMade ?? 0) + stallsOf(job);
}

/** A run of a job that is about to begin. */
export function describeProcessing(job: BullJob, kit: LibraryKit): RunFacts {
  const facts = describeJob(job, kit, startsBefore(job) + 1);
  if (facts.scheduledAt !== undefined && facts.attempt === 1)
    countMissedSlots(Number(facts.scheduledAt), job, { facts, kit });
  // Into the same object: a spread of it costs as much as the rest of describing.
  facts.classify = (end) => classifyEnding(end, job);
  return facts;
}

/**
 * The slots between that of a job, which is started for the first time, and that of the iteration which the library made
 * when it fetched the job: nobody will run them. Those of cron patterns are not known.
 */
function countMissedSlots(
  slot: number,
  { opts }: BullJob,
  of: { readonly facts: RunFacts; readonly kit: LibraryKit },
): void {
  const until = nextIteration(opts)?.slot;
  const { every } = opts?.repeat ?? {};
  if (every === undefined || until === undefined) return;
  for (const at of slotsEvery(every, slot, until)) of.kit.missed(of.facts, 'missed', at);
}

/** Facts to which a start adds how its ending is to be understood. */
type JobFacts = Omit<RunFacts, 'classify'> & { readonly id: string; classify: RunFacts['classify'] };

/** One start of a job, the first being 1. */
export function describeJob(job: BullJob, kit: LibraryKit, started: number): JobFacts {
  const { id, name, timestamp, opts = {} } = job;
  const queue = job.queue?.name ?? '';
  const attempt = (job.attemptsMade ?? 0) + 1;
  const { repeat, prevMillis } = opts;
  const first = started === 1;
  return {
    operation: kit.names.choose(name, queue),
    job,
    trigger: repeat === undefined ? 'queue' : 'schedule',
    id: `${queue}.${id}.${started}`,
    jobId: id === undefined ? undefined : String(id),
    queue,
    attempt,
    maxAttempts: attemptsAllowed(job),
    // What passes before a start that follows a stall is no wait for a worker.
    enqueuedAt: first && timestamp !== undefined ? timestamp + (opts.delay ?? 0) : undefined,
    scheduledAt: repeat !== undefined && (first || attempt > 1) ? prevMillis : undefined,
    schedule: repeat?.cron ?? (repeat?.every === undefined ? undefined : `every ${repeat.every} ms`),
    // All iterations of a schedule carry what its template was made with, and that enqueued none of them.
    carrier: repeat === undefined ? readMetadata(opts.telemetry?.metadata) : undefined,
    classify: undefined,
  };
}

function attemptsAllowed({ opts }: BullJob): number {
  return Math.max(1, opts?.attempts ?? 1);
}

function classifyEnding(end: RunEnding, job: BullJob): Classified | undefined {
  if (!('error' in end)) return undefined;
  noteThrown(job, end);
  return { willRetry: willRetry(job) };
}

/** Undefined: only the application's own strategy can tell. */
export function willRetry(job: BullJob): boolean | undefined {
  const { attemptsMade = 0, opts, _discarded } = job;
  if (attemptsMade + 1 >= attemptsAllowed(job) || _discarded === true) return false;
  const { backoff } = opts ?? {};
  return KNOWN_BACKOFFS.has(typeof backoff === 'object' ? backoff.type : undefined) ? true : undefined;
}
