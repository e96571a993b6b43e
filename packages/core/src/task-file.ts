import { createHash, randomUUID } from 'node:crypto';
import { safely } from './internal/report.ts';
import { state } from './internal/state.ts';
import { LIMITS } from './limits.ts';

const SAFE = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;
const MS_PER_DAY = 86_400_000;
/** 9999-12-31. */
const LAST_DAY = 2_932_896;
/** `-` and 8 hex digits. */
const DIGEST_CHARS = 9;

let cachedDay = Number.NaN;
let cachedDate = '';

/** `YYYY-MM-DD` in UTC. */
export function utcDate(timeMs: number): string {
  const day = Math.floor(timeMs / MS_PER_DAY);
  if (day !== cachedDay) {
    // Four digits of year, whatever a foreign clock says: NaN and times before 1970 are the first day.
    const inRange = day > 0 ? Math.min(day, LAST_DAY) : 0;
    cachedDate = new Date(inRange * MS_PER_DAY).toISOString().slice(0, 10);
    cachedDay = day;
  }
  return cachedDate;
}

/**
 * A file name for any id: every byte (UTF-8) outside `[A-Za-z0-9._-]` becomes `_`, a first character that is not
 * alphanumeric too, at most 128 characters in all. A changed or cut id ends in `-` and 8 hex digits of its SHA-256, so
 * that two ids never share a file; an empty id is replaced by a UUID.
 */
export function safeFileName(id: string): string {
  if (id.length <= LIMITS.fileNameChars && SAFE.test(id)) return id;
  if (id === '') return randomUUID();
  const bytes = Buffer.from(id);
  let name = '';
  for (const byte of bytes.subarray(0, LIMITS.fileNameChars - DIGEST_CHARS)) {
    const char = String.fromCharCode(byte);
    const allowed = name === '' ? /[A-Za-z0-9]/ : /[A-Za-z0-9._-]/;
    name += byte < 0x80 && allowed.test(char) ? char : '_';
  }
  return `${name}-${createHash('sha256').update(bytes).digest('hex').slice(0, 8)}`;
}

/**
 * `task.file` of a run: the UTC day of its start and a safe name, without ending.
 *
 * @param startTimeMs epoch milliseconds
 */
export function taskFile(id: string, startTimeMs: number): string {
  return `${utcDate(startTimeMs)}/${safeFileName(id)}`;
}

/**
 * `task.file` of a run that starts: what the file budget says, else a file of its own.
 *
 * @param idIsSafe true for an id of ours, which needs no check
 */
export function nameFile(id: string, startTimeMs: number, idIsSafe = false): string {
  const { fileNamer } = state;
  const named = fileNamer === undefined ? undefined : safely('naming a run file', () => fileNamer(id, startTimeMs));
  return named ?? (idIsSafe ? `${utcDate(startTimeMs)}/${id}` : taskFile(id, startTimeMs));
}
