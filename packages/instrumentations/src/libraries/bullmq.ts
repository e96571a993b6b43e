import { type Library, prototypeOf } from '../base/hook.ts';
import { LibraryInstrumentation } from '../base/library-instrumentation.ts';
import { ENQUEUE_HOOKS } from './bullmq-enqueue.ts';
import { MOVE_TO_FAILED, NOTIFY_FAILED_JOBS, SCHEDULER_EMIT } from './bullmq-failure.ts';
import type { BullMQWorker } from './bullmq-job.ts';
import { describeProcessing } from './bullmq-run.ts';
import { AS_JSON_SANDBOX, CHILD_START } from './bullmq-sandbox.ts';
import { NEXT_ITERATION_HOOKS } from './bullmq-slots.ts';

const VERSIONS = '>=1.91 <7';

const BULLMQ: Library = {
  name: 'bullmq',
  patches: [
    {
      module: 'bullmq',
      versions: VERSIONS,
      hooks: [
        {
          form: 'run',
          on: prototypeOf('Worker'),
          // Not `processJob`, which also fetches the next job: its context would reach from one job to the next.
          method: 'callProcessJob',
          describe: ({ self, args }, kit) => describeProcessing(self as BullMQWorker, args, kit),
        },
        ...ENQUEUE_HOOKS,
        ...NEXT_ITERATION_HOOKS,
        MOVE_TO_FAILED,
        NOTIFY_FAILED_JOBS,
        SCHEDULER_EMIT,
        AS_JSON_SANDBOX,
      ],
    },
    {
      module: 'bullmq',
      file: 'bullmq/dist/cjs/classes/child-processor.js',
      versions: VERSIONS,
      hooks: [CHILD_START],
    },
  ],
};

/** Runs of BullMQ workers, and what puts jobs into its queues. */
export class BullMQInstrumentation extends LibraryInstrumentation {
  protected override get library(): Library {
    return BULLMQ;
  }
}
