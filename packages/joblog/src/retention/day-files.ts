/** What lies in the folder of a day: files of job logs with their sizes, and what is none. */
import { lstat, readdir } from 'node:fs/promises';
import { type LogFile, parseLogFileName } from '../reader/log-file.ts';

/** Files asked at a time: the pool of Node has four threads, which the application wants too. */
const AT_ONCE = 8;

export interface KeptFile extends LogFile {
  readonly bytes: number;
  /** Epoch milliseconds. */
  readonly modifiedMs: number;
}

export interface DayFiles {
  /** The one written longest ago first. */
  readonly files: readonly KeptFile[];
  /** Names of what is no job log: never touched. */
  readonly unknown: readonly string[];
}

/** @param folder logs folder, absolute */
export async function filesOfDay(folder: string, day: string): Promise<DayFiles> {
  const unknown: string[] = [];
  const found: LogFile[] = [];
  for (const entry of await readdir(`${folder}/${day}`, { withFileTypes: true })) {
    const parsed = entry.isFile() ? parseLogFileName(entry.name) : undefined;
    if (parsed === undefined) unknown.push(entry.name);
    else found.push({ path: `${folder}/${day}/${entry.name}`, folder, day, ...parsed });
  }
  const files: KeptFile[] = [];
  for (let at = 0; at < found.length; at += AT_ONCE) {
    const sized = await Promise.all(found.slice(at, at + AT_ONCE).map(sizeOf));
    for (const file of sized) if (file !== undefined) files.push(file);
  }
  files.sort((one, other) => one.modifiedMs - other.modifiedMs);
  return { files, unknown };
}

/** Undefined for a file that is gone. */
export async function sizeOf(file: LogFile): Promise<KeptFile | undefined> {
  try {
    const { size, mtimeMs } = await lstat(file.path);
    return { ...file, bytes: size, modifiedMs: mtimeMs };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
