import type { Library } from '../base/hook.ts';
import { LibraryInstrumentation } from '../base/library-instrumentation.ts';
import { poolRunHook } from './thread-pool-task.ts';

const TINYPOOL: Library = {
  name: 'tinypool',
  patches: [{ module: 'tinypool', versions: '>=0.8 <3', hooks: [poolRunHook('Tinypool', 'tinypool')] }],
};

/** Tasks of Tinypool, in threads or child processes: from `run()` to their answer. */
export class TinypoolInstrumentation extends LibraryInstrumentation {
  protected override get library(): Library {
    return TINYPOOL;
  }
}
