import type { LibraryKit } from '../base/library-kit.ts';

/** What there is to call a scheduled job by. */
export interface ScheduleNames {
  readonly library: string;
  /** The job's own name. */
  readonly name?: unknown;
  readonly handler?: unknown;
  /** Names that a handler gets from the library's options, not from the application. */
  readonly given?: readonly string[];
  /** The pattern; left out where it is a date. */
  readonly pattern?: unknown;
}

/** The first that is bounded of: its own name, its handler's, its pattern, the library's. */
export function scheduleName(kit: LibraryKit, names: ScheduleNames): string {
  const { library, name, handler, given = [], pattern } = names;
  const byPattern = kit.names.choose(pattern, library);
  const called = functionName(handler);
  const byHandler = given.includes(called) ? byPattern : kit.names.chooseFunction(called, byPattern);
  return kit.names.choose(name, byHandler);
}

function functionName(handler: unknown): string {
  return typeof handler === 'function' && typeof handler.name === 'string' ? handler.name.replace(/^bound /, '') : '';
}
