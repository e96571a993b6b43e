import { observe } from '@taskspan/core/hub';
import type { RunFacts } from '../base/facts.ts';
import { type Exports, type Library, wholeOf } from '../base/hook.ts';
import { LibraryInstrumentation } from '../base/library-instrumentation.ts';
import type { LibraryKit } from '../base/library-kit.ts';
import type { LibraryCall } from '../base/wrapped-function.ts';
import { type Pushed, pushedNow } from './pushed-tasks.ts';

interface AddOptions {
  /** Given by the application, since 8.1; the library makes its own otherwise. */
  readonly id?: string;
  readonly signal?: AbortSignal;
}

/** What the application's `operation` function gets to see. */
interface QueuedTask {
  readonly task: unknown;
  readonly options: AddOptions | undefined;
}

const P_QUEUE: Library = {
  name: 'p-queue',
  patches: [
    {
      module: 'p-queue',
      versions: '>=6 <11',
      hooks: [{ form: 'around', on: queuePrototype, method: 'add', around: addTask }],
    },
  ],
};

/** The class is the default export, also of the CommonJS module that 6 is. */
function queuePrototype(exports: Exports): unknown {
  const whole = wholeOf(exports) as Exports | undefined;
  const found = whole?.['default'] ?? whole;
  return (found as { readonly prototype?: unknown } | undefined)?.prototype;
}

/** `addAll` calls it for each. */
function addTask(call: LibraryCall, kit: LibraryKit): unknown {
  const [task, options, ...rest] = call.args as readonly [unknown, AddOptions | undefined, ...unknown[]];
  if (typeof task !== 'function') return kit.call(call);
  const job: QueuedTask = { task, options };
  const pushed = pushedNow();
  const handler = kit.wrapHandler(task, () => describeTask(job, pushed, kit));
  const added = kit.call({ ...call, args: call.args.length < 2 ? [handler] : [handler, options, ...rest] });
  // The library gives up on tasks whose time is up, or that are aborted, while they go on: whatever is first counts.
  return observe(added, { returned: () => gaveUp(kit, job), threw: (error) => gaveUp(kit, job, { error }) }, 'through');
}

function describeTask(job: QueuedTask, pushed: Pushed, kit: LibraryKit): RunFacts {
  const { task, options } = job;
  return {
    operation: kit.names.chooseFunction((task as { readonly name?: string }).name, 'p-queue'),
    job,
    trigger: 'queue',
    jobId: typeof options?.id === 'string' ? options.id : undefined,
    enqueuedAt: pushed.enqueuedAt,
    links: pushed.links,
    signal: options?.signal,
  };
}

/** The queue has an answer: when the task has none yet, it is of the queue's own making. */
function gaveUp(kit: LibraryKit, job: QueuedTask, thrown?: { readonly error: unknown }): void {
  const run = kit.runOf(job);
  if (run === undefined || run.isEnded) return;
  const { name } = (thrown?.error ?? {}) as { readonly name?: string };
  // Without `throwOnTimeout`, as it was until 9, a task whose time is up gives undefined.
  const isTimeout = thrown === undefined || name === 'TimeoutError';
  run.report(isTimeout ? { status: 'failure', errorType: 'timeout', thrown } : { status: 'cancelled' });
}

/** Tasks of p-queue: a run is the call of the function, and its wait the time since `add`. */
export class PQueueInstrumentation extends LibraryInstrumentation {
  protected override get library(): Library {
    return P_QUEUE;
  }
}
