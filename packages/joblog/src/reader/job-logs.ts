import type { JobIndex } from './job-index.ts';
import { JobLog } from './job-log.ts';
import { ownFileName } from './job-needle.ts';
import { type JobFile, type LogFile, logFileAs } from './log-file.ts';
import type { LogTree } from './log-tree.ts';
import { UnknownJobError } from './reader-error.ts';

/** Of all logs together: about 64 MB. */
const MAX_WEIGHT = 200_000;

/** The logs of the jobs that were asked for lately. */
export class JobLogs {
  readonly #tree: LogTree;
  readonly #index: JobIndex;
  readonly #maxLogs: number;
  /** Oldest use first. */
  readonly #logs = new Map<string, JobLog>();

  constructor(tree: LogTree, index: JobIndex, maxLogs: number) {
    this.#tree = tree;
    this.#index = index;
    this.#maxLogs = maxLogs;
  }

  /** The log as it is now. Throws {@link UnknownJobError} when nobody wrote about the job. */
  async open(jobId: string): Promise<JobLog> {
    // An empty id is no id, and would be given a name by chance.
    const files = jobId === '' ? [] : await this.filesOf(jobId);
    const known = this.#logs.get(jobId);
    this.#logs.delete(jobId);
    if (files.length === 0) throw new UnknownJobError(jobId);
    const log = known ?? new JobLog(this.#tree, jobId);
    this.#keep(log);
    await log.refresh(files);
    this.#letGo(log);
    if (log.runs.size === 0) throw new UnknownJobError(jobId);
    return log;
  }

  filesOf(jobId: string): Promise<readonly JobFile[]> {
    return this.#index.filesOf(jobId);
  }

  /** The files that writers may make for the job on these days, in any of the folders. */
  ownFiles(jobId: string, days: readonly string[]): readonly LogFile[] {
    const name = ownFileName(jobId);
    return this.#tree.folders.flatMap((folder) => days.map((day) => logFileAs({ folder, day, name }, 'none')));
  }

  clear(): void {
    this.#logs.clear();
  }

  #keep(log: JobLog): void {
    if (this.#maxLogs === 0) return;
    this.#logs.set(log.jobId, log);
    for (const oldest of this.#logs.keys()) {
      if (this.#logs.size <= this.#maxLogs) return;
      this.#logs.delete(oldest);
    }
  }

  /** Large logs take the place of many. */
  #letGo(last: JobLog): void {
    let weight = 0;
    for (const log of this.#logs.values()) weight += log.weight;
    for (const log of this.#logs.values()) {
      if (weight <= MAX_WEIGHT) return;
      if (log === last) continue;
      weight -= log.weight;
      this.#logs.delete(log.jobId);
    }
  }
}
