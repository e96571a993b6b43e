import type { JobIndex } from './job-index.ts';
import { JobLog } from './job-log.ts';
import type { LogFile } from './log-file.ts';
import type { LogTree } from './log-tree.ts';
import { UnknownJobError } from './reader-error.ts';

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
    const files = await this.filesOf(jobId);
    const known = this.#logs.get(jobId);
    this.#logs.delete(jobId);
    if (files.length === 0) throw new UnknownJobError(jobId);
    const log = known ?? new JobLog(this.#tree, jobId);
    this.#keep(log);
    await log.refresh(files);
    if (log.runs.size === 0) throw new UnknownJobError(jobId);
    return log;
  }

  filesOf(jobId: string): Promise<readonly LogFile[]> {
    return this.#index.filesOf(jobId);
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
}
