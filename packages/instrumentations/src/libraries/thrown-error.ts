import { type LibraryRun, readSafely, safely } from '@taskspan/core/hub';

/** What the handler of a job threw last: whatever else fails that job came later. */
const thrownBy = new WeakMap<object, { readonly error: unknown }>();

/** Remembers the error with which the handler of a job ended. */
export function noteThrown(job: object, thrown: { readonly error: unknown }): void {
  thrownBy.set(job, thrown);
}

/** Whether this is the very error with which the handler of the job ended. */
export function wasThrownBy(job: object, error: unknown): boolean {
  const thrown = thrownBy.get(job);
  return thrown !== undefined && thrown.error === error;
}

/** The text of whatever a library failed a job with; getters of an error may throw. */
export function messageOf(error: unknown): string {
  const message = readSafely(error, 'message');
  if (typeof message === 'string') return message;
  return safely('reading what a job failed with', () => String(error)) ?? 'an unreadable error';
}

/**
 * Writes into the log of a run whether its job gets a further attempt, once the library has asked the application's own
 * backoff strategy for it: that is after the run has ended, and asking it ourselves would be once too often.
 */
export function noteFurtherAttempt(run: LibraryRun, isFinal: boolean): void {
  run.log('info', isFinal ? 'there is no further attempt' : 'there will be a further attempt');
}

/** With what Bull and BullMQ fail a job whose worker vanished too often. */
export const STALLED = 'job stalled more than allowable limit';
