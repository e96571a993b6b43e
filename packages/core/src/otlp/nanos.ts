import type { HrTime } from '@opentelemetry/api';

/** Nanoseconds of later times do not fit into 64 bits with a sign, as which receivers read them: the year 2262. */
const LAST_SECOND = 9_223_372_035;

let cachedSecond = Number.NaN;
let cachedDigits = '';

/**
 * Decimal nanoseconds since the epoch, exact, without quotes; small integers only, which print fast. What is before
 * the epoch, beyond 64 bits or no number is 0, which means "not known": one such time would make a receiver refuse the
 * whole request.
 */
function nanosText(seconds: number, nanos: number): string {
  if (seconds !== cachedSecond) {
    cachedSecond = seconds;
    cachedDigits = String(seconds);
  }
  if (seconds > 0 && seconds <= LAST_SECOND) return cachedDigits + String(nanos + 1_000_000_000).slice(1);
  return seconds === 0 ? String(nanos) : '0';
}

/** Nanoseconds of epoch milliseconds with fraction. */
export function msNanos(epochMs: number): string {
  const seconds = Math.floor(epochMs / 1000);
  const nanos = Math.round((epochMs - seconds * 1000) * 1e6);
  return nanos >= 1e9 ? nanosText(seconds + 1, 0) : nanosText(seconds, nanos);
}

/** Nanoseconds of OTel's seconds and nanoseconds. */
export function hrNanos([seconds, nanos]: HrTime): string {
  const isClean = Number.isInteger(seconds) && Number.isInteger(nanos) && nanos >= 0 && nanos < 1e9;
  return isClean ? nanosText(seconds, nanos) : carriedNanos(seconds, nanos);
}

/** Anyone may hand over a pair with fractions, or with more nanoseconds than a second has. */
function carriedNanos(seconds: number, nanos: number): string {
  const whole = Math.floor(seconds);
  const rest = Math.round((seconds - whole) * 1e9 + nanos);
  const carry = Math.floor(rest / 1e9);
  return Number.isFinite(rest) ? nanosText(whole + carry, rest - carry * 1e9) : '0';
}
