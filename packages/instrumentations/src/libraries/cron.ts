import type { RunFacts } from '../base/facts.ts';
import { type Library, prototypeOf } from '../base/hook.ts';
import { LibraryInstrumentation } from '../base/library-instrumentation.ts';
import type { LibraryKit } from '../base/library-kit.ts';
import { duringTick, jobName, ownerOfHandler, type TickFacts } from '../base/schedule-frame.ts';
import { type LibraryCall, wrapFunction } from '../base/wrapped-function.ts';
import { awaitingExit, classifyCommand, commandName, rememberCommand } from './cron-command.ts';
import { scheduleName } from './schedule-name.ts';
import { slotsBetween, wholeSecond } from './schedule-slots.ts';

interface CronTime {
  readonly source?: unknown;
  readonly realDate?: boolean;
  readonly zone?: unknown;
  getNextDateFrom?(start: unknown): unknown;
  _getNextDateFrom?(start: unknown): unknown;
}

interface CronJob {
  readonly name?: unknown;
  readonly cronTime?: CronTime;
  readonly runOnce?: boolean;
  readonly waitForCompletion?: boolean;
  readonly _isCallbackRunning?: boolean;
  /** Since 4 `_isActive`. */
  readonly running?: boolean;
  readonly _isActive?: boolean;
  _callbacks?: unknown[];
}

/** What the timer of a job is set for. Dates of the library (luxon, moment) keep their time zone, so they stay as they are. */
interface Plan {
  next: unknown;
  /** What it just went off for: the library starts the next interval before it calls anybody. */
  due: unknown;
}

/** A job whose timer is being set right now, and the dates that were computed for it. */
interface Arming {
  readonly job: CronJob;
  readonly dates: unknown[];
  /** The slot passed while it was computed: the job runs at once. */
  fired: boolean;
}

const plans = new WeakMap<object, Plan>();
let arming: Arming | undefined;

function planOf(job: CronJob): Plan {
  let plan = plans.get(job);
  if (plan === undefined) {
    plan = { next: undefined, due: undefined };
    plans.set(job, plan);
  }
  return plan;
}

/** `start()`, by the application or by the timer that just went off. */
function armed(call: LibraryCall, kit: LibraryKit): unknown {
  const job = call.self as CronJob;
  if (job._isActive === true || job.running === true) return kit.call(call);
  const plan = planOf(job);
  plan.due = plan.next;
  plan.next = undefined;
  const outer = arming;
  const own: Arming = { job, dates: [], fired: false };
  arming = own;
  let value: unknown;
  try {
    value = kit.call(call);
  } finally {
    arming = outer;
  }
  plan.next = own.dates.at(-1);
  countLost(job, kit, { plan, own });
  return value;
}

/** What a blocked event loop passed over, and what was dropped for being late. */
function countLost(job: CronJob, kit: LibraryKit, { plan, own }: { readonly plan: Plan; readonly own: Arming }): void {
  const lost: number[] = [];
  if (plan.due !== undefined && plan.next !== undefined) {
    let date: unknown = plan.due;
    const next = (): number | undefined => {
      const { cronTime } = job;
      date = cronTime?.getNextDateFrom?.(date) ?? cronTime?._getNextDateFrom?.(date);
      return date === undefined ? undefined : Number(date);
    };
    lost.push(...slotsBetween(Number(plan.due), Number(own.dates[0]), next));
  }
  if (own.dates.length > 1 && !own.fired) lost.push(Number(own.dates[0]));
  for (const slot of lost) missed(job, kit, { reason: 'missed', slot });
}

function dateComputed(call: LibraryCall, kit: LibraryKit): unknown {
  const date = kit.call(call);
  if (arming !== undefined && call.self === arming.job.cronTime && call.args.length === 0) arming.dates.push(date);
  return date;
}

function stopped(call: LibraryCall, kit: LibraryKit): unknown {
  if (arming?.job !== call.self) plans.delete(call.self as object);
  return kit.call(call);
}

/**
 * One tick: every callback is a run. They are wrapped for the length of this call, so that nothing of the job changes;
 * with `waitForCompletion` the library goes on through the same array.
 */
