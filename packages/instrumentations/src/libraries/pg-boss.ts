import { withDataCarrier } from '../base/data-carrier.ts';
import type { EnqueueCall } from '../base/facts.ts';
import {
  type AroundHook,
  type EnqueueHook,
  type Exports,
  exported,
  type Hook,
  type Library,
  prototypeOf,
} from '../base/hook.ts';
import { LibraryInstrumentation } from '../base/library-instrumentation.ts';
import type { LibraryKit } from '../base/library-kit.ts';
import type { LibraryCall } from '../base/wrapped-function.ts';
import { describeJobs, giveUp, type PgBossJob } from './pg-boss-job.ts';

type Target = (exports: Exports) => unknown;
type Inject = NonNullable<EnqueueCall['inject']>;

interface WorkOptions {
  readonly includeMetadata?: unknown;
  readonly perJobResults?: unknown;
}

interface WorkHow {
  /** Of the queue that is worked on. */
  readonly prefix: string;
  readonly hasSignals: boolean;
}

/** A job as `insert`, `flow` and the one-argument `send` take it. */
interface Submission {
  readonly name?: unknown;
  readonly data?: unknown;
}

/** pg-boss keeps its own house by jobs. */
const OWN_QUEUES = '__pgboss__';

/** Jobs of versions 8 and 9 that tell of the end of others. */
const COMPLETION_PREFIX = '__state__completed__';

/** Until 11, the functions of the manager are copied onto each instance, under their own names. */
const managerPrototype: Target = (exports) =>
  (exports as { prototype?: unknown }).prototype ??
  (exported(exports, 'default') as { prototype?: unknown } | undefined)?.prototype;

const bossPrototype: Target = prototypeOf('PgBoss');

const PG_BOSS: Library = {
  name: 'pg-boss',
  patches: [
    {
      module: 'pg-boss',
      file: 'pg-boss/src/manager.js',
      versions: '>=8 <12',
      hooks: [
        workHook(managerPrototype, 'work'),
        { ...workHook(managerPrototype, 'onComplete', { prefix: COMPLETION_PREFIX }), optional: true },
        { form: 'around', on: managerPrototype, method: 'fail', around: fail },
        ...sendHooks(managerPrototype, ['send', 'sendAfter', 'sendThrottled', 'sendDebounced']),
        ...sendHooks(managerPrototype, ['sendOnce', 'sendSingleton']).map(optional),
        { form: 'enqueue', on: managerPrototype, method: 'insert', describe: insertion },
      ],
    },
    {
      module: 'pg-boss',
      versions: '>=12 <13',
      hooks: [
        workHook(bossPrototype, 'work', { hasSignals: true }),
        // What is published goes to the subscribed queues below what can be seen.
        ...sendHooks(bossPrototype, ['send', 'sendAfter', 'sendThrottled', 'sendDebounced', 'publish']),
        ...sendHooks(bossPrototype, ['upsert']).map(optional),
        { form: 'enqueue', on: bossPrototype, method: 'insert', describe: insertion },
        { form: 'enqueue', on: bossPrototype, method: 'flow', describe: flow, optional: true },
      ],
    },
  ],
};

/** Runs of pg-boss workers. */
export class PgBossInstrumentation extends LibraryInstrumentation {
  protected override get library(): Library {
    return PG_BOSS;
  }
}

function workHook(on: Target, method: string, how: Partial<WorkHow> = {}): AroundHook {
  const { prefix = '', hasSignals = false } = how;
  return {
    form: 'around',
    on,
    method,
    around: (call, kit) => kit.call(withWatchedHandler(call, { prefix, hasSignals }, kit)),
  };
}

/**
 * `work(name, [options], handler)`, with a handler whose calls are runs. How often a job was tried, and since when it
 * waits, only `includeMetadata` tells: it is asked for, and taken from the jobs again before the handler sees them.
 */
function withWatchedHandler(call: LibraryCall, { prefix, hasSignals }: WorkHow, kit: LibraryKit): LibraryCall {
  const [name] = call.args;
  const at = call.args.length === 2 ? 1 : 2;
  const options = at === 1 ? {} : (call.args[1] ?? {});
  const handler = call.args[at];
  // What the library will refuse, it refuses as it was given.
  if (!isQueue(name) || typeof handler !== 'function' || typeof options !== 'object') return call;
  const { includeMetadata, perJobResults }: WorkOptions = options;
  if (includeMetadata !== undefined && typeof includeMetadata !== 'boolean') return call;
  const registration = {
    queue: `${prefix}${name}`,
    sharesMetadata: includeMetadata === true,
    perJobResults: perJobResults === true,
    hasSignals,
  };
  const watched = kit.wrapHandler(handler, (run) => describeJobs(run, registration, kit));
  return { ...call, args: [name, { ...options, includeMetadata: true }, watched, ...call.args.slice(at + 1)] };
}

