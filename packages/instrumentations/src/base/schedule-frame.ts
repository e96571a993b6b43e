/**
 * Schedulers that stand on schedulers: a run of one library that is also a tick of another must not be counted twice.
 * The library above takes over, learns from the one below what only that knows, and says what its jobs are called.
 * Everything here is synchronous: one frame of calls, never across an await.
 */
import type { MissedReason } from '@taskspan/core/hub';

/** What a scheduler below knows of a tick. */
export interface TickFacts {
  readonly scheduledAt?: Date | number | undefined;
  readonly schedule?: string | undefined;
  readonly trigger: 'schedule' | 'manual';
}

/** The library above a scheduler's job: what happens to it is told there. */
export interface TickOwner {
  /** A run of the job that did not happen. */
  missed(reason: MissedReason, scheduledAt?: Date | number): void;
}

interface Ownership {
  readonly library: string;
  readonly owner: TickOwner;
  readonly outer: Ownership | undefined;
}

let ownership: Ownership | undefined;

let tick: { readonly facts: TickFacts; taken: boolean } | undefined;

const handlers = new WeakMap<object, TickOwner>();
const names = new WeakMap<object, string>();

/** Runs `call`, during which jobs that are made with a library belong to `owner`. */
export function whileOwning<T>(library: string, owner: TickOwner, call: () => T): T {
  const outer = ownership;
  ownership = { library, owner, outer };
  try {
    return call();
  } finally {
    ownership = outer;
  }
}

/** Whom a job of this library that is made right now belongs to. */
export function currentOwner(library: string): TickOwner | undefined {
  for (let one = ownership; one !== undefined; one = one.outer) if (one.library === library) return one.owner;
  return undefined;
}

/** Says whose handler this is, whichever job of a scheduler below is made of it. */
export function claimHandler(handler: unknown, owner: TickOwner): void {
  if (typeof handler === 'function') handlers.set(handler, owner);
}

/** Whose handler this is. */
export function ownerOfHandler(handler: unknown): TickOwner | undefined {
  return typeof handler === 'function' ? handlers.get(handler) : undefined;
}

/** Says what a job of a scheduler below is called above. */
export function nameJob(job: unknown, name: unknown): void {
  if (typeof job === 'object' && job !== null && typeof name === 'string') names.set(job, name);
}

/** What a job is called above. */
export function jobName(job: object): string | undefined {
  return names.get(job);
}

/**
 * Runs a tick that belongs to a library above, which finds `facts` there.
 *
 * @returns what `call` returns, and whether somebody above has asked: if not, the tick led to no run
 */
export function duringTick<T>(facts: TickFacts, call: () => T): { readonly value: T; readonly taken: boolean } {
  const outer = tick;
  const own = { facts, taken: false };
  tick = own;
  try {
    const value = call();
    return { value, taken: own.taken };
  } finally {
    tick = outer;
  }
}

/** The tick of a scheduler below that began this call: for the first who asks, whose run it is. */
export function currentTick(): TickFacts | undefined {
  if (tick === undefined || tick.taken) return undefined;
  tick.taken = true;
  return tick.facts;
}
