/**
 * Instants of the job log: nanoseconds since the epoch as a bigint, and as the text of RFC 3339 in UTC. A `Date` would
 * keep milliseconds only.
 */

const SECOND = 1_000_000_000n;

/**
 * The last instant whose second fits into 64 bits with a sign as nanoseconds, as receivers read them: in the year 2262.
 */
export const LAST_INSTANT: bigint = 9_223_372_036n * SECOND - 1n;

const RFC_3339 = /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:([Zz])|([+-])(\d\d):(\d\d))$/;

/**
 * @param nanos from the epoch on, up to the year 9999
 * @returns RFC 3339 with nine digits of a second and `Z`: `2026-01-27T10:30:45.000000001Z`
 */
export function nanosText(nanos: bigint): string {
  const second = Number(nanos / SECOND);
  if (second !== shownSecond) {
    shownText = new Date(second * 1000).toISOString().slice(0, -4);
    shownSecond = second;
  }
  const rest = Number(nanos % SECOND);
  return `${shownText}${String(rest + 1_000_000_000).slice(1)}Z`;
}

// Entries come in rows, many of a second; a date takes longer than everything else.
let shownSecond = Number.NaN;
let shownText = '';

/**
 * Reads RFC 3339 with any offset and any number of digits of a second, of which the first nine count.
 *
 * @returns nanoseconds since the epoch; undefined for a text that is none, and for what is before the epoch or beyond
 * the year 2262
 */
export function parseNanosText(text: string): bigint | undefined {
  const match = RFC_3339.exec(text);
  if (match === null) return undefined;
  const [, year, month, day, hour, minute, second, fraction = '', , sign, offsetHour, offsetMinute] = match;
  const epochMs = Date.UTC(Number(year), Number(month) - 1, Number(day));
  // A day that the month does not have would become one of the next.
  if (new Date(epochMs).toISOString().slice(0, 10) !== `${year}-${month}-${day}`) return undefined;
  // 60 is a leap second, which the epoch does not count.
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 60) return undefined;
  if (Number(offsetHour ?? 0) > 23 || Number(offsetMinute ?? 0) > 59) return undefined;
  const offset = (Number(offsetHour ?? 0) * 60 + Number(offsetMinute ?? 0)) * (sign === '-' ? -60 : 60);
  const seconds = epochMs / 1000 + Number(hour) * 3600 + Number(minute) * 60 + Number(second) - offset;
  const nanos = BigInt(seconds) * SECOND + BigInt(fraction.slice(0, 9).padEnd(9, '0'));
  return nanos >= 0n && nanos <= LAST_INSTANT ? nanos : undefined;
}

/**
 * Nanoseconds of Unix seconds: a number counts by its digits, not by the double beneath it, so that what has
 * microseconds keeps them; a text such as `1769509845.000000001` is exact.
 *
 * @returns undefined for what is no instant from the epoch to the year 2262
 */
export function secondsNanos(seconds: number | string): bigint | undefined {
  const text = typeof seconds === 'number' && seconds < 1e-6 ? seconds.toFixed(9) : String(seconds);
  const match = /^(\d{1,10})(?:\.(\d+))?$/.exec(text);
  if (match === null) return undefined;
  const [, whole = '', fraction = ''] = match;
  const nanos = BigInt(whole) * SECOND + BigInt(fraction.slice(0, 9).padEnd(9, '0'));
  return nanos <= LAST_INSTANT ? nanos : undefined;
}

/** Unix seconds of an instant: a number where that tells it exactly, which it does to the microsecond; else a text. */
export function nanosSeconds(nanos: bigint): number | string {
  const text = `${nanos / SECOND}.${String(nanos % SECOND).padStart(9, '0')}`;
  const number = Number(text);
  return secondsNanos(number) === nanos ? number : text;
}
