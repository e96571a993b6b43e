import type { Library } from '../base/hook.ts';
import { LibraryInstrumentation } from '../base/library-instrumentation.ts';
import { describeTask, poolPrototype, poolRunHook } from './thread-pool-task.ts';

const PISCINA: Library = {
  name: 'piscina',
  patches: [
    {
      module: 'piscina',
      versions: '>=3 <6',
      hooks: [
        poolRunHook('Piscina', 'piscina'),
        {
          form: 'run',
          on: (exports) => poolPrototype(exports, 'Piscina'),
          // Until 4: (task, transferList?, filename?, signal?), each of which may be left out.
          method: 'runTask',
          optional: true,
          observation: 'through',
          describe: (call, kit) => {
            const [, ...options] = call.args;
            const filename = options.find((option) => typeof option === 'string') as string | undefined;
            const signal = options.find((option) => typeof option === 'object' && !Array.isArray(option));
            return describeTask(
              { filename: filename ?? null, name: 'default', signal },
              { call, kit, library: 'piscina' },
            );
          },
        },
      ],
    },
  ],
};

/** Tasks of Piscina: from `run()` to their answer, so that waiting for a thread is a part of them. */
export class PiscinaInstrumentation extends LibraryInstrumentation {
  protected override get library(): Library {
    return PISCINA;
  }
}
