/** What the processes of this toolkit say about themselves, read by others: see `ProcessFile`. */
import { readdirSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { ProcessEntry } from '@taskspan/metrics';

/**
 * Entries of the processes of this machine that are alive.
 *
 * @param directory the folder of the toolkit
 */
export function liveProcesses(directory: string): ProcessEntry[] {
  const folder = join(directory, 'processes');
  return entryFiles(folder)
    .flatMap((name) => readEntry(join(folder, name)) ?? [])
    .filter(({ host, pid }) => host === hostname() && isAlive(pid));
}

function entryFiles(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith('.json'))
      .sort();
  } catch {
    // No process has ever written there.
    return [];
  }
}

function readEntry(path: string): ProcessEntry | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as ProcessEntry;
  } catch {
    // Gone in this moment, or not ours: it tells nothing.
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it lives, under another user.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
