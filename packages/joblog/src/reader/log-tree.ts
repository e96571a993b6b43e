/** The folders of job logs: which days and files there are, in all of them together, and the lines of a file. */
import { lstat, readdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { COMPRESSIONS, type LogFile, logFileAs, parseLogFileName } from './log-file.ts';
import { type LinesOptions, type LogLine, readLines } from './log-lines.ts';

const DAY = /^\d{4}-\d{2}-\d{2}$/;

/** Inclusive UTC days `YYYY-MM-DD`; open where absent. */
export interface DayRange {
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

/** Several logs folders read as one. Folders that are not there (yet) are empty; links inside are not followed. */
export class LogTree {
  /** Absolute, each once. */
  readonly folders: readonly string[];

  /** @param logs one or more logs folders: those that hold the folders of days */
  constructor(logs: string | readonly string[]) {
    this.folders = [...new Set((typeof logs === 'string' ? [logs] : logs).map((folder) => resolve(folder)))];
  }

  /** The days that have a folder, newest first. */
  async days(range: DayRange = {}): Promise<readonly string[]> {
    const { from = '', to = '~' } = range;
    const days = new Set<string>();
    for (const folder of this.folders) {
      for (const entry of await listFolder(folder)) {
        if (entry.isDirectory() && DAY.test(entry.name) && entry.name >= from && entry.name <= to) days.add(entry.name);
      }
    }
    return [...days].sort().reverse();
  }

  /** The files of a day, by folder and name. */
  async filesOf(day: string): Promise<readonly LogFile[]> {
    const files: LogFile[] = [];
    if (!DAY.test(day)) return files;
    for (const folder of this.folders) {
      for (const entry of await listFolder(`${folder}/${day}`)) {
        const parsed = entry.isFile() ? parseLogFileName(entry.name) : undefined;
        if (parsed !== undefined) files.push({ path: `${folder}/${day}/${entry.name}`, folder, day, ...parsed });
      }
    }
    return files.sort((a, b) => (a.path < b.path ? -1 : 1));
  }

  /**
   * The files of one name, on any of the days: what {@link filesOf} would find, without reading the folders of days.
   *
   * @param name without ending, as `safeFileName` makes it of an id
   */
  async filesNamed(name: string, days: readonly string[]): Promise<readonly LogFile[]> {
    if (name.includes('/') || name.includes('\0')) return [];
    const candidates = days.flatMap((day) =>
      this.folders.flatMap((folder) =>
        COMPRESSIONS.map((compression) => logFileAs({ folder, day, name }, compression)),
      ),
    );
    const found = await Promise.all(candidates.map(async (file) => ((await isFile(file.path)) ? file : undefined)));
    return found.filter((file) => file !== undefined);
  }

  /**
   * The lines of a file, whatever its compression; the last one may lack its end. A file that is gone has none; one that
   * was compressed meanwhile is read under its new name. Throws what reading throws otherwise, after the lines before.
   */
  linesOf(file: LogFile, options?: LinesOptions): AsyncIterable<LogLine> {
    return readLines(file, options);
  }
}

async function listFolder(path: string): Promise<readonly DirEntry[]> {
  try {
    return await readdir(path, { withFileTypes: true });
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    throw error;
  }
}

interface DirEntry {
  readonly name: string;
  isDirectory(): boolean;
  isFile(): boolean;
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await lstat(path)).isFile();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ENAMETOOLONG') return false;
    throw error;
  }
}
