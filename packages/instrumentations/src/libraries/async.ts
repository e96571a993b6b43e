import type { RunFacts } from '../base/facts.ts';
import { type AroundHook, type Library, type Patch, WHOLE, wholeOf } from '../base/hook.ts';
import { LibraryInstrumentation } from '../base/library-instrumentation.ts';
import type { LibraryKit } from '../base/library-kit.ts';
import { patchMember } from '../base/patch-member.ts';
import type { Callable, LibraryCall } from '../base/wrapped-function.ts';
import { wrapCallbackHandler } from './callback-handler.ts';
import { PushedTasks } from './pushed-tasks.ts';

/** Functions that make queues, and whether their worker is given several tasks together. */
const MAKERS: Readonly<Record<string, 'single' | 'batch'>> = {
  queue: 'single',
  priorityQueue: 'single',
  cargo: 'batch',
  cargoQueue: 'batch',
};

const VERSIONS = '>=3 <4';

/** Set while a queue is being made: one kind may be made of another. */
let isMaking = false;

const ASYNC: Library = {
  name: 'async',
  patches: [
    { module: 'async', versions: VERSIONS, hooks: Object.keys(MAKERS).map(exportHook) },
    ...Object.keys(MAKERS).map(filePatch),
  ],
};

function exportHook(method: string): AroundHook {
  return {
    form: 'around',
    on: (exports) => [exports, exports['default']],
    method,
    optional: true,
    around: (call, kit) => makeQueue(call, kit, method),
  };
}

/** `require('async/queue')`. */
function filePatch(name: string): Patch {
  const hook: AroundHook = {
    form: 'around',
    on: wholeOf,
    method: WHOLE,
    around: (call, kit) => makeQueue(call, kit, name),
  };
  return { module: 'async', file: `async/${name}.js`, versions: VERSIONS, hooks: [hook] };
}

/** `queue(worker, concurrency?)` and the like. */
function makeQueue(call: LibraryCall, kit: LibraryKit, maker: string): unknown {
  const [worker, ...rest] = call.args;
  if (typeof worker !== 'function' || isMaking) return kit.call(call);
  const tasks = new PushedTasks();
  const describe = ({ args: [given] }: LibraryCall): RunFacts[] => {
    const together = MAKERS[maker] === 'batch' ? (given as readonly unknown[]) : [given];
    return together.map((task) => ({
      operation: kit.names.chooseFunction(worker.name, 'async'),
      job: { task },
      trigger: 'queue',
      batchSize: MAKERS[maker] === 'batch' ? together.length : undefined,
      ...tasks.take(task),
    }));
  };
  const handler = isAsync(worker)
    ? kit.wrapHandler(worker, describe)
    : wrapCallbackHandler(worker, { kit, library: 'async', describe });
  const queue = make({ ...call, args: [handler, ...rest] }, kit) as object;
  tasks.watch(queue, {
    library: 'async',
    pushes: ['push', 'pushAsync', 'unshift', 'unshiftAsync'],
    tasksOf: (pushed) => (Array.isArray(pushed) ? pushed : [pushed]),
    clears: ['kill'],
  });
  watchRemovals(queue, tasks);
  return queue;
}

function make(call: LibraryCall, kit: LibraryKit): unknown {
  isMaking = true;
  try {
    return kit.call(call);
  } finally {
    isMaking = false;
  }
}

/** As the library asks: anything else is given a callback. */
function isAsync(worker: Callable): boolean {
  return (worker as { readonly [Symbol.toStringTag]?: string })[Symbol.toStringTag] === 'AsyncFunction';
}

/** `remove(test)` takes out those for which the test is true. */
function watchRemovals(queue: object, tasks: PushedTasks): void {
  const interceptor = (call: LibraryCall): unknown => {
    const [test, ...rest] = call.args;
    if (typeof test !== 'function') return Reflect.apply(call.original, call.self, call.args);
    const heard = function (this: unknown, ...args: unknown[]): unknown {
      const removed: unknown = Reflect.apply(test, this, args);
      if (removed) tasks.take((args[0] as { readonly data?: unknown } | undefined)?.data);
      return removed;
    };
    return Reflect.apply(call.original, call.self, [heard, ...rest]);
  };
  patchMember(queue, 'remove', { key: 'async.remove', interceptor });
}

/** Tasks of the queues of async: a run is a call of the worker, or a share of it, and its wait the time since the push. */
export class AsyncInstrumentation extends LibraryInstrumentation {
  protected override get library(): Library {
    return ASYNC;
  }
}
