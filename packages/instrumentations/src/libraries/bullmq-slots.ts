import { reportOnce } from '@taskspan/core/hub';
import type { RunFacts } from '../base/facts.ts';
import type { LibraryKit } from '../base/library-kit.ts';
import type { BullMQJob, BullMQRepeat } from './bullmq-job.ts';
import { slotsBetween } from './schedule-slots.ts';

/** Most starts are on time and cost one comparison. */
const ON_TIME_MS = 1000;

/** The next slot after a point in time, both in epoch milliseconds. */
type Strategy = (millis: number, repeat: BullMQRepeat, name: string | undefined) => unknown;

/** What a worker makes the next iteration with: since 5.10 of job schedulers, before of repeatable jobs. */
interface SchedulingWorker {
  readonly jobScheduler?: PromiseLike<{ readonly repeatStrategy?: Strategy }>;
  readonly repeat?: PromiseLike<{ readonly repeatStrategy?: Strategy }>;
}

/**
 * A schedule makes its next iteration when one starts, for the next slot from now on: those between are never run. They
 * are counted by whoever starts the late one, which is one worker of all.
 */
export function countMissedSlots(
  slot: number,
  job: BullMQJob,
  { worker, facts, kit }: { readonly worker: object; readonly facts: RunFacts; readonly kit: LibraryKit },
): void {
  const now = Date.now();
  if (now - slot <= ON_TIME_MS) return;
  const { repeat } = job.opts ?? {};
  if (repeat === undefined) return;
  const missed = (at: number): void => kit.missed(facts.operation, 'missed', at);
  if (repeat.every !== undefined) {
    for (const at of slotsBetween(slot, now, (at) => at + Number(repeat.every))) missed(at);
    return;
  }
  const { jobScheduler, repeat: repeatable } = worker as SchedulingWorker;
  countByStrategy(jobScheduler ?? repeatable, (strategy) => {
    // What it knows of a template's first iteration is not meant for those that follow.
    const { immediately: _, ...rest } = repeat as BullMQRepeat & { readonly immediately?: unknown };
    for (const at of slotsBetween(slot, now, (from) => slotOrNone(strategy(from, rest, job.name)))) missed(at);
  });
}

function countByStrategy(
  scheduler: PromiseLike<{ readonly repeatStrategy?: Strategy }> | undefined,
  count: (strategy: Strategy) => void,
): void {
  Promise.resolve(scheduler)
    .then((found) => {
      if (typeof found?.repeatStrategy === 'function') count(found.repeatStrategy);
    })
    .catch((error: unknown) => {
      reportOnce('bullmq.slots', `the missed runs of a schedule could not be counted: ${String(error)}`);
    });
}

/** A strategy of the application may answer with what it likes. */
function slotOrNone(answer: unknown): number | undefined {
  return typeof answer === 'number' ? answer : undefined;
}
