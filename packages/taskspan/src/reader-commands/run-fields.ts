import { ATTR, EVENT, SUBMISSION_FIELDS } from '@taskspan/core';
import type { JobLogEntry } from '@taskspan/joblog';

const STARTED = EVENT.STARTED.slice('task.'.length);
/** What only the run's owner says, of every record. */
const OF_RUN: ReadonlySet<string> = new Set([ATTR.OPERATION, ATTR.TASK_RUN, ATTR.TASK_FILE]);
const OF_SUBMISSION: ReadonlySet<string> = new Set(SUBMISSION_FIELDS);

type Fields = Readonly<Record<string, string>>;

/**
 * What each record of a run repeats, and need be shown once. A program may have a `user` of its own: its fields are
 * repetitions only where they say the same as the start of the run.
 */
export class RunFields {
  readonly #starts = new Map<string, Fields>();

  /** Remembers what the start of a run says, when the entry is that. */
  learn({ event }: JobLogEntry): void {
    if (event?.event_type !== STARTED) return;
    const run = event.metadata[ATTR.TASK_RUN] ?? '';
    if (!this.#starts.has(run)) this.#starts.set(run, event.metadata);
  }

  /** The fields of an entry that are its own. */
  ownOf(fields: Fields): readonly (readonly [string, string])[] {
    const start = this.#starts.get(fields[ATTR.TASK_RUN] ?? '');
    return Object.entries(fields).filter(([key, value]) => {
      if (OF_RUN.has(key)) return false;
      // Whoever does not see colours must tell the two apart as well.
      if (key === ATTR.LOG_IOSTREAM) return value !== 'stdout';
      return !(OF_SUBMISSION.has(key) && start?.[key] === value);
    });
  }
}
