import { type Library, WHOLE, wholeOf } from '../base/hook.ts';
import { LibraryInstrumentation } from '../base/library-instrumentation.ts';
import type { LibraryKit } from '../base/library-kit.ts';
import type { LibraryCall } from '../base/wrapped-function.ts';
import { wrapCallbackHandler } from './callback-handler.ts';
import { PushedTasks } from './pushed-tasks.ts';

const FASTQ: Library = {
  name: 'fastq',
  patches: [
    {
      module: 'fastq',
      versions: '>=1.13 <2',
      hooks: [
        {
          form: 'around',
          on: (exports) => [exports, wholeOf(exports)],
          method: 'promise',
          around: (call, kit) => makeQueue(call, kit, 'promise'),
        },
        { form: 'around', on: wholeOf, method: WHOLE, around: (call, kit) => makeQueue(call, kit, 'callback') },
      ],
    },
  ],
};

/** `fastq([context], worker, concurrency)`. */
function makeQueue(call: LibraryCall, kit: LibraryKit, style: 'promise' | 'callback'): unknown {
  const at = typeof call.args[0] === 'function' ? 0 : 1;
  const worker = call.args[at];
  if (typeof worker !== 'function') return kit.call(call);
  const tasks = new PushedTasks();
  const describe = ({ args: [task] }: LibraryCall) => [
    {
      operation: kit.names.chooseFunction(worker.name, 'fastq'),
      job: { task },
      trigger: 'queue' as const,
      ...tasks.take(task),
    },
  ];
  const handler =
    style === 'promise'
      ? kit.wrapHandler(worker, describe)
      : wrapCallbackHandler(worker, { kit, library: 'fastq', describe });
  const queue = kit.call({ ...call, args: call.args.with(at, handler) }) as object;
  tasks.watch(queue, {
    library: 'fastq',
    pushes: ['push', 'unshift'],
    tasksOf: (task) => [task],
    clears: ['kill', 'killAndDrain', 'abort'],
  });
  return queue;
}

/** Tasks of fastq: a run is a call of the worker, and its wait the time since the push. */
export class FastqInstrumentation extends LibraryInstrumentation {
  protected override get library(): Library {
    return FASTQ;
  }
}
