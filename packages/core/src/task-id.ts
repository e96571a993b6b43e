import { randomFillSync } from 'node:crypto';
import { cutText } from './cut-text.ts';
import { describeValue, reportOnce } from './internal/report.ts';
import { LIMITS } from './limits.ts';

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));
const POOL_BYTES = 4096;
const pool = Buffer.allocUnsafe(POOL_BYTES);
let used = POOL_BYTES;

function randomByte(): number {
  if (used === POOL_BYTES) {
    randomFillSync(pool);
    used = 0;
  }
  return pool[used++] as number;
}

function hex(): string {
  return HEX[randomByte()] as string;
}

/**
 * A new UUIDv7 (RFC 9562, section 5.7): its first 48 bits are the time, so that an id leads to the day of its file.
 *
 * @param timeMs epoch milliseconds
 */
export function uuidv7(timeMs: number): string {
  const time = Math.floor(timeMs).toString(16).padStart(12, '0');
  const version = HEX[0x70 | (randomByte() & 0x0f)] as string;
  const variant = HEX[0x80 | (randomByte() & 0x3f)] as string;
  return `${time.slice(0, 8)}-${time.slice(8, 12)}-${version}${hex()}-${variant}${hex()}-${hex()}${hex()}${hex()}${hex()}${hex()}${hex()}`;
}

/** 16 hex digits, not all zero: stands for a span id where no tracer gives one. */
export function randomRunId(): string {
  return `${HEX[randomByte() | 1]}${hex()}${hex()}${hex()}${hex()}${hex()}${hex()}${hex()}`;
}

/** The id of a run from what the caller gave: text as it is (cut at 1024 characters), numbers as text, else a new UUIDv7. */
export function normaliseTaskId(value: unknown, timeMs: number): string {
  if (value === undefined || value === null) return uuidv7(timeMs);
  if (typeof value === 'number' || typeof value === 'bigint') return String(value);
  if (typeof value !== 'string') {
    reportOnce('id', `id must be a string, got ${describeValue(value)}; a new id is used`);
    return uuidv7(timeMs);
  }
  if (value === '') {
    reportOnce('id.empty', 'id is an empty string; a new id is used');
    return uuidv7(timeMs);
  }
  if (value.length <= LIMITS.taskIdChars) return value;
  reportOnce('id.length', `id of ${value.length} characters is cut to ${LIMITS.taskIdChars}`);
  return cutText(value, LIMITS.taskIdChars).text;
}