function ticked(call: LibraryCall, kit: LibraryKit): unknown {
  const job = call.self as CronJob;
  const tick = takeTick(job);
  const { _callbacks: callbacks } = job;
  if (!Array.isArray(callbacks)) return kit.call(call);
  if (job.waitForCompletion === true && job._isCallbackRunning === true) {
    if (tick.trigger === 'schedule') missed(job, kit, { reason: 'overlap', slot: Number(tick.scheduledAt) });
    return kit.call(call);
  }
  const wrapped = callbacks.map((callback) => wrapCallback(callback, kit, { job, tick }));
  job._callbacks = wrapped;
  try {
    return kit.call(call);
  } finally {
    job._callbacks = callbacks;
    // A callback may add another.
    callbacks.push(...wrapped.slice(callbacks.length));
  }
}

function takeTick(job: CronJob): TickFacts {
  const plan = planOf(job);
  const schedule = patternOf(job);
  const now = Date.now();
  if (arming?.job === job) {
    arming.fired = true;
    return { trigger: 'schedule', scheduledAt: wholeSecond(now), schedule };
  }
  if (plan.due !== undefined) {
    const scheduledAt = Number(plan.due);
    plan.due = undefined;
    return { trigger: 'schedule', scheduledAt, schedule };
  }
  // A date: nothing is started after it.
  if (job.runOnce === true && plan.next !== undefined && Number(plan.next) <= now) {
    const scheduledAt = Number(plan.next);
    plan.next = undefined;
    return { trigger: 'schedule', scheduledAt, schedule };
  }
  return { trigger: 'manual', schedule };
}

function patternOf({ cronTime }: CronJob): string | undefined {
  if (cronTime?.source === undefined) return undefined;
  return cronTime.realDate === true ? new Date(Number(cronTime.source)).toISOString() : String(cronTime.source);
}

interface Ticked {
  readonly job: CronJob;
  readonly tick: TickFacts;
}

function wrapCallback(callback: unknown, kit: LibraryKit, { job, tick }: Ticked): unknown {
  if (typeof callback !== 'function') return callback;
  if (ownerOfHandler(callback) !== undefined) {
    return wrapFunction(callback, 'cron.tick', (run) => duringTick(tick, () => kit.call(run)).value);
  }
  const facts: RunFacts = { operation: nameOf(job, callback, kit), job, ...tick };
  if (commandName(callback) === undefined) {
    // Before version 4 nobody handles what a callback rejects with.
    return kit.wrapHandler(callback, () => facts, 'through');
  }
  return wrapFunction(callback, 'cron.command', (run) => {
    let child: unknown;
    const awaited = awaitingExit(run, (started) => {
      child = started;
    });
    kit.run(awaited, () => ({ ...facts, classify: classifyCommand }));
    return child;
  });
}

function nameOf(job: CronJob, callback: unknown, kit: LibraryKit): string {
  const { cronTime } = job;
  const program = commandName(callback);
  return scheduleName(kit, {
    library: 'cron',
    name: job.name ?? jobName(job) ?? program,
    handler: program === undefined ? callback : undefined,
    given: ['onTick'],
    pattern: cronTime?.realDate === true ? undefined : cronTime?.source,
  });
}

function missed(
  job: CronJob,
  kit: LibraryKit,
  { reason, slot }: { readonly reason: 'missed' | 'overlap'; readonly slot: number },
): void {
  const [callback] = job._callbacks ?? [];
  const owner = ownerOfHandler(callback);
  if (owner !== undefined) owner.missed(reason, slot);
  else kit.missed({ operation: nameOf(job, callback, kit), job }, reason, slot);
}

const CRON: Library = {
  name: 'cron',
  patches: [
    {
      module: 'cron',
      versions: '>=1.8 <5',
      hooks: [
        { form: 'around', on: prototypeOf('CronJob'), method: 'fireOnTick', around: ticked },
        { form: 'around', on: prototypeOf('CronJob'), method: 'start', around: armed },
        { form: 'around', on: prototypeOf('CronJob'), method: 'stop', around: stopped },
        { form: 'around', on: prototypeOf('CronTime'), method: 'sendAt', around: dateComputed },
        {
          form: 'around',
          on: prototypeOf('CronJob'),
          method: '_fnWrap',
          // Versions 1 and 2 have it for themselves.
          optional: true,
          around: (call, kit) => {
            const made = kit.call(call);
            rememberCommand(made, call.args[0]);
            return made;
          },
        },
      ],
    },
  ],
};

/** Runs of the jobs of `cron`, one for each callback. */
export class CronInstrumentation extends LibraryInstrumentation {
  protected override get library(): Library {
    return CRON;
  }
}
