import type { Classified, EnqueueCall, RunEnding, RunFacts } from '../base/facts.ts';
import type { AroundHook, Exports, Library } from '../base/hook.ts';
import { LibraryInstrumentation } from '../base/library-instrumentation.ts';
import type { LibraryKit } from '../base/library-kit.ts';
import {
  type Callable,
  callThrough,
  type Interceptor,
  type LibraryCall,
  wrapFunction,
} from '../base/wrapped-function.ts';
import { takeCarrierFlags, withCarrierFlags } from './graphile-worker-flags.ts';
import { watchedTasks } from './graphile-worker-tasks.ts';

interface GraphileJob {
  readonly id: unknown;
  readonly task_identifier: string;
  /** Counted when the job is taken, so 1-based. */
  readonly attempts?: number;
  readonly max_attempts?: number;
  readonly run_at?: Date | string;
  flags?: unknown;
}

/** What a task is handed beside its payload; made anew for each job. */
interface Helpers {
  readonly job?: GraphileJob;
  readonly abortSignal?: AbortSignal;
  addJob?: unknown;
  addJobs?: unknown;
}

/** What the library adds to the payload of a job that its crontab made. */
interface CronPayload {
  readonly ts?: string;
  readonly backfilled?: boolean;
}

/** Several payloads in one job: what became of each. */
interface Batch {
  readonly size: number;
  failed: number;
  firstError: unknown;
}

type Adder = 'addJob' | 'addJobs';

interface Spec {
  readonly identifier?: string;
  readonly flags?: readonly string[] | null;
}

const moduleItself = (exports: Exports): unknown => exports;

const GRAPHILE_WORKER: Library = {
  name: 'graphile-worker',
  patches: [
    {
      module: 'graphile-worker',
      file: 'graphile-worker/dist/worker.js',
      versions: '>=0.16 <0.19',
      hooks: [{ form: 'around', on: moduleItself, method: 'makeNewWorker', around: makeNewWorker }],
    },
    {
      module: 'graphile-worker',
      file: 'graphile-worker/dist/helpers.js',
      versions: '>=0.16 <0.19',
      hooks: [adderHook('makeAddJob', 'addJob'), { ...adderHook('makeAddJobs', 'addJobs'), optional: true }],
    },
  ],
};

/** Runs of Graphile Worker's tasks. */
export class GraphileWorkerInstrumentation extends LibraryInstrumentation {
  protected override get library(): Library {
    return GRAPHILE_WORKER;
  }
}

/** `makeNewWorker(shared, { tasks, ... })`: the worker takes its tasks from what is handed in here. */
function makeNewWorker(call: LibraryCall, kit: LibraryKit): unknown {
  const [shared, params, ...rest] = call.args;
  const { tasks } = params as { readonly tasks?: unknown };
  if (typeof tasks !== 'object' || tasks === null) return kit.call(call);
  const of = interceptorsOf(kit);
  const watched = watchedTasks(tasks, (task) => wrapFunction(task, 'graphile-worker.task', of.task));
  return kit.call({ ...call, args: [shared, { ...(params as object), tasks: watched }, ...rest] });
}

/** One call of a task: `(payload, helpers)`. */
function runTask(call: LibraryCall, kit: LibraryKit): unknown {
  const [payload, given] = call.args;
  const helpers = given as Helpers | undefined;
  const job = helpers?.job;
  if (helpers === undefined || job === undefined) return kit.call(call);
  // The library makes these by functions of its own, past what is hooked.
  watchHelper(helpers, 'addJob', kit);
  watchHelper(helpers, 'addJobs', kit);
  const batch: Batch | undefined = Array.isArray(payload)
    ? { size: payload.length, failed: 0, firstError: undefined }
    : undefined;
  const watched = batch === undefined ? call : { ...call, original: untilBatchSettled(call.original, batch) };
  return kit.run(watched, () => describe(job, { payload, signal: helpers.abortSignal, batch }));
}

function describe(
  job: GraphileJob,
  { payload, signal, batch }: { payload: unknown; signal: AbortSignal | undefined; batch: Batch | undefined },
): RunFacts {
  const { task_identifier: name, attempts, max_attempts: maxAttempts } = job;
  const id = String(job.id);
  const cron = cronOf(payload);
  const slot = asDate(cron?.ts);
  return {
    operation: name,
    job,
    trigger: cron === undefined ? 'queue' : 'schedule',
    id: attempts === undefined ? undefined : `${name}.${id}.${attempts}`,
    jobId: id,
    queue: name,
    attempt: attempts,
    maxAttempts,
    enqueuedAt: attempts === 1 && cron === undefined ? asDate(job.run_at) : undefined,
    scheduledAt: slot,
    carrier: takeCarrierFlags(job),
    signal,
    batchSize: batch?.size,
    attributes: cron?.backfilled === true ? { 'graphile_worker.backfilled': true } : undefined,
    classify: (end) => classify(end, job, batch),
  };
}

