/** `taskspan run` as its users start it, and what it leaves. */
import { join } from 'node:path';
import type { DecodedRecord } from '@taskspan/joblog';
import {
  AppFolder,
  type Ended,
  type JobLog,
  type RunningApp,
  type RunOptions,
  readJobLogs,
  TORN,
} from './app-folder.test.fixture.ts';

const CLI = 'node_modules/taskspan/dist/cli.js';

/** A folder in which commands are run. */
export class CommandLine {
  readonly app: AppFolder = new AppFolder();
  #count = 0;

  /** An id that no other run has. */
  newId(): string {
    this.#count += 1;
    return `run-${this.#count}`;
  }

  start(args: readonly string[], options: RunOptions = {}): RunningApp {
    return this.app.start(CLI, { nodeArgs: [], ...options, args: ['run', ...args] });
  }

  run(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
    return this.start(args, options).ended;
  }

  /** Where the command line lies, for programs that start it. */
  get path(): string {
    return join(this.app.path, CLI);
  }

  /** From now on, half a line at the end of a log is as it should be: its writer is killed. */
  isWriterKilled = false;

  /** The log of a run, whose lines are all whole. */
  log(id: string, data: string = this.app.data): JobLog {
    const log = readJobLogs(data).get(id);
    if (log === undefined) throw new Error(`there is no log of ${id}`);
    const broken = log.broken.filter((what) => !(this.isWriterKilled && what === TORN));
    if (broken.length > 0) throw new Error(`broken lines: ${broken.join(', ')}`);
    return log;
  }

  /** Names of its events in their order; log lines are left out. */
  events(id: string): readonly string[] {
    return this.log(id).records.flatMap(({ eventName }) => (eventName === '' ? [] : [eventName.replace('task.', '')]));
  }

  /** Its log lines. */
  lines(id: string): readonly unknown[] {
    return this.log(id).records.flatMap(({ eventName, body }) => (eventName === '' ? [body] : []));
  }

  /** Attributes of its event of this name. */
  event(id: string, name: string): DecodedRecord['attributes'] {
    const [found, ...more] = this.log(id).records.filter(({ eventName }) => eventName === `task.${name}`);
    if (found === undefined || more.length > 0) throw new Error(`not one event ${name} of ${id}`);
    return found.attributes;
  }

  remove(): void {
    this.app.remove();
  }
}
