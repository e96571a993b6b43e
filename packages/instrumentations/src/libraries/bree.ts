import type { LibraryRun } from '@taskspan/core/hub';
import type { RunFacts } from '../base/facts.ts';
import { type Exports, type Library, wholeOf } from '../base/hook.ts';
import { LibraryInstrumentation } from '../base/library-instrumentation.ts';
import type { LibraryKit } from '../base/library-kit.ts';
import type { LibraryCall } from '../base/wrapped-function.ts';
import { JobWorker } from './bree-worker.ts';

interface BreeJob {
  readonly name?: string;
  readonly cron?: unknown;
  readonly interval?: unknown;
  readonly date?: unknown;
  readonly closeWorkerAfterMs?: number;
}

interface Bree {
  readonly config?: { readonly jobs?: unknown; readonly closeWorkerAfterMs?: number };
  /** Jobs are looked up only after an asynchronous start. */
  readonly _init?: boolean;
  /** Threads that run now, timers of jobs that begin once or first, timers of those that come again; by job. */
  readonly workers?: ReadonlyMap<string, unknown>;
  readonly timeouts?: ReadonlyMap<string, unknown>;
  readonly intervals?: ReadonlyMap<string, unknown>;
}

const BREE: Library = {
  name: 'bree',
  patches: [
    {
      module: 'bree',
      versions: '>=9 <10',
      hooks: [
        { form: 'around', on: breePrototype, method: 'createWorker', around: runInWorker },
        { form: 'around', on: breePrototype, method: 'run', around: noteOverlap },
        { form: 'around', on: breePrototype, method: 'start', around: notePast },
        { form: 'around', on: breePrototype, method: 'stop', around: noteStop },
      ],
    },
  ],
};

/** The class is the module. */
function breePrototype(exports: Exports): unknown {
  return (wholeOf(exports) as { readonly prototype?: unknown } | undefined)?.prototype;
}

/** A run is a thread, from its creation to its message `done`, its error or its exit. */
function runInWorker(call: LibraryCall, kit: LibraryKit): unknown {
  const bree = call.self as Bree;
  const options = call.args[1] as { readonly workerData?: { readonly job?: BreeJob } } | undefined;
  const job = options?.workerData?.job ?? {};
  let worker: unknown;
  const create = (): unknown => {
    worker = kit.call(call);
    // It is told when it is over: not by this promise.
    return new Promise(() => {});
  };
  kit.run({ original: create, self: undefined, args: [] }, () => describeJob(job, bree, kit));
  const run: LibraryRun | undefined = kit.runOf(job);
  if (run !== undefined) JobWorker.watch(worker, { run, closeAfterMs: closeAfterMs(job, bree) });
  return worker;
}

function describeJob(job: BreeJob, bree: Bree, kit: LibraryKit): RunFacts {
  const { name = '' } = job;
  // Whoever calls run() for a job that has a schedule too is not told from that.
  const scheduled = bree.intervals?.has(name) === true || bree.timeouts?.has(name) === true;
  return {
    operation: kit.names.choose(name, 'bree'),
    job,
    trigger: scheduled ? 'schedule' : 'manual',
    schedule: scheduled ? scheduleOf(job) : undefined,
    scheduledAt: scheduled && bree.intervals?.has(name) !== true && job.date instanceof Date ? job.date : undefined,
  };
}

function scheduleOf({ cron, interval }: BreeJob): string | undefined {
  if (typeof cron === 'string') return cron;
  return typeof interval === 'number' && interval > 0 ? `every ${interval} ms` : undefined;
}

function closeAfterMs(job: BreeJob, bree: Bree): number {
  const own = job.closeWorkerAfterMs;
  return (Number.isFinite(own) ? own : bree.config?.closeWorkerAfterMs) ?? 0;
}

/** A job that runs still is not begun again. */
function noteOverlap(call: LibraryCall, kit: LibraryKit): unknown {
  const bree = call.self as Bree;
  const [name] = call.args;
  if (typeof name === 'string' && bree._init !== false && bree.workers?.has(name) === true) {
    kit.missed({ operation: kit.names.choose(name, 'bree'), job: jobOf(bree, name) }, 'overlap');
  }
  return kit.call(call);
}

/** A job whose date is past when it is started is left out. */
function notePast(call: LibraryCall, kit: LibraryKit): unknown {
  const bree = call.self as Bree;
  const [name] = call.args;
  const date = typeof name === 'string' && bree._init !== false ? jobOf(bree, name)?.date : undefined;
  if (typeof name === 'string' && date instanceof Date && date.getTime() < Date.now() && !isStarted(bree, name)) {
    kit.missed({ operation: kit.names.choose(name, 'bree'), job: jobOf(bree, name) }, 'missed', date);
  }
  return kit.call(call);
}

function jobOf({ config }: Bree, name: string): BreeJob | undefined {
  const jobs = Array.isArray(config?.jobs) ? (config.jobs as readonly BreeJob[]) : [];
  return jobs.find((job) => job?.name === name);
}

function isStarted({ timeouts, intervals, workers }: Bree, name: string): boolean {
  return [timeouts, intervals, workers].some((started) => started?.has(name) === true);
}

/** Without a name it calls itself for each job. */
function noteStop(call: LibraryCall, kit: LibraryKit): unknown {
  const [name] = call.args;
  if (typeof name === 'string') JobWorker.of((call.self as Bree).workers?.get(name))?.stopped();
  return kit.call(call);
}

/** Jobs of Bree: each is a worker thread. */
export class BreeInstrumentation extends LibraryInstrumentation {
  protected override get library(): Library {
    return BREE;
  }
}