/** A task may return promises, one for each payload of its job: those that reject are tried again. */
function classify(end: RunEnding, job: GraphileJob, batch: Batch | undefined): Classified | undefined {
  const { attempts, max_attempts: maxAttempts } = job;
  const willRetry = attempts === undefined || maxAttempts === undefined ? undefined : attempts < maxAttempts;
  if ('error' in end) return { willRetry };
  if (batch === undefined || batch.failed === 0) return undefined;
  return {
    status: 'failure',
    error: batch.firstError,
    willRetry,
    attributes: { 'graphile_worker.batch.failed': batch.failed },
  };
}

/** Makes the run last until each promise of a batch has settled, for which the library waits as well. */
function untilBatchSettled(task: Callable, batch: Batch): Callable {
  return async function settled(this: unknown, ...args: unknown[]): Promise<unknown> {
    const results: unknown = await callThrough({ original: task, self: this, args });
    if (!Array.isArray(results) || results.length !== batch.size) return results;
    for (const one of await Promise.allSettled(results)) {
      if (one.status === 'fulfilled') continue;
      if (batch.failed === 0) batch.firstError = one.reason ?? new Error(`a batch entry was rejected`);
      batch.failed += 1;
    }
    return results;
  };
}

function adderHook(method: string, adder: Adder): AroundHook {
  return {
    form: 'around',
    on: moduleItself,
    method,
    around: (call, kit) => {
      const made = kit.call(call);
      return typeof made === 'function'
        ? wrapFunction(made, 'graphile-worker.enqueue', interceptorsOf(kit)[adder])
        : made;
    },
  };
}

function watchHelper(helpers: Helpers, name: Adder, kit: LibraryKit): void {
  const helper = helpers[name];
  if (typeof helper === 'function') {
    helpers[name] = wrapFunction(helper, 'graphile-worker.enqueue', interceptorsOf(kit)[name]);
  }
}

interface Interceptors extends Readonly<Record<Adder, Interceptor>> {
  readonly task: Interceptor;
}

const interceptors = new WeakMap<LibraryKit, Interceptors>();

/** The same ones each time, so that what is wrapped already is known to be. */
function interceptorsOf(kit: LibraryKit): Interceptors {
  const known = interceptors.get(kit);
  if (known !== undefined) return known;
  const made: Interceptors = {
    task: (call) => runTask(call, kit),
    addJob: (call) => kit.enqueue(call, () => addition(call)),
    addJobs: (call) => kit.enqueue(call, () => additions(call)),
  };
  interceptors.set(kit, made);
  return made;
}

/** `addJob(identifier, payload, spec)`. */
function addition({ args }: LibraryCall): EnqueueCall | undefined {
  const [identifier, payload, spec, ...rest] = args;
  if (typeof identifier !== 'string') return undefined;
  return {
    system: 'graphile-worker',
    destination: identifier,
    name: 'addJob',
    messageId: idOf,
    inject: (carrier) => [identifier, payload, withCarrierFlags((spec ?? {}) as Spec, carrier), ...rest],
  };
}

/** `addJobs(specs, ...)`. */
function additions({ args }: LibraryCall): EnqueueCall | undefined {
  const [given, ...rest] = args;
  if (!Array.isArray(given) || given.length === 0) return undefined;
  const specs = given as readonly Spec[];
  return {
    system: 'graphile-worker',
    destination: String(specs[0]?.identifier),
    name: 'addJobs',
    count: specs.length,
    inject: (carrier) => [specs.map((spec) => withCarrierFlags(spec, carrier)), ...rest],
  };
}

function idOf(job: unknown): string | undefined {
  const id = (job as { readonly id?: unknown } | undefined | null)?.id;
  return id === undefined || id === null ? undefined : String(id);
}

function cronOf(payload: unknown): CronPayload | undefined {
  const cron = (payload as { readonly _cron?: unknown } | undefined | null)?._cron;
  return typeof cron === 'object' && cron !== null ? (cron as CronPayload) : undefined;
}

function asDate(value: unknown): Date | undefined {
  const date = typeof value === 'string' ? new Date(value) : value;
  return date instanceof Date && !Number.isNaN(date.getTime()) ? date : undefined;
}
