/** The place of a record in its job's log, and the cursors that name such places. */
import { BadRequestError } from './reader-error.ts';

/**
 * By time, then by stream (a writer of a run), then by sequence number. The time of a numbered record is never before
 * that of an earlier number of its stream, whatever the writer's clock did: so a stream keeps its order, and streams
 * merge by time.
 */
export interface RecordKey {
  /** Nanoseconds since the epoch. */
  readonly nanos: bigint;
  /** Short hash of the stream. */
  readonly stream: string;
  /** Sequence number; of records without one, which of those of the same stream and time it is, from 1. */
  readonly number: number;
}

/** Negative when `a` comes first, 0 when both are the same place. */
export function compareKeys(a: RecordKey, b: RecordKey): number {
  if (a.nanos !== b.nanos) return a.nanos < b.nanos ? -1 : 1;
  if (a.stream !== b.stream) return a.stream < b.stream ? -1 : 1;
  return a.number - b.number;
}

/** `Math.max` takes no bigint. */
export function laterOf(a: bigint, b: bigint): bigint {
  if (a > b) return a;
  return b;
}

/** Hex digits of a stream's hash: those of a job with a million attempts still differ. */
export const STREAM_HASH_CHARS = 16;

const CURSOR = new RegExp(`^([0-9a-z]{1,13})\\.([0-9a-f]{${STREAM_HASH_CHARS}})\\.([0-9a-z]{1,11})$`);

export function cursorText({ nanos, stream, number }: RecordKey): string {
  return `${nanos.toString(36)}.${stream}.${number.toString(36)}`;
}

/** Throws {@link BadRequestError} for a text that no answer ever gave. */
export function parseCursor(text: string): RecordKey {
  const match = typeof text === 'string' ? CURSOR.exec(text) : null;
  const number = Number.parseInt(match?.[3] ?? '', 36);
  if (match === null || !Number.isSafeInteger(number))
    throw new BadRequestError('cursor', text, 'the next_cursor of an answer');
  return { nanos: parseBase36(match[1] ?? ''), stream: match[2] ?? '', number };
}

function parseBase36(text: string): bigint {
  let value = 0n;
  for (const digit of text) value = value * 36n + BigInt(Number.parseInt(digit, 36));
  return value;
}
