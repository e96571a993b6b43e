import type { LibraryOutcome } from '@taskspan/core/hub';
import type { Exports, Library } from '../base/hook.ts';
import { LibraryInstrumentation } from '../base/library-instrumentation.ts';
import type { LibraryKit } from '../base/library-kit.ts';
import type { LibraryCall } from '../base/wrapped-function.ts';
import { fileName } from './thread-pool-task.ts';

interface Pool {
  readonly script?: string | null;
}

/** The library's own promise: asking it changes nothing, and nobody hears of its rejections unless asking. */
interface PoolPromise {
  then(resolve: (value: unknown) => void, reject: (error: unknown) => void): unknown;
}

/** Asked by `pool.proxy()` for itself. */
const LIST_METHODS = 'methods';

/** What tasks are told when their worker is ended: because of the pool, or of another task that it had. */
const TERMINATED = new Set(['Pool terminated', 'Worker terminated', 'Worker Terminating', 'Worker is terminated']);

const EXITED = /^Workerpool Worker terminated Unexpectedly/;

/** Pools that the application has ended. */
const ENDED = new WeakSet<object>();

/** Set while a function is handed on as a call of the worker's method `run`. */
let isHandingOn = false;

const WORKERPOOL: Library = {
  name: 'workerpool',
  patches: [
    {
      module: 'workerpool',
      // The class is not exported.
      file: 'workerpool/src/Pool.js',
      versions: '>=6 <11',
      hooks: [
        {
          form: 'around',
          on: poolPrototype,
          method: 'exec',
          around: runTask,
        },
        {
          form: 'around',
          on: poolPrototype,
          method: 'terminate',
          around: (call, kit) => {
            ENDED.add(call.self as object);
            return kit.call(call);
          },
        },
      ],
    },
  ],
};

function poolPrototype(exports: Exports): unknown {
  return (exports as { readonly prototype?: unknown }).prototype;
}

function runTask(call: LibraryCall, kit: LibraryKit): unknown {
  const [method] = call.args;
  if (isHandingOn || method === LIST_METHODS) return kit.call(call);
  const job = { method, params: call.args[1] };
  let promise: unknown;
  const exec = (): unknown => {
    isHandingOn = typeof method === 'function';
    try {
      promise = kit.call(call);
    } finally {
      isHandingOn = false;
    }
    // What follows says when it is over: not this promise.
    return new Promise(() => {});
  };
  kit.run({ original: exec, self: undefined, args: [] }, () => ({
    operation: kit.names.chooseFunction(nameOf(method), fileName((call.self as Pool).script) ?? 'workerpool'),
    job,
    trigger: 'queue',
  }));
  const run = kit.runOf(job);
  if (run === undefined) return promise;
  (promise as PoolPromise).then(
    (value) => run.returned(value),
    (error) => {
      const outcome = outcomeOf(error, ENDED.has(call.self as object));
      if (outcome === undefined) run.threw(error);
      else run.report(outcome);
    },
  );
  return promise;
}

function nameOf(method: unknown): unknown {
  return typeof method === 'function' ? method.name : method;
}

/** Errors of the library; those of the worker's functions have their name as a property of their own. */
function outcomeOf(error: unknown, poolIsEnded: boolean): LibraryOutcome | undefined {
  if (!(error instanceof Error)) return undefined;
  const { name, message } = error;
  const isOwn = !Object.hasOwn(error, 'name');
  if (isOwn && name === 'CancellationError') return { status: 'cancelled' };
  if (isOwn && name === 'TimeoutError') return { status: 'failure', errorType: 'timeout', thrown: { error } };
  if (poolIsEnded && TERMINATED.has(message)) return { status: 'cancelled' };
  return TERMINATED.has(message) || EXITED.test(message)
    ? { status: 'failure', errorType: 'worker_exit', thrown: { error } }
    : undefined;
}

/** Tasks of workerpool, in threads or child processes: from `exec()` to their answer. */
export class WorkerpoolInstrumentation extends LibraryInstrumentation {
  protected override get library(): Library {
    return WORKERPOOL;
  }
}
