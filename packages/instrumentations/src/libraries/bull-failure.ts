import { ATTR } from '@taskspan/core';
import { observe, readSafely, safely, state } from '@taskspan/core/hub';
import { type AroundHook, type Exports, prototypeOf, wholeOf } from '../base/hook.ts';
import type { LibraryKit } from '../base/library-kit.ts';
import { type BullJob, describeJob, startsBefore, willRetry } from './bull-job.ts';
import { messageOf, noteFurtherAttempt, STALLED, wasThrownBy } from './thrown-error.ts';

/** The prototype of a module that is a class. */
export function prototypeOfWhole(exports: Exports): unknown {
  return (wholeOf(exports) as { readonly prototype?: unknown } | undefined)?.prototype;
}

/** Every job that fails goes through here, those that took too long too, whose handler goes on. */
export const MOVE_TO_FAILED: AroundHook = {
  form: 'around',
  on: prototypeOf('Job'),
  method: 'moveToFailed',
  around: (call, kit) => {
    const job = call.self as BullJob;
    const [error] = call.args;
    safely('hearing of a failed job', () => noteFailure(job, error, kit));
    const run = willRetry(job) === undefined ? kit.runOf(job) : undefined;
    const promise = kit.call(call);
    if (run === undefined) return promise;
    const returned = (): void => noteFurtherAttempt(run, typeof job.finishedOn === 'number');
    return observe(promise, { returned, threw: () => {} }, 'beside');
  },
};

function noteFailure(job: BullJob, error: unknown, kit: LibraryKit): void {
  const run = kit.runOf(job);
  if (run === undefined) return;
  if (run.isEnded) {
    if (!wasThrownBy(job, error)) {
      run.log('error', `the handler had returned, then the library failed the job: ${messageOf(error)}`);
    }
    return;
  }
  const retry = willRetry(job);
  if (retry !== undefined) run.setOwn(ATTR.TASK_WILL_RETRY, retry);
  if (readSafely(error, 'name') === 'TimeoutError')
    run.report({ status: 'failure', errorType: 'timeout', thrown: { error } });
  else run.threw(error);
}

/** Jobs that stalled too often are failed by a script, and only told of here. */
export const EMIT: AroundHook = {
  form: 'around',
  on: prototypeOfWhole,
  method: 'emit',
  around: (call, kit) => {
    const [event, job, error] = call.args;
    if (event === 'failed' && messageOf(error) === STALLED && typeof job === 'object' && job !== null) {
      safely('hearing of a lost job', () => noteLost(job, kit));
    }
    return kit.call(call);
  },
};

function noteLost(job: BullJob, kit: LibraryKit): void {
  const facts = describeJob(job, kit, Math.max(1, startsBefore(job)));
  // Busy, and here: it will end by itself.
  for (const { info } of state.openRuns) if (info.id === facts.id) return;
  kit.orphaned(facts);
}
