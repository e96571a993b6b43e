import { observe, safely, state } from '@taskspan/core/hub';
import type { AroundHook } from '../base/hook.ts';
import { prototypeOf } from '../base/hook.ts';
import type { LibraryKit } from '../base/library-kit.ts';
import { attemptOf, attemptsAllowed, type BullMQJob, isRetryKnown, timesStarted } from './bullmq-job.ts';
import { describeJob } from './bullmq-run.ts';
import { messageOf, noteFurtherAttempt, STALLED, wasThrownBy } from './thrown-error.ts';

/**
 * Every job that fails goes through here: those whose handler threw, those that ran and whose result could not be
 * stored, and since 5.60 those that stalled once too often, without a run.
 */
export const MOVE_TO_FAILED: AroundHook = {
  form: 'around',
  on: prototypeOf('Job'),
  method: 'moveToFailed',
  around: (call, kit) => {
    const job = call.self as BullMQJob;
    const [error] = call.args;
    safely('hearing of a failed job', () => noteFailure(job, error, kit));
    const isOpen = !isRetryKnown(job) && attemptOf(job) < attemptsAllowed(job);
    const run = isOpen ? kit.runOf(job) : undefined;
    const promise = kit.call(call);
    // Whoever listens to a promise takes the callers out of the stack of its error: not without need.
    if (run === undefined) return promise;
    const returned = (): void => noteFurtherAttempt(run, job.finishedOn !== undefined);
    return observe(promise, { returned, threw: () => {} }, 'beside');
  },
};

/** Before 5.60: jobs that stalled once too often are failed by a script, and only told of here. */
export const NOTIFY_FAILED_JOBS: AroundHook = {
  form: 'around',
  on: prototypeOf('Worker'),
  method: 'notifyFailedJobs',
  optional: true,
  around: (call, kit) => {
    const [jobs] = call.args;
    // A job that is removed when it fails is gone by now.
    for (const job of jobs as (BullMQJob | undefined | null)[]) {
      if (job !== undefined && job !== null) noteLost(job, kit, timesStarted(job));
    }
    return kit.call(call);
  },
};

/** Before 2: the id of the job is all that is told, so that its attempt is not known. */
export const SCHEDULER_EMIT: AroundHook = {
  form: 'around',
  on: prototypeOf('QueueScheduler'),
  method: 'emit',
  optional: true,
  around: (call, kit) => {
    const [event, id, error] = call.args;
    if (event === 'failed' && typeof id === 'string' && messageOf(error) === STALLED) {
      const { name } = call.self as { readonly name: string };
      kit.orphaned({ operation: name, trigger: 'queue', id: `${name}.${id}.stalled`, jobId: id, queue: name });
    }
    return kit.call(call);
  },
};

function noteFailure(job: BullMQJob, error: unknown, kit: LibraryKit): void {
  const run = kit.runOf(job);
  if (run === undefined) {
    // It was started once more, only to be failed.
    if (messageOf(error) === STALLED) noteLost(job, kit, Math.max(1, timesStarted(job) - 1));
  } else if (run.isEnded && !wasThrownBy(job, error)) {
    run.log('error', `the handler had returned, then the library failed the job: ${messageOf(error)}`);
  }
}

/** The process of that start is gone, or was too busy to say that it is there. */
function noteLost(job: BullMQJob, kit: LibraryKit, started: number): void {
  const facts = describeJob(job, kit, started);
  // Busy, and here: it will end by itself.
  for (const { info } of state.openRuns) if (info.id === facts.id) return;
  kit.orphaned(facts);
}
