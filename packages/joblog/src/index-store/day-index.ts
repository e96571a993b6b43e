/** The index of one day's folder: what its files tell about runs, brought up to date when somebody asks. */
import { closeSync, constants, fstatSync, lstatSync, openSync, type Stats } from 'node:fs';
import { reportOnce } from '@taskspan/core/hub';
import { bytesOf } from '../reader/log-bytes.ts';
import { type LogFile, parseLogFileName } from '../reader/log-file.ts';
import { type DayState, type FolderFacts, loadDay, saveDay } from './day-store.ts';
import { FileScan, isOpen } from './file-scan.ts';
import { FileTable } from './file-table.ts';
import { type ChangeOptions, changesOf, Slices, UNSEEN_FOLDER } from './folder-changes.ts';
import { chunkWindows, lineWindows } from './line-window.ts';
import { mergedTable, type PartTable, tableOf } from './part-table.ts';
import type { OpenFile } from './part-text.ts';
import { type RunPart, runKey } from './run-part.ts';
import { textHash } from './text-hash.ts';

/** New parts that are kept as objects; beyond it they become a table. */
const FRESH_PARTS = 4096;
/** Tables of at least this many parts are left as they are, unless a quarter of one is dead. */
const LARGE_TABLE = 32_768;
const MERGED_PARTS = 65_536;
/** The index is written again when that has cost this share of the time since: 1 percent. */
const SAVE_PATIENCE = 100;
const MIN_SAVE_INTERVAL_MS = 5000;
/** What is read faster than this is not worth a file. */
const WORTH_SAVING_MS = 1;

export interface DayIndexOptions {
  /** A logs folder, absolute. */
  readonly logs: string;
  /** UTC day `YYYY-MM-DD`. */
  readonly day: string;
  /** The file that keeps it; without one it is kept in memory. */
  readonly path: string | undefined;
}

export class DayIndex {
  readonly logs: string;
  readonly day: string;
  /** Of the day, absolute. */
  readonly folder: string;
  readonly #path: string | undefined;
  #facts: FolderFacts = UNSEEN_FOLDER;
  #files = new FileTable();
  #tables: PartTable[] = [];
  #fresh = new Map<string, RunPart>();
  #freshTable: PartTable | undefined;
  #skipped = 0;
  #opened: OpenFile | undefined;
  #isLoaded = false;
  /** Milliseconds spent on reading what is not saved yet. */
  #unsavedMs = 0;
  #savedAtMs = 0;
  #saveMs = 0;
  #work: Promise<void> = Promise.resolve();

  constructor({ logs, day, path }: DayIndexOptions) {
    this.logs = logs;
    this.day = day;
    this.folder = `${logs}/${day}`;
    this.#path = path;
  }

  /** Pieces of lines that could not be read. */
  get skipped(): number {
    return this.#skipped;
  }

