import { syncBuiltinESMExports } from 'node:module';
import workerThreads from 'node:worker_threads';
import { type RunEnvironment, runEnvironment, safely } from '@taskspan/core/hub';
import type { LibrarySwitch } from '../library-entry.ts';
import { environmentWithRun } from './child-environment.ts';

type WorkerClass = typeof workerThreads.Worker;

/** What stands in the place of `Worker`, found through it: two instances, or two copies of this package, share it. */
interface Slot {
  readonly original: WorkerClass;
  readonly replacement: WorkerClass;
  /** While there is none, everything only passes through. */
  readonly users: Set<object>;
}

const SLOT = Symbol.for('taskspan.worker_threads.v1');

/**
 * Hands the context of a run to the threads that it starts, in the same variables as to child processes. A thread without
 * an environment of its own gets a copy of this one, as before; one that shares it (`SHARE_ENV`) gets nothing, and
 * `workerData` is the application's alone.
 *
 * `Worker` is replaced by a proxy, through which everything but its construction is the class itself. Nothing of
 * OpenTelemetry's instrumentations is needed for that, nor loaded.
 */
export class WorkerThreadsCarrier implements LibrarySwitch {
  private slot: Slot | undefined;

  enable(): void {
    safely('hooking worker_threads', () => {
      const { Worker } = workerThreads;
      this.slot ??= slotOf(Worker) ?? replace(Worker);
      this.slot.users.add(this);
    });
  }

  disable(): void {
    safely('unhooking worker_threads', () => {
      const { slot } = this;
      slot?.users.delete(this);
      // Where somebody else has put a class of theirs on top, ours stays below it.
      if (slot?.users.size !== 0 || workerThreads.Worker !== slot.replacement) return;
      place(slot, slot.original);
      this.slot = undefined;
    });
  }
}

function slotOf(Worker: WorkerClass): Slot | undefined {
  return (Worker as { [SLOT]?: Slot })[SLOT];
}

function replace(Worker: WorkerClass): Slot {
  const slot: Slot = {
    original: Worker,
    users: new Set(),
    replacement: new Proxy(Worker, {
      construct(target, args: unknown[], newTarget) {
        const run = slot.users.size === 0 ? undefined : safely('reading the run of a thread', () => runEnvironment());
        const given = run === undefined ? undefined : safely('handing a run to a thread', () => withEnv(args, run));
        return Reflect.construct(target, given ?? args, newTarget) as object;
      },
      get: (target, key) => (key === SLOT ? slot : (Reflect.get(target, key) as unknown)),
    }),
  };
  place(slot, slot.replacement);
  return slot;
}

/** Puts a class where modules take it from, and where its instances name it. */
function place({ original }: Slot, current: WorkerClass): void {
  workerThreads.Worker = current;
  original.prototype.constructor = current;
  syncBuiltinESMExports();
}

/** The caller's options are read where they lie, all but `env`: getters and what is inherited work as before. */
function withEnv([file, options, ...rest]: readonly unknown[], run: RunEnvironment): unknown[] | undefined {
  if (options !== undefined && (typeof options !== 'object' || options === null)) return undefined;
  const given: unknown = (options as { env?: unknown } | undefined)?.env ?? process.env;
  if (typeof given !== 'object' || given === null) return undefined;
  const env = environmentWithRun({ ...given }, run);
  const own = { ...options, env };
  if (options === undefined) return [file, own, ...rest];
  const read = (key: PropertyKey): unknown => (key === 'env' ? env : Reflect.get(options, key));
  return [file, new Proxy(own, { get: (_, key) => read(key) }), ...rest];
}
