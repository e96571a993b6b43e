import type { RunFacts } from '../base/facts.ts';
import { type Library, prototypeOf } from '../base/hook.ts';
import { LibraryInstrumentation } from '../base/library-instrumentation.ts';
import type { LibraryKit } from '../base/library-kit.ts';
import { currentTick, whileOwning } from '../base/schedule-frame.ts';
import type { LibraryCall } from '../base/wrapped-function.ts';
import { scheduleName } from './schedule-name.ts';

interface Task {
  readonly id?: unknown;
  handler?: unknown;
}

interface Job {
  readonly id?: unknown;
  readonly task?: Task;
  readonly preventOverrun?: boolean;
  readonly schedule?: Readonly<Record<string, unknown>>;
}

/** What is known of a task that an interval job runs. */
interface Interval {
  readonly periodMs: number;
  readonly preventOverrun: boolean;
  /** When its timer, or a run by it, was last begun. Epoch milliseconds. */
  begunAt: number;
  endedAt: number;
}

/** The library's own tasks of intervals that are too long for a timer. */
const INNER_TASKS: ReadonlySet<unknown> = new Set(['time eating task', 'Final mile task']);

const UNITS_MS = { milliseconds: 1, seconds: 1000, minutes: 60_000, hours: 3_600_000, days: 86_400_000 };

const intervals = new WeakMap<object, Interval>();

/** Tasks that are called right now although no clock did it. */
let manual: Task | undefined;

/** Tasks whose handler is wrapped for the length of a call: `execute` of an asynchronous one calls another hooked method. */
const wrapped = new WeakSet<object>();

function periodOf({ schedule }: Job): number {
  let ms = 0;
  for (const [unit, length] of Object.entries(UNITS_MS)) ms += Number(schedule?.[unit] ?? 0) * length;
  return ms;
}

/** A task is about to call its handler, which is wrapped until it does: at once. */
function executed(call: LibraryCall, kit: LibraryKit, observation: 'beside' | 'through'): unknown {
  const task = call.self as Task;
  const { handler } = task;
  if (INNER_TASKS.has(task.id) || wrapped.has(task) || typeof handler !== 'function') return kit.call(call);
  task.handler = kit.wrapHandler(handler, () => describe(task, call.args[0], { kit, handler }), observation);
  wrapped.add(task);
  try {
    return kit.call(call);
  } finally {
    wrapped.delete(task);
    task.handler = handler;
  }
}

function describe(
  task: Task,
  jobId: unknown,
  { kit, handler }: { readonly kit: LibraryKit; readonly handler: unknown },
): RunFacts {
  const operation = nameOf(task, handler, kit);
  const interval = intervals.get(task);
  const tick = currentTick();
  const facts = { operation, job: task, jobId: typeof jobId === 'string' ? jobId : undefined };
  if (tick !== undefined) return { ...facts, ...tick };
  if (interval === undefined) return { ...facts, trigger: manual === task ? 'manual' : 'schedule' };
  const schedule = `every ${interval.periodMs} ms`;
  if (manual === task) return { ...facts, schedule, trigger: 'manual' };
  countLost(task, kit, { interval, operation });
  interval.begunAt = Date.now();
  const classify = (): undefined => {
    interval.endedAt = Date.now();
  };
  return { ...facts, schedule, trigger: 'schedule', classify };
}

function nameOf(task: Task, handler: unknown, kit: LibraryKit): string {
  return scheduleName(kit, { library: 'toad-scheduler', name: task.id, handler });
}

/** Periods without a run since the last: the run before was still going on, or the event loop was blocked. */
function countLost(
  task: Task,
  kit: LibraryKit,
  { interval, operation }: { readonly interval: Interval; readonly operation: string },
): void {
  const { begunAt, endedAt, periodMs, preventOverrun } = interval;
  if (periodMs <= 0) return;
  const periods = Math.round((Date.now() - begunAt) / periodMs);
  const overrun = preventOverrun ? Math.floor((endedAt - begunAt) / periodMs) : 0;
  for (let period = 1; period < Math.min(periods, 100); period += 1) {
    kit.missed({ operation, job: task }, period <= overrun ? 'overlap' : 'missed', begunAt + period * periodMs);
  }
}

/** The application, or `runImmediately`, has the task done now. */
function calledFor(call: LibraryCall, kit: LibraryKit): unknown {
  const outer = manual;
  manual = (call.self as Job).task;
  try {
    return kit.call(call);
  } finally {
    manual = outer;
  }
}

/** The timer is set here, and what is done at once is done here too. */
function intervalStarted(call: LibraryCall, kit: LibraryKit): unknown {
  const job = call.self as Job;
  const { task } = job;
  if (task !== undefined && !INNER_TASKS.has(task.id)) {
    const now = Date.now();
    const interval = {
      periodMs: periodOf(job),
      preventOverrun: job.preventOverrun === true,
      begunAt: now,
      endedAt: now,
    };
    intervals.set(task, interval);
  }
  return calledFor(call, kit);
}

/** What croner is asked for here is this library's: its ticks are runs of the task. */
function cronStarted(call: LibraryCall, kit: LibraryKit): unknown {
  const { task } = call.self as Job;
  if (task === undefined) return kit.call(call);
  const owner = {
    missed: (reason: 'missed' | 'overlap' | 'skipped', slot?: Date | number): void =>
      kit.missed({ operation: nameOf(task, task.handler, kit), job: task }, reason, slot),
  };
  return whileOwning('croner', owner, () => kit.call(call));
}

const TOAD_SCHEDULER: Library = {
  name: 'toad-scheduler',
  patches: [
    {
      module: 'toad-scheduler',
      versions: '>=3 <5',
      hooks: [
        {
          form: 'around',
          on: prototypeOf('Task'),
          method: 'execute',
          // Nobody handles what a handler rejects with that was not meant to be asynchronous.
          around: (call, kit) => executed(call, kit, 'through'),
        },
        {
          form: 'around',
          on: prototypeOf('AsyncTask'),
          method: 'execute',
          around: (call, kit) => executed(call, kit, 'beside'),
        },
        {
          form: 'around',
          on: prototypeOf('AsyncTask'),
          method: 'executeAsync',
          optional: true,
          around: (call, kit) => executed(call, kit, 'beside'),
        },
        { form: 'around', on: prototypeOf('SimpleIntervalJob'), method: 'start', around: intervalStarted },
        {
          form: 'around',
          on: prototypeOf('SimpleIntervalJob'),
          method: 'executeAsync',
          optional: true,
          around: calledFor,
        },
        { form: 'around', on: prototypeOf('LongIntervalJob'), method: 'start', around: intervalStarted },
        { form: 'around', on: prototypeOf('CronJob'), method: 'start', optional: true, around: cronStarted },
      ],
    },
  ],
  owns: ['croner'],
};

/** Runs of toad-scheduler's tasks, whichever job has them done. */
export class ToadSchedulerInstrumentation extends LibraryInstrumentation {
  protected override get library(): Library {
    return TOAD_SCHEDULER;
  }
}
