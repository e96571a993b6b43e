/** Values of options as requests of the reader have them. */
import { BadRequestError, LOG_LEVELS, parseLevel, parseNanosText } from '@taskspan/joblog';
import { parseDuration } from '../duration-text.ts';

/** Of one answer. */
export const MOST_ITEMS = 10_000;

const LAST_NANO = 2n ** 63n - 1n;

/**
 * Nanoseconds since the epoch of RFC 3339, of Unix nanoseconds, or of a time span before now such as `10m`.
 *
 * @throws BadRequestError
 */
export function readSince(text: string, nowMs: number = Date.now()): bigint {
  if (/^\d{1,19}$/.test(text) && BigInt(text) <= LAST_NANO) return BigInt(text);
  const ago = parseDuration(text);
  const nanos = ago === undefined ? parseNanosText(text) : BigInt(Math.max(0, Math.round(nowMs - ago))) * 1_000_000n;
  if (nanos !== undefined) return nanos;
  throw new BadRequestError('since', text, 'an instant as RFC 3339 or in Unix nanoseconds, or a time span such as 10m');
}

/**
 * Number of a level, 0 to 3, of its name in any case or that number.
 *
 * @throws BadRequestError
 */
export function readLevel(text: string): number {
  const level = parseLevel(text);
  if (level === undefined) throw new BadRequestError('level', text, 'one of debug, info, warn, error, or 0 to 3');
  return LOG_LEVELS.indexOf(level);
}

/**
 * How many.
 *
 * @throws BadRequestError
 */
export function readLimit(text: string, option: 'limit' | 'tail' = 'limit'): number {
  const limit = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= MOST_ITEMS) return limit;
  throw new BadRequestError(option, text, `a whole number from 1 to ${MOST_ITEMS}`);
}
