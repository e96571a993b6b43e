/** The index of job logs that a reader asks: one for each day of each tree, kept in files below its folder. */
import { createHash } from 'node:crypto';
import { join, relative } from 'node:path';
import { safeFileName } from '@taskspan/core/hub';
import type { JobsRequest, JobsResponse } from '../reader/job.ts';
import type { JobIndex } from '../reader/job-index.ts';
import type { LogFile } from '../reader/log-file.ts';
import type { LogTree } from '../reader/log-tree.ts';
import type { JobSearchRequest, JobSearchResponse } from '../reader/search.ts';
import { DayIndex } from './day-index.ts';
import { JobList } from './job-list.ts';
import { ScanThreads } from './scan-threads.ts';
import { TextSearch } from './text-search.ts';

/** Indexes of days that are not in use are let go beyond this. */
const MEMORY_BYTES = 96 * 1024 * 1024;

export interface StoredIndexOptions {
  readonly tree: LogTree;
  /** Folder of the index; made when it is missing. Without one the index is kept in memory. */
  readonly folder: string | undefined;
}

export class StoredIndex implements JobIndex {
  readonly #tree: LogTree;
  readonly #folder: string | undefined;
  /** The one that was asked last comes last. */
  readonly #days = new Map<string, DayIndex>();
  readonly #threads = new ScanThreads();
  #asking = 0;

  constructor({ tree, folder }: StoredIndexOptions) {
    this.#tree = tree;
    this.#folder = folder;
  }

  filesOf(jobId: string): Promise<readonly LogFile[]> {
    return this.#ask(async () => {
      const days = await this.#tree.days();
      const files = new Map<string, LogFile>();
      for (const file of await this.#tree.filesNamed(safeFileName(jobId), days)) files.set(file.path, file);
      for (const day of days) {
        for (const index of await this.#open(day)) {
          for (const number of index.parts.filesOf(jobId)) {
            const file = index.fileOf(number);
            if (file !== undefined) files.set(file.path, file);
          }
        }
      }
      return [...files.values()];
    });
  }

  listJobs(request: JobsRequest): Promise<JobsResponse> {
    return this.#ask(async () => {
      const days = await this.#tree.days();
      return new JobList(request, { days, open: (day) => this.#open(day), threads: this.#threads }).page();
    });
  }

  async search(request: JobSearchRequest): Promise<JobSearchResponse> {
    return new TextSearch(request, { tree: this.#tree, threads: this.#threads }).page();
  }

  async close(): Promise<void> {
    await this.#threads.close();
    for (const index of this.#days.values()) {
      await index.save();
      index.close();
    }
    this.#days.clear();
  }

  async #ask<T>(answer: () => Promise<T>): Promise<T> {
    this.#asking += 1;
    try {
      return await answer();
    } finally {
      this.#asking -= 1;
      if (this.#asking === 0) this.#letGo();
    }
  }

  async #open(day: string): Promise<readonly DayIndex[]> {
    const indexes = this.#tree.folders.map((logs) => this.#indexOf(logs, day));
    await Promise.all(indexes.map((index) => index.refresh()));
    return indexes;
  }

  #indexOf(logs: string, day: string): DayIndex {
    const key = `${logs}\n${day}`;
    const path =
      this.#folder === undefined ? undefined : join(this.#folder, `${day}.${treeName(this.#folder, logs)}.jobs`);
    const index = this.#days.get(key) ?? new DayIndex({ logs, day, path, threads: this.#threads });
    this.#days.delete(key);
    this.#days.set(key, index);
    return index;
  }

  #letGo(): void {
    let bytes = 0;
    for (const index of this.#days.values()) {
      index.settle();
      bytes += index.bytes;
    }
    for (const [key, index] of this.#days) {
      if (bytes <= MEMORY_BYTES) return;
      if (!index.isSaved) continue;
      bytes -= index.bytes;
      index.close();
      this.#days.delete(key);
    }
  }
}

/** Tells trees apart, also when both have moved together with the index. */
function treeName(folder: string, logs: string): string {
  return createHash('sha256').update(relative(folder, logs)).digest('hex').slice(0, 8);
}
