import type { Library } from '../base/hook.ts';
import { prototypeOf } from '../base/hook.ts';
import { LibraryInstrumentation } from '../base/library-instrumentation.ts';

interface BullMQJob {
  readonly id?: string;
  readonly name: string;
  readonly queueName: string;
  readonly attemptsMade: number;
  readonly opts: { readonly attempts?: number; readonly delay?: number; readonly telemetry?: { metadata?: string } };
  readonly timestamp: number;
}

const BULLMQ: Library = {
  name: 'bullmq',
  patches: [
    {
      module: 'bullmq',
      versions: '>=1.91 <7',
      hooks: [
        {
          form: 'run',
          on: prototypeOf('Worker'),
          method: 'callProcessJob',
          describe: ({ args }, kit) => {
            const job = args[0] as BullMQJob;
            return {
              operation: kit.names.choose(job.name, job.queueName),
              job,
              trigger: 'queue',
              queue: job.queueName,
              jobId: job.id,
              attempt: job.attemptsMade + 1,
              maxAttempts: job.opts.attempts ?? 1,
              enqueuedAt: job.timestamp + (job.opts.delay ?? 0),
            };
          },
        },
      ],
    },
  ],
};

/** Runs of BullMQ workers, in every version since 1.91. */
export class BullMQInstrumentation extends LibraryInstrumentation {
  protected override get library(): Library {
    return BULLMQ;
  }
}
