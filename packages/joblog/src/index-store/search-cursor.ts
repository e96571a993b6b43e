import { BadRequestError } from '../reader/reader-error.ts';

/** File names have at most 255 bytes; this is far more. */
const MAX_CHARS = 4096;

/** Where a hit stands. */
export interface SearchPlace {
  /** UTC day `YYYY-MM-DD` of the folder. */
  readonly day: string;
  /** Number of the tree. */
  readonly tree: number;
  /** Of the file, without ending: it may be compressed meanwhile. */
  readonly name: string;
  /** Of the line in bytes, and the place of the record in it. */
  readonly offset: number;
  readonly record: number;
}

export function encodeSearchCursor({ day, tree, name, offset, record }: SearchPlace): string {
  return Buffer.from(JSON.stringify([day, tree, name, offset, record])).toString('base64url');
}

/** @throws BadRequestError for a text that no answer gave */
export function decodeSearchCursor(cursor: string): SearchPlace {
  const place = parsed(cursor);
  if (!Array.isArray(place) || place.length !== 5) throw refused(cursor);
  const [day, tree, name, offset, record]: unknown[] = place;
  if (typeof day !== 'string' || typeof name !== 'string') throw refused(cursor);
  if (!isCount(tree) || !isCount(offset) || !isCount(record)) throw refused(cursor);
  return { day, tree, name, offset, record };
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
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
