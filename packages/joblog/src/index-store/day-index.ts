/** The index of one day's folder: what its files tell about runs, brought up to date when somebody asks. */
import { lstatSync, type Stats } from 'node:fs';
import { reportOnce } from '@taskspan/core/hub';
import { isOwnFile } from '../reader/job-needle.ts';
import { type JobFile, type LogFile, parseLogFileName } from '../reader/log-file.ts';
import { DayParts } from './day-parts.ts';
import { type DayState, type FolderFacts, loadDay, saveDay } from './day-store.ts';
import { type FileReading, readParts, type UnreadFile } from './file-reading.ts';
import { isOpen } from './file-scan.ts';
import { FileTable } from './file-table.ts';
import { changesOf, RECENT_MS, UNSEEN_FOLDER } from './folder-changes.ts';
import type { OpenFile } from './part-text.ts';
import type { RunPart } from './run-part.ts';
import { SCAN_THREADS, type ScanThreads } from './scan-threads.ts';
import { Slices } from './slices.ts';

/** The index is written again when that has cost this share of the time since: 1 percent. */
const SAVE_PATIENCE = 100;
const MIN_SAVE_INTERVAL_MS = 5000;
/** So many new files are worth the start of a thread. */
const FILES_FOR_THREADS = 512;
const FILES_PER_TASK = 128;
/** A plain file with so much to read is read in pieces. */
const LARGE_FILE_BYTES = 8 * 1024 * 1024;
const PIECE_BYTES = 2 * 1024 * 1024;
const PLAIN_ENDING = '.jsonl';
/** Each thread has the next task at hand when it is done with one. */
const TASKS_AHEAD: number = 2 * SCAN_THREADS;
/** What is read faster than this is not worth a file; in a large index, than a millisecond for each of so many bytes. */
const WORTH_SAVING_MS = 1;
const SAVED_BYTES_PER_MS = 1_000_000;

export interface DayIndexOptions {
  /** A logs folder, absolute. */
  readonly logs: string;
  /** UTC day `YYYY-MM-DD`. */
  readonly day: string;
  /** The file that keeps it; without one it is kept in memory. */
  readonly path: string | undefined;
  /** Read what is new when that is much. */
  readonly threads: ScanThreads;
}

export class DayIndex {
  readonly logs: string;
  readonly day: string;
  /** Of the day, absolute. */
  readonly folder: string;
  readonly #path: string | undefined;
  readonly #threads: ScanThreads;
  #facts: FolderFacts = UNSEEN_FOLDER;
  #files = new FileTable();
  #parts: DayParts;
  #skipped = 0;
  #opened: OpenFile | undefined;
  /** Files before it, from which answers that are under way may still read. */
  readonly #replaced: OpenFile[] = [];
  #isLoaded = false;
  /** Milliseconds spent on reading what is not saved yet. */
  #unsavedMs = 0;
  #savedAtMs = 0;
  #saveMs = 0;
  #work: Promise<void> = Promise.resolve();

  constructor({ logs, day, path, threads }: DayIndexOptions) {
    this.logs = logs;
    this.day = day;
    this.folder = `${logs}/${day}`;
    this.#path = path;
    this.#threads = threads;
    this.#parts = new DayParts(day);
  }

  /** False before its folder was read for the first time, by any process. */
  get isBuilt(): boolean {
    this.#load();
    return this.#facts.listedAtMs > 0;
  }

  /** Pieces of lines that could not be read. */
  get skipped(): number {
    return this.#skipped;
  }

  /** Bytes that it keeps in memory, about. */
  get bytes(): number {
    return this.#files.bytes + this.#parts.bytes;
  }

  /** True while it could be read again from its file without losing much work. */
  get isSaved(): boolean {
    return this.#path !== undefined && !this.#isWorthSaving;
  }

