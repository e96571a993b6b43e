import { BadRequestError } from '../reader/reader-error.ts';

const DAY = /^\d{4}-\d{2}-\d{2}$/;
const MS_PER_DAY = 86_400_000;

/** The instants that runs of a question start at, in epoch milliseconds: from the first to before the second. */
export interface StartRange {
  readonly fromMs: number;
  readonly beforeMs: number;
}

/**
 * @param request inclusive UTC days
 * @throws BadRequestError for what is no day
 */
export function startRange(request: {
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}): StartRange {
  return {
    fromMs: request.from === undefined ? Number.NEGATIVE_INFINITY : dayMs('from', request.from),
    beforeMs: request.to === undefined ? Number.POSITIVE_INFINITY : dayMs('to', request.to) + MS_PER_DAY,
  };
}

function dayMs(parameter: string, day: string): number {
  const ms = typeof day === 'string' && DAY.test(day) ? Date.parse(day) : Number.NaN;
  // A day that its month does not have would become one of the next.
  if (Number.isNaN(ms) || new Date(ms).toISOString().slice(0, 10) !== day)
    throw new BadRequestError(parameter, day, 'a day as YYYY-MM-DD');
  return ms;
}

/** When runs in a day's folder are listed at the earliest, and before when: see `tableOf`. */
export function rangeOfFolder(day: string): StartRange {
  const ms = Date.parse(day);
  return { fromMs: ms - MS_PER_DAY, beforeMs: ms + 2 * MS_PER_DAY };
}
