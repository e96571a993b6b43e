/** A slot that nobody took: at most so many are counted of one gap, for each has to be computed from the one before. */
const MOST_PER_GAP = 100;

/** Slots of a schedule are whole seconds: what is less late than this has passed over none. */
const SHORTEST_PERIOD_MS = 1000;

/**
 * The slots after `from` and before `until`, both excluded.
 *
 * @param next the slot after a given one; undefined when there is none
 */
export function slotsBetween(from: number, until: number, next: (slot: number) => number | undefined): number[] {
  const slots: number[] = [];
  if (until - from <= SHORTEST_PERIOD_MS) return slots;
  let slot = next(from);
  while (slot !== undefined && slot > (slots.at(-1) ?? from) && slot < until && slots.length < MOST_PER_GAP) {
    slots.push(slot);
    slot = next(slot);
  }
  return slots;
}

/** The whole second that a point in time lies in. */
export function wholeSecond(ms: number): number {
  return Math.floor(ms / SHORTEST_PERIOD_MS) * SHORTEST_PERIOD_MS;
}