  /** Bytes that it keeps in memory, about. */
  get bytes(): number {
    let bytes = this.#files.bytes;
    for (const table of this.#tables) bytes += table.columns.byteLength;
    return bytes;
  }

  /** True while it could be read again from its file without losing work. */
  get isSaved(): boolean {
    return this.#path !== undefined && this.#unsavedMs === 0;
  }

  /** The parts as they are known, those that changed last in the last table. A table is not changed but for its dead. */
  get tables(): readonly PartTable[] {
    if (this.#fresh.size === 0) return this.#tables;
    this.#freshTable ??= tableOf([...this.#fresh.values()], this.day);
    return [...this.#tables, this.#freshTable];
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

  /** The numbers of the files that tell something about a job. */
  filesOf(jobId: string): readonly number[] {
    const hash = textHash(jobId);
    const files = new Set<number>();
    for (const table of this.tables) {
      for (const row of table.rowsOf(hash)) {
        if (table.isLive(row) && table.part(row).jobId === jobId) files.add(table.words.file[row] ?? 0);
      }
    }
    return [...files];
  }

  /** Brings it up to date with the folder. Rejects when the folder cannot be read. */
  refresh(options: ChangeOptions = { isThorough: false }): Promise<void> {
    const work = this.#work.then(() => this.#refresh(options));
    // Who comes next tries again.
    this.#work = work.catch(() => undefined);
    return work;
  }

  /** Writes what is not saved yet, if that is worth it. Never rejects. */
  save(): Promise<void> {
    const work = this.#work.then(() => this.#save());
    this.#work = work;
    return work;
  }

  /** Lets go of the file. */
  close(): void {
    this.#opened?.close();
    this.#opened = undefined;
  }

  async #refresh(options: ChangeOptions): Promise<void> {
    this.#load();
    const seen = { facts: this.#facts, files: this.#files };
    const { facts, changed, gone, renamed } = await changesOf(this.folder, seen, options);
    if (renamed.size > 0) this.#rename(renamed);
    if (gone.length > 0) this.#forget(new Set(gone));
    if (changed.length > 0) await this.#readAll(changed);
    this.#facts = facts;
    const age = Date.now() - this.#savedAtMs;
    if (this.#unsavedMs > 0 && age > Math.max(MIN_SAVE_INTERVAL_MS, this.#saveMs * SAVE_PATIENCE)) await this.#save();
  }

  #load(): void {
    if (this.#isLoaded) return;
    this.#isLoaded = true;
    const loaded = this.#path === undefined ? undefined : loadDay(this.#path);
    if (loaded === undefined) return;
    this.#opened = loaded.file;
    this.#facts = loaded.facts;
    this.#files = loaded.files;
    this.#tables = [...loaded.tables];
    this.#skipped = loaded.skipped;
    this.#savedAtMs = Date.now();
  }

  async #readAll(changed: readonly number[]): Promise<void> {
    const begunMs = performance.now();
    const slices = new Slices();
    for (const file of changed) {
      await this.#read(file);
      await slices.pause();
    }
    this.#unsavedMs += performance.now() - begunMs;
  }

  async #read(file: number): Promise<void> {
    const logFile = this.fileOf(file);
    if (logFile === undefined) return;
    const fd = this.#open(logFile.path, file);
    if (fd === undefined) return;
    try {
      const stats = fstatSync(fd);
      const isPlain = logFile.compression === 'none';
      const { readTo } = this.#files.facts(file);
      // What is shorter than it was, or packed, is another file.
      const from = isPlain && stats.size >= readTo ? readTo : 0;
      if (from < readTo) this.#forget(new Set([file]));
      const known = (jobId: string, run: string): RunPart | undefined => this.#known(file, jobId, run);
      const scan = new FileScan({ file, name: logFile.name, known });
      if (stats.isFile()) {
        if (isPlain) for (const window of lineWindows(fd, from)) scan.add(window);
        else for await (const window of chunkWindows(bytesOf(logFile, 0), 0)) scan.add(window);
      }
      const parts = scan.end();
      for (const part of parts) this.#put(part);
      this.#skipped += scan.skipped;
      this.#files.set(file, {
        size: stats.size,
        mtimeMs: stats.mtimeMs,
        readTo: Math.max(from, scan.readTo),
        isRestless: logFile.name.startsWith('_') || parts.some(isOpen),
      });
    } catch (error) {
      // It is passed over until it changes: a file that cannot be unpacked must not hide all others.
      reportOnce('joblog.index.read', `a file of job logs cannot be read: ${String(error)}`);
      this.#passOver(file, fstatSync(fd));
    } finally {
      closeSync(fd);
    }
  }

  /** Undefined for what is gone (when it was compressed, its folder shows that to the next look), or is no plain file. */
  #open(path: string, file: number): number | undefined {
    try {
      // A link is not followed, and opening a pipe would wait for its writer.
      return openSync(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
    } catch (error) {
      const stats = lstatSync(path, { throwIfNoEntry: false });
      if (stats !== undefined) {
        reportOnce('joblog.index.read', `a file of job logs cannot be read: ${String(error)}`);
        this.#passOver(file, stats);
        return undefined;
      }
      this.#files.remove(file);
      this.#forget(new Set([file]));
      return undefined;
    }
  }

  #passOver(file: number, { size, mtimeMs }: Stats): void {
    this.#files.set(file, { ...this.#files.facts(file), size, mtimeMs });
  }

