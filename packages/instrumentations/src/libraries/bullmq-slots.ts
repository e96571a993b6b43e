/**
 * Slots of schedules that are never run. When a worker fetches an iteration, and some time before it works on it, the
 * library makes the next one, for the first slot after that very moment: all slots between the two are lost. So the gap
 * is read from what the library made, and not from a clock of ours, which would be right only by chance: at the start
 * of the run it is later than the library's decision, by whatever the worker was busy with in between. The next slot is
 * told together with the run that it follows, so that each gap is told once, by the one worker that began it.
 */
import { observe, reportOnce } from '@taskspan/core/hub';
import type { RunFacts } from '../base/facts.ts';
import { type AroundHook, prototypeOf } from '../base/hook.ts';
import type { LibraryKit } from '../base/library-kit.ts';
import { MOST_PER_GAP, type NextIteration, nextIteration, noteNextIteration, slotsEvery } from './bull-iterations.ts';
import { type BullMQJob, type BullMQRepeat, slotOf } from './bullmq-job.ts';

/** Slots of patterns are whole seconds: what is fetched less late than this has passed over none. */
const ON_TIME_MS = 1000;

/** The next slot after a point in time, both in epoch milliseconds; that of an application may be a promise. */
type Strategy = (millis: number, repeat: BullMQRepeat, name: string | undefined) => unknown;

/** What makes iterations: since 5.10 a job scheduler, before a repeatable. */
interface Scheduler {
  readonly repeatStrategy?: Strategy;
}

interface Made extends NextIteration {
  readonly scheduler: Scheduler;
}

/** The next iterations of schedules, each of the three in some versions. */
export const NEXT_ITERATION_HOOKS: readonly AroundHook[] = [
  makingNext('JobScheduler', 'upsertJobScheduler', 4),
  makingNext('Repeat', 'updateRepeatableJob', 2),
  makingNext('Repeat', 'addNextRepeatableJob', 2),
];

/** @param optionsAt position of the options of the iteration that is taken up */
function makingNext(name: string, method: string, optionsAt: number): AroundHook {
  return {
    form: 'around',
    on: prototypeOf(name),
    method,
    optional: true,
    around: (call, kit) => {
      const options = call.args[optionsAt] as BullMQJob['opts'] | undefined;
      const promise = kit.call(call);
      // No iteration: somebody makes or changes the schedule.
      if (options?.repeat === undefined) return promise;
      const returned = (next: unknown): void => {
        const slot = next === undefined || next === null ? undefined : slotOf(next as BullMQJob);
        const made: Made = { slot, madeAt: Date.now(), scheduler: call.self as Scheduler };
        noteNextIteration(options, made);
      };
      return observe(promise, { returned, threw: () => {} }, 'beside');
    },
  };
}

/** Counts the slots between that of a job, which is started for the first time, and that of the iteration after it. */
export function countMissedSlots(
  slot: number,
  job: BullMQJob,
  of: { readonly facts: RunFacts; readonly kit: LibraryKit },
): void {
  const made = nextIteration(job.opts) as Made | undefined;
  const { repeat } = job.opts ?? {};
  if (made === undefined || repeat === undefined) return;
  const until = made.slot ?? endOf(repeat, made.madeAt);
  if (until === undefined) return;
  const missed = (at: number): void => of.kit.missed(of.facts, 'missed', at);
  if (repeat.every !== undefined) {
    const period = Number(repeat.every);
    // Some versions of 5 go on from the late moment, or from a round one: that stands for the slot nearest to it.
    const last = made.slot === undefined ? until : until - period / 2;
    for (const at of slotsEvery(period, slot, last)) missed(at);
    return;
  }
  if (made.madeAt - slot < ON_TIME_MS) return;
  countByStrategy({ scheduler: made.scheduler, job, repeat, slot, until }, missed).catch((error: unknown) => {
    reportOnce('bullmq.slots', `the missed runs of a schedule could not be counted: ${String(error)}`);
  });
}

/** Until when there were slots, where there is no next iteration: that of a schedule that has an end. */
function endOf({ endDate, limit }: BullMQRepeat, madeAt: number): number | undefined {
  if (endDate === undefined || limit !== undefined) return undefined;
  return Math.min(new Date(endDate).getTime(), madeAt) + 1;
}

interface Gap {
  readonly scheduler: Scheduler;
  readonly job: BullMQJob;
  readonly repeat: BullMQRepeat;
  readonly slot: number;
  readonly until: number;
}

async function countByStrategy(
  { scheduler, job, repeat, slot, until }: Gap,
  missed: (at: number) => void,
): Promise<void> {
  // What it knows of a template's first iteration is not meant for those that follow.
  const { immediately: _, ...rest } = repeat;
  let from = slot;
  for (let count = 0; count < MOST_PER_GAP; count += 1) {
    const at = await scheduler.repeatStrategy?.(from, rest, job.name);
    // That of an application may answer with what it likes.
    if (typeof at !== 'number' || at <= from || at >= until) return;
    missed(at);
    from = at;
  }
}
