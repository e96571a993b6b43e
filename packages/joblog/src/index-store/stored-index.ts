/** The index of job logs that a reader asks: one for each day of each tree, kept in files below its folder. */
import { createHash } from 'node:crypto';
import { lstatSync, rmSync, statSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { safeFileName } from '@taskspan/core/hub';
import type { JobsRequest, JobsResponse } from '../reader/job.ts';
import type { JobIndex } from '../reader/job-index.ts';
import { COMPRESSIONS, type JobFile, type LogFile, logFileAs, parseLogFileName } from '../reader/log-file.ts';
import type { LogTree } from '../reader/log-tree.ts';
import type { JobSearchRequest, JobSearchResponse } from '../reader/search.ts';
import { DayIndex } from './day-index.ts';
import { JobList } from './job-list.ts';
import { StaleIndexError } from './part-text.ts';
import { ScanThreads } from './scan-threads.ts';
import { TextSearch } from './text-search.ts';

/** Indexes of days that are not in use are let go beyond this. */
const MEMORY_BYTES = 96 * 1024 * 1024;
const SEARCH_MEMORY_BYTES = 32 * 1024 * 1024;

/** Day, tree, and what a file has behind its name while it is written. */
const INDEX_FILE = /^(\d{4}-\d{2}-\d{2})\.([0-9a-f]{8})\.jobs(\.\d+\.[0-9a-f]{8}\.tmp)?$/;
/** Writing an index takes seconds at most. */
const DRAFT_MS = 3_600_000;
/** How often an answer is begun again when its index was spoilt under it. */
const TRIES = 3;

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
  #knownDays: string | undefined;

  constructor({ tree, folder }: StoredIndexOptions) {
    this.#tree = tree;
    this.#folder = folder;
  }

  filesOf(jobId: string): Promise<readonly JobFile[]> {
    return this.#ask(async () => {
      const days = await this.#listedDays();
      const own = this.#filesNamed(safeFileName(jobId), days);
      const files = new Map<string, JobFile>(own.map((file) => [file.path, file]));
      for (const day of days) {
        const indexes = this.#tree.folders.map((logs) => this.#indexOf(logs, day));
        // Whoever asks for a run that has a file need not wait until a large tree is indexed for the first time.
        const isEnough = own.length > 0 && !indexes.every((index) => index.isBuilt);
        for (const file of isEnough ? await this.#sharedFiles(day) : await this.#indexedFiles(indexes, jobId))
          files.set(file.path, file);
      }
      return [...files.values()];
    });
  }

  listJobs(request: JobsRequest): Promise<JobsResponse> {
    return this.#ask(async () => {
      const days = await this.#listedDays();
      const open = (day: string): Promise<readonly DayIndex[]> =>
        this.#refreshed(this.#tree.folders.map((logs) => this.#indexOf(logs, day)));
      return new JobList(request, { days, open, threads: this.#threads }).page();
    });
  }

  async search(request: JobSearchRequest): Promise<JobSearchResponse> {
    // It looks at files alone, and its threads take what room there is.
    if (this.#asking === 0) this.#letGo(SEARCH_MEMORY_BYTES);
    return new TextSearch(request, { tree: this.#tree, threads: this.#threads }).page();
  }

  async close(): Promise<void> {
    await this.#threads.close();
    const indexes = [...this.#days.values()];
    this.#days.clear();
    // What cannot be saved is made again by the next reader.
    await Promise.allSettled(indexes.map((index) => index.save()));
    for (const index of indexes) index.close();
  }

  async #ask<T>(answer: () => Promise<T>): Promise<T> {
    this.#asking += 1;
    try {
      return await this.#answered(answer);
    } finally {
      this.#asking -= 1;
      if (this.#asking === 0) await this.#answered(async () => this.#letGo(MEMORY_BYTES));
    }
  }

  /**
   * Somebody may have cut off what is open: it is made again from the files, which say the same. Whoever was answered
   * meanwhile finds it closed, and asks again too.
   */
  async #answered<T>(answer: () => Promise<T>, triesLeft: number = TRIES): Promise<T> {
    try {
      return await answer();
    } catch (error) {
      if (!(error instanceof StaleIndexError) || triesLeft === 0) throw error;
      for (const index of this.#days.values()) index.close();
      this.#days.clear();
      return await this.#answered(answer, triesLeft - 1);
    }
  }

  async #listedDays(): Promise<readonly string[]> {
    const days = await this.#tree.days();
    const known = days.join();
    if (known !== this.#knownDays) await this.#forgetOthers(new Set(days));
    this.#knownDays = known;
    return days;
  }

  /** Lets go of what is kept of days that are gone, and of what a process left that was killed while it wrote. */
  async #forgetOthers(days: ReadonlySet<string>): Promise<void> {
    for (const [key, index] of this.#days) if (!days.has(index.day)) this.#days.delete(key);
    const folder = this.#folder;
    if (folder === undefined) return;
    const trees = new Set(this.#tree.folders.map((logs) => treeName(folder, logs)));
    for (const name of await namesIn(folder)) {
      const [, day = '', tree = '', draft] = INDEX_FILE.exec(name) ?? [];
      if (!trees.has(tree)) continue;
      const path = join(folder, name);
      if (draft === undefined ? !days.has(day) : isOld(path)) rmSync(path, { force: true });
    }
  }

  /** As `LogTree.filesNamed`, but at once: a hundred looks in turn take less than handing them to other threads. */
  #filesNamed(name: string, days: readonly string[]): readonly LogFile[] {
    const candidates = days.flatMap((day) =>
      this.#tree.folders.flatMap((folder) =>
        COMPRESSIONS.map((compression) => logFileAs({ folder, day, name }, compression)),
      ),
    );
    return candidates.filter(({ path }) => lstatSync(path, { throwIfNoEntry: false })?.isFile() === true);
  }

  async #sharedFiles(day: string): Promise<readonly LogFile[]> {
    const files: LogFile[] = [];
    for (const folder of this.#tree.folders) {
      for (const fileName of await namesIn(`${folder}/${day}`)) {
        const parsed = fileName.startsWith('_') ? parseLogFileName(fileName) : undefined;
        if (parsed !== undefined) files.push({ path: `${folder}/${day}/${fileName}`, folder, day, ...parsed });
      }
    }
    return files;
  }

  async #indexedFiles(indexes: readonly DayIndex[], jobId: string): Promise<readonly JobFile[]> {
    return (await this.#refreshed(indexes)).flatMap((index) => index.filesOf(jobId));
  }

  async #refreshed(indexes: readonly DayIndex[]): Promise<readonly DayIndex[]> {
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

  #letGo(memoryBytes: number): void {
    let bytes = 0;
    for (const index of this.#days.values()) {
      index.settle();
      bytes += index.bytes;
    }
    for (const [key, index] of this.#days) {
      if (bytes <= memoryBytes) return;
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

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch {
    // There is no such folder (yet), or it cannot be read: nothing of it is known.
    return [];
  }
}

function isOld(path: string): boolean {
  const mtimeMs = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  return Date.now() - mtimeMs > DRAFT_MS;
}
