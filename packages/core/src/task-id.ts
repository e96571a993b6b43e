import { randomBytes, randomUUID } from 'node:crypto';
import { cutText } from './cut-text.ts';
import { describeValue, reportOnce } from './internal/report.ts';
import { LIMITS } from './limits.ts';

/** The counter's part of an id: the version digit and three digits of the counter. */
const COUNTERS = Array.from({ length: 4096 }, (_, value) => `7${value.toString(16).padStart(3, '0')}-`);

let counter = COUNTERS.length;
let tail = '';
let prefixMs = Number.NaN;
let prefix = '';

/**
 * A new UUIDv7 (RFC 9562, section 5.7): its first 48 bits are the time, so that an id leads to the day of its file. The
 * 12 bits after it count (section 6.2, method 1), the 62 random ones are drawn anew for every 4096 ids: a tenth of the
 * cost of drawing them for each.
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
  if (counter === COUNTERS.length) {
    tail = randomUUID().slice(19);
    counter = 0;
  }
  const middle = COUNTERS[counter] as string;
  counter += 1;
  return prefix + middle + tail;
}

/** 16 hex digits, not all zero: stands for a span id where no tracer gives one. */
export function randomRunId(): string {
  const id = randomBytes(8).toString('hex');
  return id === '0000000000000000' ? '0000000000000001' : id;
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
