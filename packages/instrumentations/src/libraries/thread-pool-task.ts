import type { Classified, RunEnding, RunFacts } from '../base/facts.ts';
import { type Exports, exported, type RunHook, wholeOf } from '../base/hook.ts';
import type { LibraryKit } from '../base/library-kit.ts';
import type { LibraryCall } from '../base/wrapped-function.ts';

interface TaskOptions {
  readonly filename?: string | null;
  /** Which export of the file. */
  readonly name?: string | null;
  readonly signal?: unknown;
}

interface ThreadPool {
  readonly options?: TaskOptions;
}

/** What pools of threads say of tasks that they end when the pool is destroyed. */
const DESTROYED = 'Terminating worker thread';

/** Their word for a thread that ended under a task. */
const EXITED = /^worker exited|Worker exited/;

/** `Pool.prototype.run(task, options)`, as Piscina and its descendants have it: a run from the call to its answer. */
export function poolRunHook(className: string, library: string): RunHook {
  return {
    form: 'run',
    on: (exports) => poolPrototype(exports, className),
    method: 'run',
    // The application gets the promise.
    observation: 'through',
    describe: (call, kit) => describeTask(call.args[1] as TaskOptions | undefined, { call, kit, library }),
  };
}

/** The class may be the module, its default export, or a member of either. */
export function poolPrototype(exports: Exports, className: string): unknown {
  const found = exported(exports, className) ?? wholeOf(exports);
  return (found as { readonly prototype?: unknown } | undefined)?.prototype;
}

interface TaskPlace {
  readonly call: LibraryCall;
  readonly kit: LibraryKit;
  readonly library: string;
}

export function describeTask(options: TaskOptions | undefined, { call, kit, library }: TaskPlace): RunFacts {
  const pool = (call.self as ThreadPool | undefined)?.options;
  const file = options?.filename ?? pool?.filename;
  const name = options?.name ?? pool?.name;
  const signal = options?.signal;
  return {
    operation: kit.names.chooseFunction(name, fileName(file) ?? library),
    job: options,
    trigger: 'queue',
    classify: (end) => classifyTask(end, signal),
  };
}

/** `file:///app/resize-image.mjs` is the work `resize-image`. */
export function fileName(file: unknown): string | undefined {
  if (typeof file !== 'string') return undefined;
  const base = file
    .split(/[\\/]/)
    .at(-1)
    ?.replace(/\.[cm]?[jt]s$/, '');
  return base === undefined || base === '' || base.length > 100 ? undefined : base;
}

/** Errors of the pool itself: errors of its threads lose their class and name on the way. */
function classifyTask(end: RunEnding, signal: unknown): Classified | undefined {
  if (!('error' in end)) return undefined;
  const { name, message } = end.error as { readonly name?: string; readonly message?: string };
  if (name === 'AbortError') {
    const { reason } = (signal ?? {}) as { readonly reason?: { readonly name?: string } };
    return reason?.name === 'TimeoutError' ? { status: 'failure', errorType: 'timeout' } : { status: 'cancelled' };
  }
  if (name === 'CancelError' || message === DESTROYED) return { status: 'cancelled' };
  return message !== undefined && EXITED.test(message) ? { status: 'failure', errorType: 'worker_exit' } : undefined;
}
