import { readSafely } from '@taskspan/core/hub';
import type { Classified, EnqueueCall, RunEnding, RunFacts } from '../base/facts.ts';
import { type Exports, type Library, wholeOf } from '../base/hook.ts';
import { LibraryInstrumentation } from '../base/library-instrumentation.ts';
import type { LibraryCall } from '../base/wrapped-function.ts';
import { readMetadata, withMetadata } from './telemetry-metadata.ts';

const VERSIONS = '>=1.3 <3';

interface BeeQueueJob {
  readonly id?: string | null;
  readonly queue?: { readonly name?: string };
  /** `retrying` also where the older versions tell of a failure. */
  readonly status?: string;
  /** The library's own object, made for this job. */
  options?:
    | {
        readonly timestamp?: number;
        /** Epoch milliseconds, not a duration. */
        readonly delay?: number;
        /** Attempts that are left after this one. */
        readonly retries?: number;
        /** One for each attempt that failed. */
        readonly stacktraces?: readonly unknown[];
        readonly timeout?: number;
        readonly telemetry?: { readonly metadata?: string };
      }
    | undefined;
}

/** How the handler of a job settled: the run hears it only together with what became of storing that. */
const outcomes = new WeakMap<object, { readonly error: unknown }>();

const BEE_QUEUE: Library = {
  name: 'bee-queue',
  patches: [
    {
      module: 'bee-queue',
      versions: VERSIONS,
      hooks: [
        {
          form: 'around',
          on: prototypeOfWhole,
          method: '_runJob',
          around: (call, kit) => {
            const job = call.args[0] as BeeQueueJob;
            // The handler of a job that takes too long goes on.
            if (job.options?.timeout !== undefined) kit.hearOut(call.self as object, 'handler', ({ args }) => args[0]);
            return kit.run(call, () => describeJob(job));
          },
        },
        {
          form: 'around',
          on: prototypeOfWhole,
          method: '_finishJob',
          around: (call, kit) => {
            const [error, , job] = call.args;
            if (typeof job === 'object' && job !== null) outcomes.set(job, { error });
            return kit.call(call);
          },
        },
        { form: 'enqueue', on: prototypeOfWhole, method: 'saveAll', describe: describeSaveAll },
      ],
    },
    {
      module: 'bee-queue',
      file: 'bee-queue/lib/job.js',
      versions: VERSIONS,
      hooks: [{ form: 'enqueue', on: prototypeOfWhole, method: '_save', describe: describeSave }],
    },
  ],
};

function prototypeOfWhole(exports: Exports): unknown {
  return (wholeOf(exports) as { readonly prototype?: unknown } | undefined)?.prototype;
}

function describeJob(job: BeeQueueJob): RunFacts {
  const { id, options = {} } = job;
  const queue = job.queue?.name ?? '';
  const { timestamp, delay = 0, retries = 0, stacktraces = [] } = options;
  const attempt = stacktraces.length + 1;
  return {
    operation: queue,
    job,
    trigger: 'queue',
    id: `${queue}.${id}.${attempt}`,
    jobId: id ?? undefined,
    queue,
    attempt,
    maxAttempts: attempt + Math.max(0, retries),
    enqueuedAt: attempt > 1 || timestamp === undefined ? undefined : Math.max(timestamp, delay),
    carrier: readMetadata(options.telemetry?.metadata),
    classify: (end) => classifyEnding(end, job),
  };
}

/** `_runJob` resolves to `[status, result]`; it rejects where that could not be stored. */
function classifyEnding(end: RunEnding, job: BeeQueueJob): Classified | undefined {
  const outcome = outcomes.get(job);
  outcomes.delete(job);
  if ('error' in end) {
    if (outcome === undefined) return undefined;
    const { error } = outcome;
    return isFailure(error) ? failure(error, job, undefined) : { status: 'success' };
  }
  const [status, result] = Array.isArray(end.value) ? (end.value as unknown[]) : [];
  if (status !== 'failed' && status !== 'retrying') return { status: 'success' };
  return failure(
    outcome === undefined ? result : outcome.error,
    job,
    status === 'retrying' || job.status === 'retrying',
  );
}

function failure(error: unknown, { options }: BeeQueueJob, willRetry: boolean | undefined): Classified {
  const message = readSafely(error, 'message');
  const timeout = options?.timeout;
  const isTimeout =
    timeout !== undefined && typeof message === 'string' && message.endsWith(` timed out (${timeout} ms)`);
  return { status: 'failure', error, willRetry, ...(isTimeout ? { errorType: 'timeout' } : {}) };
}

/** The library takes an error that is nothing for none. */
function isFailure(error: unknown): boolean {
  return Boolean(error);
}

function describeSave({ self, args }: LibraryCall): EnqueueCall | undefined {
  const job = self as BeeQueueJob;
  // With others, by saveAll; or saved again.
  if (job.options?.telemetry !== undefined) return undefined;
  return {
    system: 'bee-queue',
    destination: job.queue?.name ?? '',
    name: 'save',
    inject: (carrier) => {
      carry(job, JSON.stringify(carrier));
      return args;
    },
    messageId: (saved) => (saved as BeeQueueJob | undefined)?.id ?? undefined,
  };
}

function describeSaveAll({ self, args }: LibraryCall): EnqueueCall | undefined {
  const [jobs] = args;
  if (!Array.isArray(jobs) || jobs.length === 0) return undefined;
  return {
    system: 'bee-queue',
    destination: (self as { readonly name: string }).name,
    name: 'saveAll',
    count: jobs.length,
    inject: (carrier) => {
      const metadata = JSON.stringify(carrier);
      for (const job of jobs as BeeQueueJob[]) carry(job, metadata);
      return args;
    },
  };
}

function carry(job: BeeQueueJob, metadata: string): void {
  job.options = withMetadata(job.options, metadata) as BeeQueueJob['options'];
}

/** Runs of Bee-Queue, and what saves jobs into its queues. */
export class BeeQueueInstrumentation extends LibraryInstrumentation {
  protected override get library(): Library {
    return BEE_QUEUE;
  }
}
