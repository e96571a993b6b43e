/**
 * Schedulers that stand on schedulers: a run of one library that is also a tick of another must not be counted twice.
 * The library above takes over, and learns from the one below what only that knows. Everything here is synchronous:
 * one frame of calls, never across an await.
 */

/** What a scheduler below knows of a tick. */
export interface TickFacts {
  readonly scheduledAt?: Date | number | undefined;
  readonly schedule?: string | undefined;
  readonly attributes?: Readonly<Record<string, unknown>> | undefined;
}

/** Libraries whose jobs, made right now, belong to a library above them. */
let owned: readonly string[] = [];

let tick: TickFacts | undefined;

/** Runs `call`, during which jobs made with these libraries are somebody else's. */
export function whileOwning<T>(libraries: readonly string[], call: () => T): T {
  const outer = owned;
  owned = [...outer, ...libraries];
  try {
    return call();
  } finally {
    owned = outer;
  }
}

/** Whether a job of this library that is made right now belongs to a library above it. */
export function isOwned(library: string): boolean {
  return owned.includes(library);
}

/** Runs a tick that belongs to a library above, which finds `facts` there. */
export function duringTick<T>(facts: TickFacts, call: () => T): T {
  const outer = tick;
  tick = facts;
  try {
    return call();
  } finally {
    tick = outer;
  }
}

/** The tick of a scheduler below that began this call. */
export function currentTick(): TickFacts | undefined {
  return tick;
}
