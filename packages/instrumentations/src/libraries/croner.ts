import { type Library, prototypeOf } from '../base/hook.ts';
import { LibraryInstrumentation } from '../base/library-instrumentation.ts';
import type { LibraryKit } from '../base/library-kit.ts';
import { currentOwner, duringTick, type TickFacts, type TickOwner } from '../base/schedule-frame.ts';
import type { LibraryCall } from '../base/wrapped-function.ts';
import { scheduleName } from './schedule-name.ts';
import { slotsBetween } from './schedule-slots.ts';

interface Cron {
  readonly name?: unknown;
  readonly options?: { readonly protect?: unknown };
  readonly _states?: {
    readonly paused?: boolean;
    readonly blocking?: boolean;
    readonly once?: { getTime?(): number };
    readonly pattern?: { readonly pattern?: unknown };
  };
  fn?: unknown;
  nextRun?(after: Date): Date | null;
}

interface Progress {
  readonly owner: TickOwner | undefined;
  /** The last slot that is accounted for: it ran, or is counted as missed. Epoch milliseconds. */
  slot: number | undefined;
  /** When the timer after it was set. */
  armedAt: number;
}

const progress = new WeakMap<object, Progress>();

/** The job whose timer went off right now, and for which slot. */
let firing: { readonly cron: Cron; readonly slot: number } | undefined;

function progressOf(cron: Cron): Progress {
  let known = progress.get(cron);
  if (known === undefined) {
    known = { owner: currentOwner('croner'), slot: undefined, armedAt: 0 };
    progress.set(cron, known);
  }
  return known;
}

function scheduled(call: LibraryCall, kit: LibraryKit): unknown {
  progressOf(call.self as Cron);
  return kit.call(call);
}

/** The timer went off, perhaps only because it cannot sleep for so long. */
function checked(call: LibraryCall, kit: LibraryKit): unknown {
  const cron = call.self as Cron;
  const known = progressOf(cron);
  const target = Number(call.args[0]);
  const now = Date.now();
  if (!(now >= target)) return kit.call(call);
  if (cron._states?.paused === true) {
    known.slot = now;
    return kit.call(call);
  }
  const slot = slotOf(cron, known, target);
  for (const lost of vanished(cron, known, slot)) missed(cron, kit, { reason: 'missed', slot: lost });
  if (cron._states?.blocking === true && cron.options?.protect) missed(cron, kit, { reason: 'overlap', slot });
  const outer = firing;
  firing = { cron, slot };
  known.slot = slot;
  try {
    return kit.call(call);
  } finally {
    firing = outer;
    known.armedAt = Date.now();
  }
}

/** While a run goes on, the library repeats the first slot after its start. */
function slotOf(cron: Cron, known: Progress, target: number): number {
  if (known.slot === undefined || target > known.slot) return target;
  return after(cron, known.slot) ?? target;
}

/** Slots that passed while the event loop was blocked: the library goes on with the next one after. */
function vanished(cron: Cron, known: Progress, slot: number): number[] {
  if (known.slot === undefined || known.armedAt - known.slot < 1000) return [];
  return slotsBetween(known.slot, slot, (from) => after(cron, from));
}

function after(cron: Cron, slot: number): number | undefined {
  return cron.nextRun?.(new Date(slot))?.getTime();
}

/** A run, by the timer or by `trigger()`. The handler is wrapped until it is called, which is at once. */
function triggered(call: LibraryCall, kit: LibraryKit): unknown {
  const cron = call.self as Cron;
  const { fn } = cron;
  if (typeof fn !== 'function') return kit.call(call);
  const tick = tickOf(cron);
  const { owner } = progressOf(cron);
  if (owner !== undefined) {
    const { value, taken } = duringTick(tick, () => kit.call(call));
    // Above it was decided that the run before has to end first.
    if (!taken) owner.missed('overlap', tick.scheduledAt);
    return value;
  }
  cron.fn = kit.wrapHandler(fn, () => ({ operation: nameOf(cron, kit), job: cron, ...tick }));
  try {
    return kit.call(call);
  } finally {
    cron.fn = fn;
  }
}

function tickOf(cron: Cron): TickFacts {
  const once = cron._states?.once?.getTime?.();
  const schedule = once === undefined ? patternOf(cron) : new Date(once).toISOString();
  if (firing?.cron !== cron) return { trigger: 'manual', schedule };
  return { trigger: 'schedule', scheduledAt: firing.slot, schedule };
}

/** A date has one too, made up by the library. */
function patternOf({ _states }: Cron): string | undefined {
  const pattern = _states?.once === undefined ? _states?.pattern?.pattern : undefined;
  return typeof pattern === 'string' ? pattern : undefined;
}

function nameOf(cron: Cron, kit: LibraryKit): string {
  return scheduleName(kit, { library: 'croner', name: cron.name, handler: cron.fn, pattern: patternOf(cron) });
}

function missed(
  cron: Cron,
  kit: LibraryKit,
  { reason, slot }: { readonly reason: 'missed' | 'overlap'; readonly slot: number },
): void {
  const { owner } = progressOf(cron);
  if (owner !== undefined) owner.missed(reason, slot);
  else kit.missed({ operation: nameOf(cron, kit), job: cron }, reason, slot);
}

const CRONER: Library = {
  name: 'croner',
  patches: [
    {
      module: 'croner',
      versions: '>=8 <12',
      hooks: [
        { form: 'around', on: prototypeOf('Cron'), method: 'schedule', around: scheduled },
        { form: 'around', on: prototypeOf('Cron'), method: '_checkTrigger', around: checked },
        { form: 'around', on: prototypeOf('Cron'), method: '_trigger', around: triggered },
      ],
    },
  ],
};

/** Runs of croner's jobs. */
export class CronerInstrumentation extends LibraryInstrumentation {
  protected override get library(): Library {
    return CRONER;
  }
}
