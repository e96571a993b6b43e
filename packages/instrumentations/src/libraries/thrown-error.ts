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

/** The text of whatever a library failed a job with. */
export function messageOf(error: unknown): string {
  const { message } = (error ?? {}) as { readonly message?: unknown };
  return typeof message === 'string' ? message : String(error);
}

/** With what Bull and BullMQ fail a job whose worker vanished too often. */
export const STALLED = 'job stalled more than allowable limit';
