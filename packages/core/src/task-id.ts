import { randomFillSync } from 'node:crypto';
import { cutText } from './cut-text.ts';
import { describeValue, reportOnce } from './internal/report.ts';
import { LIMITS } from './limits.ts';

/** Four hex digits of every 16-bit number: an id is put together from look-ups, four times as fast as from bytes. */
const HEX16 = Array.from({ length: 65_536 }, (_, value) => value.toString(16).padStart(4, '0'));
const pool = new Uint16Array(2048);
let used = pool.length;

function random16(): number {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  const value = pool[used] as number;
  used += 1;
  return value;
}

function hex4(value: number): string {
  return HEX16[value] as string;
}

let prefixMs = Number.NaN;
let prefix = '';

/**
 * A new UUIDv7 (RFC 9562, section 5.7): its first 48 bits are the time, so that an id leads to the day of its file.
 *
 * @param timeMs epoch milliseconds
 */
export function uuidv7(timeMs: number): string {
  const ms = Math.floor(timeMs);
  if (ms !== prefixMs) {
    const time = ms.toString(16).padStart(12, '0');
    prefix = `${time.slice(0, 8)}-${time.slice(8, 12)}-`;
    prefixMs = ms;
  }
  const version = hex4(0x7000 | (random16() & 0x0fff));
  const variant = hex4(0x8000 | (random16() & 0x3fff));
  return `${prefix}${version}-${variant}-${hex4(random16())}${hex4(random16())}${hex4(random16())}`;
}

/** 16 hex digits, not all zero: stands for a span id where no tracer gives one. */
export function randomRunId(): string {
  return `${hex4(random16() | 1)}${hex4(random16())}${hex4(random16())}${hex4(random16())}`;
}

/** The id that the caller gave: text as it is (cut at 1024 characters), numbers as text; undefined for none or a bad one. */
export function normaliseTaskId(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'number' || typeof value === 'bigint') return String(value);
  if (typeof value !== 'string') {
    reportOnce('id', `id must be a string, got ${describeValue(value)}; a new id is used`);
    return undefined;
  }
  if (value === '') {
    reportOnce('id.empty', 'id is an empty string; a new id is used');
    return undefined;
  }
  if (value.length <= LIMITS.taskIdChars) return value;
  reportOnce('id.length', `id of ${value.length} characters is cut to ${LIMITS.taskIdChars}`);
  return cutText(value, LIMITS.taskIdChars).text;
}
