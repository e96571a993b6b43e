/** Finds the files of one logs folder that may have something new, and has them read. */
import { lstatSync } from 'node:fs';
import { lstat } from 'node:fs/promises';
import { type Compression, logFileAs, parseLogFileName } from '../reader/log-file.ts';
import type { LineTaker } from './event-lines.ts';
import { DayProgress, type FileProgress } from './file-progress.ts';
import { readNew } from './file-reading.ts';
import { type FileInTurn, FileTurns } from './file-turns.ts';
import { listed, unreadable } from './folder-listing.ts';
import type { TextHash } from './text-hash.ts';
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
  readonly #hash: TextHash;
  readonly #hot = new Set<FileProgress>();
  readonly #turns: FileTurns;
  #isFirst = true;

  constructor(logs: string, hash: TextHash) {
    this.logs = logs;
    this.#hash = hash;
    this.#turns = new FileTurns(this.days);
  }

  /** The progress of a day, which may be new. */
  day(day: string): DayProgress {
    const known = this.days.get(day);
    if (known !== undefined) return known;
    const made = new DayProgress(this.logs, day, this.#hash);
    this.days.set(day, made);
    return made;
  }

  /**
   * Reads what is new: files that are new (the first time: all), those that grew lately, and some of the others.
   *
   * @returns true when there was any
   */
  async read(take: DayTaker, slice: TimeSlice): Promise<boolean> {
    let hasNew = false;
    const look = async (file: FileProgress): Promise<void> => {
      const hasGrown = await readNew(file, take(file.day.day), slice);
      hasNew ||= hasGrown;
      if (hasGrown && !this.#isFirst) {
        file.grewAt = performance.now();
        this.#hot.add(file);
      } else if (!this.#hot.has(file)) file.day.park(file);
      if (slice.isOver) await slice.next();
    };
    // What a process before has read may have grown since.
    const isTakenUp = this.#isFirst && this.days.size > 0;
    await this.#findDays();
    for (const day of this.days.values()) {
      if (day.goneSince === undefined) for (const file of await newIn(day, slice)) await look(file);
    }
    for (const file of this.#hot) {
      const isCold = performance.now() - file.grewAt >= HOT_MS || file.day.goneSince !== undefined;
      const isGone = file.day.active.get(file.name) !== file;
      if (isCold || isGone) this.#hot.delete(file);
      if (!isGone) await look(file);
    }
    const looks = isTakenUp ? Number.POSITIVE_INFINITY : LOOKS;
    if (isTakenUp || !this.#isFirst) await this.#lookInTurn(look, slice, looks);
    this.#isFirst = false;
    return hasNew;
  }

  async #findDays(): Promise<void> {
    // A folder that is not there is not mounted, or not made yet; what was in it is not forgotten.
    const there = new Set(await listed(this.logs));
    for (const name of there) if (DAY.test(name)) this.day(name);
    for (const day of this.days.values()) {
      if (there.has(day.day)) day.goneSince = undefined;
      else {
        day.listedMs = -1;
        day.goneSince ??= performance.now();
        if (performance.now() - day.goneSince >= GONE_MS) this.days.delete(day.day);
      }
    }
  }

  /** Looks at some files, going on where it stopped the last time; at all of them if there are few. */
  async #lookInTurn(look: (file: FileProgress) => Promise<void>, slice: TimeSlice, most: number): Promise<void> {
    for (let looks = 0; looks < most; looks += 1) {
      const next = await this.#turns.next();
      if (next === undefined) return;
      if (!isAsParked(next)) await look(next.day.file(next.name));
      else if (slice.isOver) await slice.next();
    }
  }
}

/** Files that are new, or came or went as plain or as compressed, since the folder was listed the last time. */
async function newIn(day: DayProgress, slice: TimeSlice): Promise<readonly FileProgress[]> {
  const changedMs = await folderChangedMs(day.path);
  if (changedMs === undefined || changedMs === day.listedMs) return [];
  const names = await listed(day.path);
  if (names === undefined) return [];
  day.listedMs = Date.now() - changedMs < LISTING_MS ? -1 : changedMs;
  return await compare(day, names, slice);
}

async function compare(day: DayProgress, names: readonly string[], slice: TimeSlice): Promise<FileProgress[]> {
  const plain = new Set<string>();
  const packed = new Map<string, Compression>();
  for (const fileName of names) {
    const { name, compression } = parseLogFileName(fileName) ?? {};
    if (name === undefined || compression === undefined) continue;
    if (compression === 'none') plain.add(name);
    else packed.set(name, compression);
    if (slice.isOver) await slice.next();
  }
  for (const name of day.active.keys()) if (!plain.has(name) && !packed.has(name)) day.active.delete(name);
  const changed: FileProgress[] = [];
  let atRest = 0;
  for (const name of new Set([...plain, ...packed.keys()])) {
    const isPlain = plain.has(name);
    const packing = packed.get(name) ?? 'none';
    if (!(isPlain && packing !== 'none') && day.isParkedAs(name, packing)) atRest += 1;
    else if (isChanged(day.file(name), isPlain, packing)) changed.push(day.file(name));
    if (slice.isOver) await slice.next();
  }
  if (atRest < day.parked.size) day.forgetParked([...plain, ...packed.keys()]);
  return changed;
}

/** Takes down what is there of a file; true when that was different. */
function isChanged(file: FileProgress, isPlain: boolean, packing: Compression): boolean {
  if (file.isPlainThere === isPlain && file.packing === packing) return false;
  file.isPlainThere = isPlain;
  file.packing = packing;
  return true;
}

/** True for a file of which nothing is new. */
function isAsParked({ day, name, compression }: FileInTurn): boolean {
  const { path } = logFileAs({ folder: day.logs, day: day.day, name }, compression);
  const stats = lstatSync(path, { throwIfNoEntry: false });
  return stats === undefined || !stats.isFile() || day.isParkedAs(name, compression, stats);
}

async function folderChangedMs(path: string): Promise<number | undefined> {
  try {
    const stats = await lstat(path);
    return stats.isDirectory() ? stats.mtimeMs : undefined;
  } catch (error) {
    return unreadable(path, error);
  }
}
