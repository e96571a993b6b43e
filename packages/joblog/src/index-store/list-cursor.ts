import { BadRequestError } from '../reader/reader-error.ts';
import type { ListPlace } from './run-part.ts';

/** Ids have at most 1024 characters; this is far more. */
const MAX_CHARS = 16_384;

/** The place of the last row of a page: the next one goes on behind it, whatever was added meanwhile. */
export function encodeCursor({ startMs, jobId, run }: ListPlace): string {
  return Buffer.from(JSON.stringify([startMs, jobId, run])).toString('base64url');
}

/** @throws BadRequestError for a text that no answer gave */
export function decodeCursor(cursor: string): ListPlace {
  const place = parsed(cursor);
  if (!Array.isArray(place) || place.length !== 3) throw refused(cursor);
  const [startMs, jobId, run]: unknown[] = place;
  if (typeof startMs !== 'number' || typeof jobId !== 'string' || typeof run !== 'string') throw refused(cursor);
  return { startMs, jobId, run };
}

function parsed(cursor: unknown): unknown {
  if (typeof cursor !== 'string' || cursor.length > MAX_CHARS) throw refused(cursor);
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString());
  } catch {
    throw refused(cursor);
  }
}

function refused(cursor: unknown): BadRequestError {
  return new BadRequestError('cursor', cursor, 'the next_cursor of an answer');
}
