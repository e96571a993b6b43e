/** A slot that nobody took: at most so many are counted of one gap. */
export const MOST_PER_GAP = 100;

/** What the library made when it took an iteration of a schedule up. */
export interface NextIteration {
  /** Its slot, epoch milliseconds; undefined where it made none. */
  readonly slot: number | undefined;
  /** When it was made at the latest, epoch milliseconds. */
  readonly madeAt: number;
}

/** By the options of the iteration that was taken up: an object of its own in every job that is fetched. */
const nextIterations = new WeakMap<object, NextIteration>();

/** Remembers which iteration follows the one with these options. */
export function noteNextIteration(options: unknown, next: NextIteration): void {
  if (typeof options === 'object' && options !== null) nextIterations.set(options, next);
}

/** Which iteration follows the one with these options, as the library has decided in this process. */
export function nextIteration(options: object | undefined): NextIteration | undefined {
  return options === undefined ? undefined : nextIterations.get(options);
}

/** The slots after `from` and before `until`, both excluded, of a schedule of so many milliseconds. */
export function slotsEvery(period: number, from: number, until: number): number[] {
  const slots: number[] = [];
  if (!(period > 0)) return slots;
  for (let slot = from + period; slot < until && slots.length < MOST_PER_GAP; slot += period) slots.push(slot);
  return slots;
}
