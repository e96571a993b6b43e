import { channel } from 'node:diagnostics_channel';
import type { RunInfo } from './internal/state.ts';

/** Name of the diagnostics channel that tells of every run; free while nobody subscribes. */
export const RUN_CHANNEL = 'taskspan:run';

/** What subscribers of `taskspan:run` receive. */
export interface RunMessage {
  readonly phase: 'start' | 'end';
  /** Lives as long as the run; `status`, `errorType` and `durationSeconds` are set at `end`. */
  readonly run: RunInfo;
}

const runs = channel(RUN_CHANNEL);

export function publishRun(phase: RunMessage['phase'], run: RunInfo): void {
  // A subscriber that throws is raised by Node itself, outside this call.
  if (runs.hasSubscribers) runs.publish({ phase, run } satisfies RunMessage);
}

export function runsAreWatched(): boolean {
  return runs.hasSubscribers;
}
