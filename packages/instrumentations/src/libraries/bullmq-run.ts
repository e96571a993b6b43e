import { context, type SpanContext, trace } from '@opentelemetry/api';
import { readSafely } from '@taskspan/core/hub';
import type { Classified, RunEnding, RunFacts } from '../base/facts.ts';
import type { LibraryKit } from '../base/library-kit.ts';
import {
  attemptOf,
  attemptsAllowed,
  type BullMQJob,
  type BullMQWorker,
  isRepeated,
  isRetryKnown,
  scheduleText,
  slotOf,
  startId,
  timesStarted,
} from './bullmq-job.ts';
import { countMissedSlots } from './bullmq-slots.ts';
import { readMetadata } from './telemetry-metadata.ts';
import { noteThrown } from './thrown-error.ts';

/** Errors that only tell the library what to do with the job, by name, as it looks for them itself. */
const CONTROL_FLOW: ReadonlySet<unknown> = new Set(['DelayedError', 'WaitingError', 'WaitingChildrenError']);

const RATE_LIMITED = 'bullmq:rateLimitExceeded';

/** Facts to which one start adds what only its worker knows. */
type AddedByWorker = 'links' | 'signal' | 'classify';
type JobFacts = Omit<RunFacts, AddedByWorker> & { readonly id: string } & {
  -readonly [Key in AddedByWorker]: RunFacts[Key];
};

/** `callProcessJob(job, token, signal)` of a worker. */
export function describeProcessing(worker: BullMQWorker, args: readonly unknown[], kit: LibraryKit): RunFacts {
  const job = args[0] as BullMQJob;
  const facts = describeJob(job, kit, timesStarted(job));
  const { scheduledAt } = facts;
  if (scheduledAt !== undefined && facts.attempt === 1) countMissedSlots(Number(scheduledAt), job, { facts, kit });
  // Written into the same object: a spread of it with more keys cost a third of a run and more.
  // With telemetry of its own, its span is active here.
  facts.links = worker.opts?.telemetry === undefined ? undefined : activeSpan();
  facts.signal = args[2] as AbortSignal | undefined;
  facts.classify = (end) => classifyEnding(end, job, worker);
  return facts;
}

/** One start of a job, the first being 1. */
export function describeJob(job: BullMQJob, kit: LibraryKit, started: number): JobFacts {
  const { opts = {}, id, queueName = '', timestamp, stalledCounter = 0 } = job;
  const attempt = attemptOf(job);
  const repeated = isRepeated(job);
  // What passes before a start that follows a stall, a delay or a wait for children is no wait for a worker.
  const first = started === 1 && stalledCounter === 0;
  return {
    operation: kit.names.choose(job.name, queueName),
    job,
    trigger: repeated ? 'schedule' : 'queue',
    id: startId(job, started),
    jobId: id,
    queue: queueName,
    attempt,
    maxAttempts: attemptsAllowed(job),
    enqueuedAt: first && timestamp !== undefined ? timestamp + (opts.delay ?? 0) : undefined,
    scheduledAt: repeated && (first || attempt > 1) ? slotOf(job) : undefined,
    schedule: repeated ? scheduleText(opts.repeat) : undefined,
    // All iterations of a schedule carry what its template was made with, and that enqueued none of them.
    carrier: repeated ? undefined : readMetadata(opts.telemetry?.metadata ?? opts.tm),
    links: undefined,
    signal: undefined,
    classify: undefined,
  };
}

function activeSpan(): SpanContext[] | undefined {
  const active = trace.getSpanContext(context.active());
  return active === undefined ? undefined : [active];
}

function classifyEnding(end: RunEnding, job: BullMQJob, worker: BullMQWorker): Classified | undefined {
  if (!('error' in end)) return undefined;
  noteThrown(job, end);
  const name = readSafely(end.error, 'name');
  if (readSafely(end.error, 'message') === RATE_LIMITED || CONTROL_FLOW.has(name)) return { status: 'deferred' };
  return { willRetry: name === 'UnrecoverableError' ? false : willRetry(job, worker) };
}

/** Undefined: only the application's own strategy can tell. */
function willRetry(job: BullMQJob, { opts }: BullMQWorker): boolean | undefined {
  if (attemptOf(job) >= attemptsAllowed(job)) return false;
  const { maxStartedAttempts } = opts ?? {};
  if (maxStartedAttempts !== undefined && maxStartedAttempts <= timesStarted(job)) return false;
  return isRetryKnown(job) ? true : undefined;
}
