/** Keeps a logs folder within its limits: old days go first, and what stays of past days is packed. */
import { readdir, rm, rmdir, stat } from 'node:fs/promises';
import { utcDate } from '@taskspan/core/hub';
import { compressFile, isUnchanged, isWorthCompressing, type RetentionCompression } from './compress-file.ts';
import { filesOfDay, type KeptFile } from './day-files.ts';
import { mayBeWritten } from './open-file.ts';
import { RECENT_MS, type RetentionLimits } from './retention-limits.ts';
import { RetentionLock, writeLastRetention } from './retention-lock.ts';

const DAY = /^\d{4}-\d{2}-\d{2}$/;
const MS_PER_DAY = 86_400_000;
/** What an earlier process had not finished packing. */
const PART = /^\..+\.jsonl\.(?:gz|zst)\.\d+\.part$/;
/** Problems that are named in a report; the rest is counted. */
const PROBLEMS_NAMED = 20;

export interface PruneOptions {
  /** Logs folder, absolute. */
  readonly logs: string;
  readonly limits: RetentionLimits;
  readonly compression?: RetentionCompression | undefined;
  /** Only says what would be done. */
  readonly dryRun?: boolean | undefined;
  /** Epoch milliseconds. */
  readonly nowMs?: number | undefined;
  /** Stops between two files. */
  readonly signal?: AbortSignal | undefined;
  /** Called between two files, so that a busy application can take its time. */
  readonly pause?: (() => Promise<void>) | undefined;
}

/** What was done, or would be, as `taskspan prune --json` prints it. */
export interface PruneReport {
  readonly logs: string;
  readonly dry_run: boolean;
  readonly deleted_files: number;
  readonly deleted_bytes: number;
  /** Days of which nothing is left. */
  readonly deleted_days: readonly string[];
  readonly compressed_files: number;
  /** Saved by that; not known before it is done. */
  readonly compressed_bytes_saved: number;
  /** Above a limit, and kept because somebody may still write to them. */
  readonly spared_files: number;
  /** No job logs, and so never touched. */
  readonly unknown_files: number;
  readonly kept_files: number;
  readonly kept_bytes: number;
  /** What could not be read or deleted, and why; the first ones. */
  readonly problems: readonly string[];
}

/**
 * Deletes what is beyond the limits and packs what is left of past days. Never deleted: a run that is open, what was
 * written to within the last two hours, and what is no job log.
 *
 * @returns undefined when another process is at it
 */
export async function pruneLogs(options: PruneOptions): Promise<PruneReport | undefined> {
  if (options.dryRun === true) return await new Pruning(options).run();
  const lock = await takeLock(options.logs);
  if (lock === undefined) return undefined;
  if (lock === 'no folder') return await new Pruning({ ...options, dryRun: true }).run();
  try {
    const report = await new Pruning(options).run();
    const { kept_files: files, kept_bytes: bytes } = report;
    await writeLastRetention(options.logs, { atMs: Date.now(), files, bytes });
    return report;
  } finally {
    await lock.release();
  }
}

async function takeLock(logs: string): Promise<RetentionLock | 'no folder' | undefined> {
  try {
    return await RetentionLock.take(logs);
  } catch (error) {
    // Nothing was written yet.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'no folder';
    throw error;
  }
}

interface DayTotal {
  readonly day: string;
  files: number;
  bytes: number;
}

/** One time. Of no more than one day all files are known at once. */
class Pruning {
  readonly #options: PruneOptions;
  readonly #nowMs: number;
  readonly #today: string;
  #files = 0;
  #bytes = 0;
  #deletedFiles = 0;
  #deletedBytes = 0;
  readonly #deletedDays: string[] = [];
  #compressed = 0;
  #saved = 0;
  #spared = 0;
  #unknown = 0;
  readonly #problems: string[] = [];

  constructor(options: PruneOptions) {
    this.#options = options;
    this.#nowMs = options.nowMs ?? Date.now();
    this.#today = utcDate(this.#nowMs);
  }

  async run(): Promise<PruneReport> {
    const days = await this.#survey();
    for (const total of days) {
      if (this.#isStopped) break;
      await this.#pruneDay(total);
    }
    return {
      logs: this.#options.logs,
      dry_run: this.#options.dryRun === true,
      deleted_files: this.#deletedFiles,
      deleted_bytes: this.#deletedBytes,
      deleted_days: this.#deletedDays,
      compressed_files: this.#compressed,
      compressed_bytes_saved: this.#saved,
      spared_files: this.#spared,
      unknown_files: this.#unknown,
      kept_files: this.#files,
      kept_bytes: this.#bytes,
      problems: this.#problems,
    };
  }

  get #isStopped(): boolean {
    return this.#options.signal?.aborted === true;
  }

