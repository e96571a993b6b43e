import { beginRun } from './begin-run.ts';
import { IdleTask } from './idle-task.ts';
import type { LibraryRun, LibraryRunOptions } from './library-run.ts';

/**
 * Begins a run that a job library has begun, for the instrumentation of that library, which lets its work run inside
 * (`run`) and tells how it ended (`returned`, `threw` or `report`).
 *
 * @returns undefined when nobody watches: then the library's own call is all that is to be made
 */
export function startLibraryRun(operation: string, options: LibraryRunOptions): LibraryRun | undefined {
  const run = beginRun(operation, options, { own: options.own, links: options.links });
  return run instanceof IdleTask ? undefined : run;
}
