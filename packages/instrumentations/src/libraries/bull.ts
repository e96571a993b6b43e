import { observe } from '@taskspan/core/hub';
import type { EnqueueCall } from '../base/facts.ts';
import { exported, type Library } from '../base/hook.ts';
import { LibraryInstrumentation } from '../base/library-instrumentation.ts';
import type { LibraryCall } from '../base/wrapped-function.ts';
import { EMIT, MOVE_TO_FAILED, prototypeOfWhole } from './bull-failure.ts';
import { noteNextIteration } from './bull-iterations.ts';
import { type BullJob, describeProcessing, noteStored } from './bull-job.ts';
import { followFromParent, followIntoPool } from './bull-sandbox.ts';
import { withMetadata } from './telemetry-metadata.ts';

interface BullQueue {
  readonly name: string;
  readonly handlers?: Record<string, unknown>;
  readonly defaultJobOptions?: unknown;
  readonly childPool?: unknown;
}

const BULL: Library = {
  name: 'bull',
  patches: [
    {
      module: 'bull',
      versions: '>=4 <5',
      hooks: [
        {
          form: 'around',
          on: prototypeOfWhole,
          // Once it is there it takes one argument and returns a promise, whatever form it was given in.
          method: 'setHandler',
          around: (call, kit) => {
            const result = kit.call(call);
            const name = String(call.args[0]);
            const { handlers } = call.self as BullQueue;
            followIntoPool(call.self as BullQueue);
            if (handlers !== undefined) {
              handlers[name] = kit.wrapHandler(handlers[name], ({ args }) =>
                describeProcessing(args[0] as BullJob, kit),
              );
            }
            return result;
          },
        },
        { form: 'enqueue', on: prototypeOfWhole, method: 'add', describe: describeAdd },
        { form: 'enqueue', on: prototypeOfWhole, method: 'addBulk', describe: describeAddBulk },
        {
          form: 'around',
          on: (exports) => exported(exports, 'Job'),
          method: 'fromJSON',
          around: (call, kit) => {
            const job = kit.call(call);
            noteStored(job, call.args[1]);
            return job;
          },
        },
        {
          form: 'around',
          on: prototypeOfWhole,
          method: 'nextRepeatableJob',
          around: (call, kit) => {
            const [, , options] = call.args;
            const returned = (next: unknown): void =>
              noteNextIteration(options, { slot: (next as BullJob | undefined)?.opts?.prevMillis, madeAt: Date.now() });
            return observe(kit.call(call), { returned, threw: () => {} }, 'beside');
          },
        },
        MOVE_TO_FAILED,
        EMIT,
      ],
    },
  ],
};

function describeAdd({ self, args }: LibraryCall): EnqueueCall {
  const { name, defaultJobOptions } = self as BullQueue;
  // `add([name], data, [options])`
  const at = typeof args[0] === 'string' ? 2 : 1;
  return {
    system: 'bull',
    destination: name,
    name: 'add',
    inject: (carrier) => {
      const injected = [...args];
      while (injected.length < at) injected.push(undefined);
      injected[at] = withMetadata(args[at], JSON.stringify(carrier), defaultJobOptions);
      return injected;
    },
    messageId: (job) => {
      const { id } = (job ?? {}) as BullJob;
      return id === undefined ? undefined : String(id);
    },
  };
}

function describeAddBulk({ self, args }: LibraryCall): EnqueueCall | undefined {
  const { name, defaultJobOptions } = self as BullQueue;
  const [jobs, ...rest] = args;
  if (!Array.isArray(jobs) || jobs.length === 0) return undefined;
  return {
    system: 'bull',
    destination: name,
    name: 'addBulk',
    count: jobs.length,
    inject: (carrier) => {
      const metadata = JSON.stringify(carrier);
      const injected = jobs.map((job: { readonly opts?: unknown }) => ({
        ...job,
        opts: withMetadata(job.opts, metadata, defaultJobOptions),
      }));
      return [injected, ...rest];
    },
  };
}

/** Runs of Bull, and what puts jobs into its queues. */
export class BullInstrumentation extends LibraryInstrumentation {
  // Only declared: the base constructor calls enable(), and a field initialiser would erase what that stores.
  declare private leave: (() => void) | undefined;

  protected override get library(): Library {
    return BULL;
  }

  override enable(): void {
    super.enable();
    this.leave ??= followFromParent();
  }

  override disable(): void {
    super.disable();
    this.leave?.();
    this.leave = undefined;
  }
}