  get #isWorthSaving(): boolean {
    return this.#unsavedMs >= Math.max(WORTH_SAVING_MS, this.bytes / SAVED_BYTES_PER_MS);
  }

  get parts(): DayParts {
    return this.#parts;
  }

  /** Name of a file, with its ending. */
  nameOf(file: number): string {
    return this.#files.name(file);
  }

  fileOf(file: number): LogFile | undefined {
    const fileName = this.#files.name(file);
    const parsed = parseLogFileName(fileName);
    if (parsed === undefined || this.#files.isGone(file)) return undefined;
    return { path: `${this.folder}/${fileName}`, folder: this.logs, day: this.day, ...parsed };
  }

  /** The files that tell something about a job; of those that are not its own, also where its records stand. */
  filesOf(jobId: string): readonly JobFile[] {
    return [...this.parts.placesOf(jobId)].flatMap(([number, place]): readonly JobFile[] => {
      const file = this.fileOf(number);
      if (file === undefined) return [];
      const { readTo } = this.#files.facts(number);
      // Of its own file every line counts, broken ones too.
      return isOwnFile(file, jobId) || readTo <= 0 ? [file] : [{ ...file, known: { ...place, readTo } }];
    });
  }

  /** Brings it up to date with the folder. Never rejects: what cannot be read is passed over, until it can. */
  refresh(): Promise<void> {
    const work = this.#work.then(() => this.#refresh());
    this.#work = work;
    return work;
  }

  /** Writes what is not saved yet, if that is worth it. Never rejects. */
  save(): Promise<void> {
    const work = this.#work.then(() => this.#save());
    this.#work = work;
    return work;
  }

  /** Lets go of what was replaced; no answer may be under way. */
  settle(): void {
    for (const file of this.#replaced.splice(0)) file.close();
  }

  /** Lets go of the file; no answer may be under way. */
  close(): void {
    this.settle();
    this.#opened?.close();
    this.#opened = undefined;
  }

  async #refresh(): Promise<void> {
    this.#load();
    try {
      await this.#catchUp();
    } catch (error) {
      reportUnread(String(error));
      // Whatever was not done is found when everything is looked at.
      this.#facts = UNSEEN_FOLDER;
    }
    const age = Date.now() - this.#savedAtMs;
    if (this.#unsavedMs > 0 && age > Math.max(MIN_SAVE_INTERVAL_MS, this.#saveMs * SAVE_PATIENCE)) await this.#save();
  }

  async #catchUp(): Promise<void> {
    const seen = { facts: this.#facts, files: this.#files };
    const { facts, changed, gone, renamed } = await changesOf(this.folder, seen);
    if (renamed.size > 0) this.#parts.rename(renamed);
    if (gone.length > 0) this.#parts.forget(new Set(gone));
    if (renamed.size + gone.length > 0) this.#unsavedMs += WORTH_SAVING_MS;
    if (changed.length > 0) await this.#readAll(changed);
    this.#facts = facts;
  }

  #load(): void {
    if (this.#isLoaded) return;
    this.#isLoaded = true;
    const loaded = this.#path === undefined ? undefined : loadDay(this.#path);
    if (loaded === undefined) return;
    this.#opened = loaded.file;
    this.#facts = loaded.facts;
    this.#files = loaded.files;
    this.#parts = new DayParts(this.day, loaded.tables);
    this.#skipped = loaded.skipped;
    this.#savedAtMs = Date.now();
  }

  async #readAll(changed: readonly number[]): Promise<void> {
    const begunMs = performance.now();
    const slices = new Slices();
    const few: number[] = [];
    let many: number[] = [];
    for (const file of changed) {
      const { size: known, readTo } = this.#files.facts(file);
      const stats = lstatSync(`${this.folder}/${this.#files.name(file)}`, { throwIfNoEntry: false });
      const isPlain = stats?.isFile() === true && this.#files.name(file).endsWith(PLAIN_ENDING);
      if (isPlain && stats.size - readTo >= LARGE_FILE_BYTES) await this.#readLarge(file, stats);
      else if (known < 0) many.push(file);
      else few.push(file);
      await slices.pause();
    }
    if (many.length < FILES_FOR_THREADS) few.push(...many.splice(0));
    const tasks: UnreadFile[][] = [];
    for (; many.length > 0; many = many.slice(FILES_PER_TASK))
      tasks.push(many.slice(0, FILES_PER_TASK).map((file) => this.#unread(file)));
    await this.#readInThreads(tasks, (reading) => this.#take(reading));
    for (const file of few) {
      const known = (jobId: string, run: string): RunPart | undefined => this.#parts.known(file, jobId, run);
      this.#take(
        await readParts(this.folder, this.#unread(file), this.#files.facts(file).size < 0 ? undefined : known),
      );
      await slices.pause();
    }
    this.#unsavedMs += performance.now() - begunMs;
  }

  /** In pieces, each of which tells of the runs that it has lines of. */
  async #readLarge(file: number, { size, mtimeMs }: Stats): Promise<void> {
    const unread = this.#unread(file);
    const pieces: UnreadFile[][] = [];
    for (let from = unread.from; from < size; from += PIECE_BYTES)
      pieces.push([{ ...unread, from, to: Math.min(size, from + PIECE_BYTES) }]);
    let readTo = unread.from;
    let hasOpen = false;
    await this.#readInThreads(pieces, (reading) => {
      if (reading.error !== undefined) reportUnread(reading.error);
      for (const part of reading.parts) this.#parts.put(part, 'more');
      this.#skipped += reading.skipped;
      readTo = Math.max(readTo, reading.readTo);
      hasOpen ||= reading.parts.some(isOpen);
    });
    this.#files.set(file, { size, mtimeMs, readTo, isRestless: this.#isShared(file) || hasOpen });
  }

  async #readInThreads(tasks: readonly UnreadFile[][], take: (reading: FileReading) => void): Promise<void> {
    const slices = new Slices();
    const ahead: Promise<readonly FileReading[]>[] = [];
    const takeFirst = async (): Promise<void> => {
      for (const reading of (await ahead.shift()) ?? []) {
        take(reading);
        await slices.pause();
      }
    };
    for (const files of tasks) {
      ahead.push(this.#threads.read({ folder: this.folder, files }));
      if (ahead.length >= TASKS_AHEAD) await takeFirst();
    }
    while (ahead.length > 0) await takeFirst();
  }

  #unread(file: number): UnreadFile {
    return { file, name: this.#files.name(file), from: Math.max(0, this.#files.facts(file).readTo) };
  }

  #isShared(file: number): boolean {
    return this.#files.name(file).startsWith('_');
  }

  #take({ file, isThere, size, mtimeMs, isAnew, readTo, skipped, parts, error }: FileReading): void {
    const wasNew = this.#files.facts(file).size < 0;
    if (!isThere) {
      // When it was compressed, its folder shows that to the next look.
      this.#files.remove(file);
      if (!wasNew) this.#parts.forget(new Set([file]));
      return;
    }
    // It is passed over until it changes: a file that cannot be read must not hide all others.
    if (error !== undefined) reportUnread(error);
    if (isAnew) this.#parts.forget(new Set([file]));
    for (const part of parts) this.#parts.put(part, wasNew || isAnew ? 'first' : 'whole');
    this.#skipped += skipped;
    this.#files.set(file, { size, mtimeMs, readTo, isRestless: this.#isShared(file) || parts.some(isOpen) });
    if (Date.now() - mtimeMs < RECENT_MS) this.#files.watch(file);
  }

  async #save(): Promise<void> {
    if (this.#path === undefined || !this.#isWorthSaving) return;
    const begunMs = performance.now();
    const before = this.#opened;
    const tables = this.#parts.compact();
    try {
      const state: DayState = {
        facts: this.#facts,
        skipped: this.#skipped,
        files: this.#files,
        tables,
      };
      this.#opened = await saveDay(this.#path, state);
      if (before !== undefined) this.#replaced.push(before);
      this.#unsavedMs = 0;
    } catch (error) {
      reportOnce('joblog.index', `the index of job logs cannot be written; it is kept in memory: ${String(error)}`);
    }
    this.#savedAtMs = Date.now();
    this.#saveMs = performance.now() - begunMs;
  }
}

function reportUnread(error: string): void {
  reportOnce('joblog.index.read', `job logs cannot be read: ${error}`);
}
