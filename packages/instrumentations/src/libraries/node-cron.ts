import { isAbsolute, resolve } from 'node:path';
import type { RunFacts } from '../base/facts.ts';
import { type AroundHook, type Exports, exported, type Library } from '../base/hook.ts';
import { LibraryInstrumentation } from '../base/library-instrumentation.ts';
import type { LibraryKit } from '../base/library-kit.ts';
import { patchMember } from '../base/patch-member.ts';
import type { LibraryCall } from '../base/wrapped-function.ts';
import { callerFolder } from './caller-folder.ts';
import { scheduleName } from './schedule-name.ts';
import { slotsBetween, wholeSecond } from './schedule-slots.ts';

/** What a handler of version 4 gets, and listeners too. */
interface Context {
  readonly date?: unknown;
  readonly execution?: { readonly id?: string; readonly reason?: string; readonly error?: unknown };
}

interface Options {
  readonly name?: unknown;
  readonly noOverlap?: boolean;
  readonly timezone?: string;
}

type Emitting = object & { emit?: unknown };

interface ScheduledTask extends Emitting {
  /** Version 4. */
  readonly emitter?: Emitting;
  readonly runner?: { readonly noOverlap?: boolean };
  /** Version 3. */
  readonly _scheduler?: { readonly timeMatcher?: object; readonly autorecover?: boolean };
}

/** One call of `schedule` or `createTask`. */
interface Registration {
  readonly pattern: string;
  readonly options: Options;
  readonly operation: string;
  readonly kit: LibraryKit;
  task: ScheduledTask | undefined;
}

function registrationOf({ args }: LibraryCall, kit: LibraryKit): Registration {
  const [pattern, handler, given] = args;
  const options: Options = typeof given === 'object' && given !== null ? given : {};
  // Read before the library, which in version 3 writes a name into the caller's options.
  const operation = scheduleName(kit, {
    library: 'node-cron',
    name: options.name,
    handler,
    pattern: typeof pattern === 'string' ? pattern : undefined,
  });
  return { pattern: String(pattern), options: { ...options }, operation, kit, task: undefined };
}

/** A task that is to run a function, or a file in a process of its own. */
function registered(call: LibraryCall, kit: LibraryKit, locate: (file: string) => string): unknown {
  const [pattern, handler, ...rest] = call.args;
  const registration = registrationOf(call, kit);
  const inBackground = typeof handler === 'string';
  const given = inBackground
    ? locate(handler)
    : kit.wrapHandler(handler, ({ args }) => describe(registration, args[0]));
  const task = kit.call({ ...call, args: [pattern, given, ...rest] });
  if (typeof task !== 'object' || task === null) return task;
  registration.task = task;
  watch(registration, task, inBackground);
  return task;
}

function describe(registration: Registration, given: unknown): RunFacts {
  const { operation, pattern, task } = registration;
  const facts = { operation, job: task, schedule: pattern };
  if (given instanceof Date) return { ...facts, trigger: 'schedule', scheduledAt: instant(given, registration) };
  // Version 3 has a word for what no clock began, version 2 gives nothing.
  if (typeof given === 'string') return { ...facts, trigger: 'manual' };
  const { execution, date } = (given ?? {}) as Context;
  const manual = execution?.reason === 'invoked';
  const slot = date instanceof Date ? date : new Date(wholeSecond(Date.now()));
  return {
    ...facts,
    jobId: execution?.id,
    trigger: manual ? 'manual' : 'schedule',
    scheduledAt: manual ? undefined : slot,
  };
}

/** In a time zone, version 3 hands out dates that are off by the difference, which is some quarters of an hour. */
function instant(date: Date, { options }: Registration): number {
  const quarter = 900_000;
  const off = options.timezone === undefined ? 0 : Math.round((date.getTime() - Date.now()) / quarter) * quarter;
  return wholeSecond(date.getTime() - off);
}