  get #isOver(): boolean {
    const { bytes, files } = this.#options.limits;
    return this.#bytes > bytes || this.#files > files;
  }

  /** Counts everything; the oldest day first. */
  async #survey(): Promise<readonly DayTotal[]> {
    const totals: DayTotal[] = [];
    for (const day of await listDays(this.#options.logs)) {
      if (this.#isStopped) break;
      const { files, unknown } = await filesOfDay(this.#options.logs, day);
      const total = { day, files: files.length, bytes: files.reduce((sum, { bytes }) => sum + bytes, 0) };
      this.#files += total.files;
      this.#bytes += total.bytes;
      this.#unknown += unknown.length;
      totals.push(total);
    }
    return totals;
  }

  async #pruneDay({ day }: DayTotal): Promise<void> {
    const isExpired = Date.parse(day) <= Date.parse(this.#today) - this.#options.limits.days * MS_PER_DAY;
    const isPast = day < this.#today;
    const packs = isPast && (this.#options.compression ?? 'off') !== 'off';
    if (!isExpired && !this.#isOver && !packs) return;
    const { files, unknown } = await filesOfDay(this.#options.logs, day);
    let left = files.length + unknown.length;
    for (const file of files) {
      if (this.#isStopped) return;
      await this.#options.pause?.();
      await this.#attempt(file.path, async () => {
        if (isExpired || this.#isOver) left -= (await this.#delete(file)) ? 1 : 0;
        else if (packs && isWorthCompressing(file)) await this.#compress(file);
      });
    }
    for (const name of unknown.filter((each) => PART.test(each))) left -= (await this.#deletePart(day, name)) ? 1 : 0;
    if (left === 0 && isPast) await this.#removeDay(day);
  }

  async #delete(file: KeptFile): Promise<boolean> {
    if (await mayBeWritten(file, this.#nowMs)) {
      this.#spared += 1;
      return false;
    }
    if (this.#options.dryRun !== true) {
      // Somebody may have written to it since it was looked at.
      if (!(await isUnchanged(file))) return false;
      await rm(file.path);
    }
    this.#deletedFiles += 1;
    this.#deletedBytes += file.bytes;
    this.#files -= 1;
    this.#bytes -= file.bytes;
    return true;
  }

  async #compress(file: KeptFile): Promise<void> {
    const { compression = 'off', dryRun } = this.#options;
    if (compression === 'off' || (await mayBeWritten(file, this.#nowMs))) return;
    if (dryRun !== true) {
      const packed = await compressFile(file, compression);
      if (packed === undefined) return;
      this.#saved += file.bytes - packed.bytes;
      this.#bytes -= file.bytes - packed.bytes;
    }
    this.#compressed += 1;
  }

  async #deletePart(day: string, name: string): Promise<boolean> {
    const path = `${this.#options.logs}/${day}/${name}`;
    return (
      (await this.#attempt(path, async () => {
        if (this.#options.dryRun === true || this.#nowMs - (await stat(path)).mtimeMs < RECENT_MS) return false;
        await rm(path);
        return true;
      })) ?? false
    );
  }

  /** Only an empty folder can go this way: what came meanwhile stays. */
  async #removeDay(day: string): Promise<void> {
    if (this.#options.dryRun !== true) {
      try {
        await rmdir(`${this.#options.logs}/${day}`);
      } catch (error) {
        if (['ENOTEMPTY', 'EEXIST', 'ENOENT'].includes(String((error as NodeJS.ErrnoException).code))) return;
        throw error;
      }
    }
    this.#deletedDays.push(day);
  }

  /** What cannot be done for one file is told, and costs no other. */
  async #attempt<T>(path: string, work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      // Another process, or a person, was quicker.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      if (this.#problems.length < PROBLEMS_NAMED) this.#problems.push(`${path}: ${(error as Error).message}`);
      return undefined;
    }
  }
}

/** Folders of days, the oldest first; links are none. */
async function listDays(logs: string): Promise<readonly string[]> {
  try {
    const entries = await readdir(logs, { withFileTypes: true });
    return entries
      .filter((entry) => entry.isDirectory() && DAY.test(entry.name))
      .map(({ name }) => name)
      .sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
