/**
 * Where the log files lie that a reader is to read: the folders to which an application started here would write, found
 * by the same rules, without making any.
 */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { findAppPackage } from './app-package.ts';
import { type Config, describeWarning, type Environment, readConfig } from './config.ts';
import { directoryPlaces } from './directory.ts';
import { readResource } from './resource.ts';

export interface StoredLogsOptions {
  readonly env: Environment;
  /** Data folders, as asked for on the command line; none: as for an application. */
  readonly dirs?: readonly string[] | undefined;
}

export interface StoredLogs {
  /** The data folder, absolute; it need not exist. */
  readonly dir: string;
  /** The logs folders, absolute; they need not exist. */
  readonly logs: readonly string[];
  /** Folder of the index, in the data folder. */
  readonly index: string;
  readonly config: Config;
  /** What was set and is not understood, and folders that are not there, as sentences. */
  readonly warnings: readonly string[];
}

/**
 * Finds the logs: below each folder that is asked for, which may also be a logs folder itself, such as a Collector's;
 * else in the first place of the application that has any. `TASKSPAN_LOGS_DIR` and its aliases go before all of them, as
 * they do for whoever writes.
 */
export function findStoredLogs({ env, dirs = [] }: StoredLogsOptions): StoredLogs {
  const config = readConfig(env, dirs[0] === undefined ? {} : { dir: dirs[0] });
  const asked = dirs.map((dir) => resolve(dir));
  const [dir = firstWithLogs(env, config)] = asked;
  const logs =
    config.logsDir === undefined
      ? [...new Set((asked.length === 0 ? [dir] : asked).map(logsIn))]
      : [resolve(config.logsDir)];
  const missing = logs.filter((folder) => !existsSync(folder)).map((folder) => `there are no logs in ${folder}`);
  return {
    dir,
    logs,
    index: join(dir, 'index'),
    config,
    warnings: [...config.warnings.map(describeWarning), ...missing],
  };
}

/** The first place of an application that holds logs; where none does, that to which it would write first. */
function firstWithLogs(env: Environment, config: Config): string {
  const app = findAppPackage();
  const { serviceName, resourceAttributes, dir } = config;
  const resource = readResource({ serviceName, resourceAttributes, app, script: process.argv[1] });
  const places = directoryPlaces({ env, serviceName: String(resource['service.name']), app, dir });
  // A folder that was asked for is meant, whether or not there is anything yet.
  if (dir !== undefined) return resolve(dir);
  return places.find((place) => isFolder(join(place, 'logs'))) ?? places[0] ?? join(process.cwd(), '.taskspan');
}

/** `logs` below a data folder, or the folder itself where it holds the days. */
function logsIn(dir: string): string {
  const logs = join(dir, 'logs');
  return !isFolder(logs) && holdsDays(dir) ? dir : logs;
}

function holdsDays(folder: string): boolean {
  return namesIn(folder).some((name) => /^\d{4}-\d\d-\d\d$/.test(name));
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    // Missing, or not to be read: who reads the logs says so.
    return [];
  }
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    // Missing, or behind a folder that cannot be entered.
    return false;
  }
}
