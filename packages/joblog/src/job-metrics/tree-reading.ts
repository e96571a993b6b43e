/** Finds the files of one logs folder that may have something new, and has them read. */
import { readdir, stat } from 'node:fs/promises';
import { reportOnce } from '@taskspan/core/hub';
import { parseLogFileName } from '../reader/log-file.ts';
import type { LineTaker } from './event-lines.ts';
import { DayProgress, type FileProgress } from './file-progress.ts';
import { readNew } from './file-reading.ts';
import type { TimeSlice } from './time-slice.ts';

const DAY = /^\d{4}-\d{2}-\d{2}$/;

/** A file that grew is looked at each time for as long: a process that writes often writes again. */
const HOT_MS = 300_000;

/** Of the other files so many are looked at each time, in turn: some 10 ms. */
const LOOKS = 4096;

/** A folder that changed while it was listed has a time stamp of about then: it is listed once more. */
const LISTING_MS = 2_000;

/** What is gone for so long is not mounted again. Until then its progress is kept. */
const GONE_MS = 86_400_000;

/** Takes records with the day of the file that they stand in. */
export type DayTaker = (day: string) => LineTaker;

export class TreeReading {
  /** Absolute. */
  readonly logs: string;
  readonly days: Map<string, DayProgress> = new Map();
  readonly #hot = new Set<FileProgress>();
  #turns: Iterator<FileProgress> | undefined;
  #isFirst = true;

  constructor(logs: string) {
    this.logs = logs;
  }

  /** Reads what is new: files that are new (the first time: all), those that grew lately, and some of the others. True when there was any. */
  async read(take: DayTaker, slice: TimeSlice): Promise<boolean> {
    let hasNew = false;
    const looked = new Set<FileProgress>();
    const look = async (file: FileProgress): Promise<void> => {
      if (looked.has(file)) return;
      looked.add(file);
      const hasGrown = await readNew(file, take(file.day.day), slice);
      hasNew ||= hasGrown;
      if (hasGrown && !this.#isFirst) {
        file.grewAt = performance.now();
        this.#hot.add(file);
      }
      if (slice.isOver) await slice.next();
    };
    for (const file of await this.#findNew()) await look(file);
    for (const file of this.#hot) {
      if (performance.now() - file.grewAt >= HOT_MS || file.day.goneSince !== undefined) this.#hot.delete(file);
      else await look(file);
    }
    for (let looks = 0; looks < LOOKS && !this.#isFirst; looks += 1) {
      const next = this.#nextInTurn();
      if (next === undefined) break;
      await look(next);
    }
    this.#isFirst = false;
    return hasNew;
  }

  /** Files that are new, or whose plain or compressed one came or went. */
  async #findNew(): Promise<readonly FileProgress[]> {
    // A folder that is not there is not mounted, or not made yet; what was in it is not forgotten.
    const there = new Set(await listed(this.logs));
    for (const name of there)
      if (DAY.test(name) && !this.days.has(name)) this.days.set(name, new DayProgress(this.logs, name));
    const found: FileProgress[] = [];
    for (const day of this.days.values()) {
      if (there.has(day.day)) {
        day.goneSince = undefined;
        found.push(...(await this.#findInDay(day)));
      } else this.#forget(day);
    }
    return found;
  }

  #forget(day: DayProgress): void {
    day.listedMs = -1;
    day.goneSince ??= performance.now();
    if (performance.now() - day.goneSince >= GONE_MS) this.days.delete(day.day);
  }

  async #findInDay(day: DayProgress): Promise<readonly FileProgress[]> {
    const changedMs = await folderChangedMs(day.path);
    if (changedMs === undefined || changedMs === day.listedMs) return [];
    const names = await listed(day.path);
    if (names === undefined) return [];
    day.listedMs = Date.now() - changedMs < LISTING_MS ? -1 : changedMs;
    return compare(day, names);
  }

  /** Undefined once all had their turn. */
  #nextInTurn(): FileProgress | undefined {
    this.#turns ??= inTurn(this.days);
    const next = this.#turns.next();
    if (next.done !== true) return next.value;
    this.#turns = undefined;
    return undefined;
  }
}

/** What differs from the last listing: files that came, or changed between plain and compressed. */
function compare(day: DayProgress, names: readonly string[]): FileProgress[] {
  const plain = new Set<string>();
  const packed = new Map<string, FileProgress['packing']>();
  for (const fileName of names) {
    const { name, compression } = parseLogFileName(fileName) ?? {};
    if (name === undefined || compression === undefined) continue;
    if (compression === 'none') plain.add(name);
    else packed.set(name, compression);
  }
  const changed: FileProgress[] = [];
  for (const name of new Set([...day.files.keys(), ...plain, ...packed.keys()])) {
    const file = day.file(name);
    const isPlainThere = plain.has(name);
    const packing = packed.get(name) ?? 'none';
    if (isPlainThere === file.isPlainThere && packing === file.packing) continue;
    file.isPlainThere = isPlainThere;
    file.packing = packing;
    if (isPlainThere || packing !== 'none') changed.push(file);
  }
  return changed;
}

/** All files there are. Maps may change meanwhile. */
function* inTurn(days: ReadonlyMap<string, DayProgress>): Generator<FileProgress, void, undefined> {
  for (const day of days.values()) {
    if (day.goneSince !== undefined) continue;
    for (const file of day.files.values()) if (file.isPlainThere || file.packing !== 'none') yield file;
  }
}

async function folderChangedMs(path: string): Promise<number | undefined> {
  try {
    const stats = await stat(path);
    return stats.isDirectory() ? stats.mtimeMs : undefined;
  } catch (error) {
    return unreadable(path, error);
  }
}

async function listed(path: string): Promise<readonly string[] | undefined> {
  try {
    return await readdir(path);
  } catch (error) {
    return unreadable(path, error);
  }
}

function unreadable(path: string, error: unknown): undefined {
  const code = (error as NodeJS.ErrnoException).code;
  if (code !== 'ENOENT' && code !== 'ENOTDIR')
    reportOnce('metrics.folder', `${path} cannot be read (${code ?? String(error)}): its runs are not in the metrics`);
  return undefined;
}