/**
 * Until 11, a worker tells nobody but the database that it has given up on a job: `fail([queue], ids, error)`. From 12
 * on, the job's signal tells.
 */
function fail(call: LibraryCall, kit: LibraryKit): unknown {
  const [ids, error] = call.args.length > 2 ? call.args.slice(1) : call.args;
  const message = error instanceof Error ? error.message : error;
  const isTimeout = typeof message === 'string' && message.startsWith('handler execution exceeded');
  if (isTimeout || message === 'pg-boss shut down while active') {
    const { workers } = call.self as { readonly workers?: ReadonlyMap<string, { readonly jobs?: unknown }> };
    const jobs = [...(workers?.values() ?? [])].flatMap(({ jobs }) =>
      Array.isArray(jobs) ? (jobs as PgBossJob[]) : [],
    );
    const failed = new Set(Array.isArray(ids) ? ids : [ids]);
    for (const job of jobs) if (failed.has(job.id)) giveUp(job, isTimeout ? 'timeout' : 'aborted', kit);
  }
  return kit.call(call);
}

function sendHooks(on: Target, methods: readonly string[]): EnqueueHook[] {
  return methods.map((method) => ({
    form: 'enqueue',
    on,
    method,
    describe: (call, kit) => submission(call, method, kit),
  }));
}

function optional<H extends Hook>(hook: H): H & { readonly optional: true } {
  return { ...hook, optional: true };
}

/** `send(name, data, ...)` or `send({ name, data, ... })`. */
function submission({ args }: LibraryCall, method: string, kit: LibraryKit): EnqueueCall | undefined {
  const [first, data, ...rest] = args;
  if (isQueue(first)) {
    const inject: Inject = (carrier) => [first, withDataCarrier(data, carrier), ...rest];
    return { system: 'pg-boss', destination: first, name: method, messageId, ...injected(inject, kit) };
  }
  if (typeof first !== 'object' || first === null) return undefined;
  const { name } = first as Submission;
  if (!isQueue(name)) return undefined;
  const inject: Inject = (carrier) => [withCarrier(first, carrier), ...args.slice(1)];
  return { system: 'pg-boss', destination: name, name: method, messageId, ...injected(inject, kit) };
}

/** `insert(jobs)`, since 11 `insert(queue, jobs)`. */
function insertion({ args }: LibraryCall, kit: LibraryKit): EnqueueCall | undefined {
  const at = Array.isArray(args[0]) ? 0 : 1;
  const jobs = args[at];
  return several({ args, at, jobs, queue: at === 1 ? args[0] : undefined, name: 'insert' }, kit);
}

function flow({ args }: LibraryCall, kit: LibraryKit): EnqueueCall | undefined {
  return several({ args, at: 0, jobs: args[0], queue: undefined, name: 'flow' }, kit);
}

interface Several {
  readonly args: readonly unknown[];
  readonly at: number;
  readonly jobs: unknown;
  readonly queue: unknown;
  readonly name: string;
}

function several({ args, at, jobs, queue, name }: Several, kit: LibraryKit): EnqueueCall | undefined {
  if (!Array.isArray(jobs) || jobs.length === 0) return undefined;
  const destination: unknown = queue ?? (jobs[0] as Submission | null)?.name;
  if (!isQueue(destination)) return undefined;
  const inject: Inject = (carrier) =>
    args.with(
      at,
      jobs.map((job) => withCarrier(job, carrier)),
    );
  return { system: 'pg-boss', destination, name, count: jobs.length, ...injected(inject, kit) };
}

function injected(inject: Inject, kit: LibraryKit): { readonly inject?: Inject } {
  return kit.carriesInData ? { inject } : {};
}

function withCarrier(job: unknown, carrier: Readonly<Record<string, string>>): unknown {
  if (typeof job !== 'object' || job === null) return job;
  const { data } = job as Submission;
  return data === undefined ? job : { ...job, data: withDataCarrier(data, carrier) };
}

/** `send` gives the id, or null where the queue took none; `upsert` a list. */
function messageId(result: unknown): string | undefined {
  const id: unknown =
    typeof result === 'object' && result !== null ? (result as { jobs?: readonly unknown[] }).jobs?.[0] : result;
  return typeof id === 'string' ? id : undefined;
}

function isQueue(name: unknown): name is string {
  return typeof name === 'string' && name !== '' && !name.startsWith(OWN_QUEUES);
}