/** Hears what the library tells its listeners, without being one: it asks whether there are any. */
function watch(registration: Registration, task: ScheduledTask, inBackground: boolean): void {
  const { _scheduler: scheduler, emitter } = task;
  if (scheduler?.timeMatcher !== undefined && scheduler.autorecover !== true) {
    watchSeconds(registration, scheduler, scheduler.timeMatcher);
  }
  if (emitter === undefined) return;
  const background = inBackground ? new BackgroundRuns(registration) : undefined;
  const emitting = typeof task.emit === 'function' ? task : emitter;
  patchMember(emitting, 'emit', {
    key: 'node-cron.emit',
    interceptor: (call) => {
      const [event, context] = call.args;
      told(registration, event, (context ?? {}) as Context);
      background?.told(event, (context ?? {}) as Context);
      return registration.kit.call(call);
    },
  });
}

function told(registration: Registration, event: unknown, { date }: Context): void {
  const { kit, operation, task, options } = registration;
  const slot = date instanceof Date ? date : undefined;
  const missed = { operation, job: task };
  if (event === 'execution:missed') kit.missed(missed, 'missed', slot);
  else if (event === 'execution:skipped') kit.missed(missed, 'skipped', slot);
  // Told of every overlap, whether it is allowed or not.
  else if (event === 'execution:overlap' && (task?.runner?.noOverlap ?? options.noOverlap) === true) {
    kit.missed(missed, 'overlap', slot);
  }
}

/** Version 3 looks at every second; those in which the event loop was blocked it does not see. */
function watchSeconds({ kit, operation, task }: Registration, scheduler: object, matcher: object): void {
  let seen: number | undefined;
  patchMember(matcher, 'match', {
    key: 'node-cron.match',
    interceptor: (call) => {
      const [date] = call.args;
      const second = date instanceof Date ? wholeSecond(date.getTime()) : undefined;
      if (seen !== undefined && second !== undefined) {
        for (const slot of slotsBetween(seen, second, (from) => from + 1000)) {
          const due = kit.call({ ...call, args: [new Date(slot)] }) === true;
          if (due) kit.missed({ operation, job: task }, 'missed', slot);
        }
      }
      seen = second;
      return kit.call(call);
    },
  });
  patchMember(scheduler, 'start', {
    key: 'node-cron.start',
    interceptor: (call) => {
      seen = undefined;
      return kit.call(call);
    },
  });
}

/** Runs in a process of the library's, as that tells of them. */
class BackgroundRuns {
  readonly #registration: Registration;
  readonly #open = new Map<string, { readonly resolve: () => void; readonly reject: (error: unknown) => void }>();

  constructor(registration: Registration) {
    this.#registration = registration;
  }

  told(event: unknown, context: Context): void {
    const { id } = context.execution ?? {};
    if (id === undefined) return;
    if (event === 'execution:started') this.#begin(id, context);
    const open = this.#open.get(id);
    if (open === undefined || (event !== 'execution:finished' && event !== 'execution:failed')) return;
    this.#open.delete(id);
    if (event === 'execution:failed') open.reject(context.execution?.error);
    else open.resolve();
  }

  #begin(id: string, context: Context): void {
    const { kit } = this.#registration;
    const settled = new Promise<void>((resolve, reject) => this.#open.set(id, { resolve, reject }));
    kit.run({ original: () => settled, self: undefined, args: [] }, () => describe(this.#registration, context));
    // Heard beside: nobody else waits for this one.
    settled.catch(() => {});
  }
}

function hook(method: 'schedule' | 'createTask', locate: (file: string) => string): AroundHook {
  return {
    form: 'around',
    on: (exports: Exports) => [exports, exports['default'], exported(exports, 'nodeCron')],
    method,
    ...(method === 'createTask' ? { optional: true } : {}),
    around: (call, kit) => registered(call, kit, locate),
  };
}

/** Since version 4 a file is looked for from where it was named. */
function fromCaller(file: string): string {
  if (isAbsolute(file) || file.startsWith('file://')) return file;
  const folder = callerFolder();
  return folder === undefined ? file : resolve(folder, file);
}

const asItIs = (file: string): string => file;

const NODE_CRON: Library = {
  name: 'node-cron',
  patches: [
    { module: 'node-cron', versions: '>=2 <4', hooks: [hook('schedule', asItIs)] },
    {
      module: 'node-cron',
      versions: '>=4 <5',
      hooks: [hook('schedule', fromCaller), hook('createTask', fromCaller)],
    },
  ],
};

/** Runs of node-cron's tasks. */
export class NodeCronInstrumentation extends LibraryInstrumentation {
  protected override get library(): Library {
    return NODE_CRON;
  }
}