  #known(file: number, jobId: string, run: string): RunPart | undefined {
    const fresh = this.#fresh.get(partKey(file, jobId, run));
    if (fresh !== undefined) return fresh;
    const found = this.#find(file, jobId, run);
    return found?.table.part(found.row);
  }

  #find(file: number, jobId: string, run: string): { readonly table: PartTable; readonly row: number } | undefined {
    const hash = textHash(jobId);
    for (const table of this.#tables) {
      for (const row of table.rowsOf(hash)) {
        if (!table.isLive(row) || table.words.file[row] !== file) continue;
        const part = table.part(row);
        if (part.jobId === jobId && part.run === run) return { table, row };
      }
    }
    return undefined;
  }

  #put(part: RunPart): void {
    const key = partKey(part.file, part.jobId, part.run);
    if (!this.#fresh.has(key)) {
      const found = this.#find(part.file, part.jobId, part.run);
      found?.table.bury(found.row);
    }
    this.#fresh.set(key, part);
    this.#freshTable = undefined;
    if (this.#fresh.size >= FRESH_PARTS) this.#seal();
  }

  #seal(): void {
    if (this.#fresh.size === 0) return;
    this.#tables.push(tableOf([...this.#fresh.values()], this.day));
    this.#fresh.clear();
    this.#freshTable = undefined;
  }

  #forget(files: ReadonlySet<number>): void {
    this.#unsavedMs += WORTH_SAVING_MS;
    this.#freshTable = undefined;
    for (const [key, part] of this.#fresh) if (files.has(part.file)) this.#fresh.delete(key);
    for (const table of this.#tables) {
      const { file } = table.words;
      for (let row = 0; row < table.count; row += 1) if (files.has(file[row] ?? 0)) table.bury(row);
    }
  }

  #rename(renamed: ReadonlyMap<number, number>): void {
    this.#unsavedMs += WORTH_SAVING_MS;
    this.#seal();
    for (const { count, words } of this.#tables) {
      for (let row = 0; row < count; row += 1) {
        const file = renamed.get(words.file[row] ?? 0);
        if (file !== undefined) words.file[row] = file;
      }
    }
  }

  async #save(): Promise<void> {
    if (this.#path === undefined || this.#unsavedMs < WORTH_SAVING_MS) return;
    const begunMs = performance.now();
    const before = this.#opened;
    this.#seal();
    this.#tables = compacted(this.#tables);
    try {
      const state: DayState = {
        facts: this.#facts,
        skipped: this.#skipped,
        files: this.#files,
        tables: this.#tables,
      };
      this.#opened = await saveDay(this.#path, state);
      before?.close();
      this.#unsavedMs = 0;
    } catch (error) {
      reportOnce('joblog.index', `the index of job logs cannot be written; it is kept in memory: ${String(error)}`);
    }
    this.#savedAtMs = Date.now();
    this.#saveMs = performance.now() - begunMs;
  }
}

function partKey(file: number, jobId: string, run: string): string {
  return `${file}\n${runKey(jobId, run)}`;
}

/** Small tables become larger ones, and what is dead is left out. */
function compacted(tables: readonly PartTable[]): PartTable[] {
  const kept: PartTable[] = [];
  let group: PartTable[] = [];
  let parts = 0;
  const close = (): void => {
    if (group.length > 0) kept.push(mergedTable(group));
    group = [];
    parts = 0;
  };
  for (const table of tables) {
    const isSound = table.deadCount * 4 <= table.count;
    if (table.liveCount === 0) continue;
    if (table.count >= LARGE_TABLE && isSound) {
      kept.push(table);
      continue;
    }
    if (parts + table.liveCount > MERGED_PARTS) close();
    group.push(table);
    parts += table.liveCount;
  }
  close();
  return kept;
}
