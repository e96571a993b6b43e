/**
 * Where the folder of this toolkit lies: decided once at the start, absolute, and made if need be. Nothing here throws;
 * what was asked for and cannot be had stands in `warnings`.
 */
import { accessSync, constants, lstatSync, mkdirSync, readdirSync, type Stats, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, isAbsolute, join, resolve, sep } from 'node:path';
import { safeFileName } from '@taskspan/core/hub';
import type { AppPackage } from './app-package.ts';
import type { Environment } from './config.ts';

type DirectorySource = 'asked' | 'state' | 'app' | 'xdg' | 'temp' | 'none';

export interface DirectoryOptions {
  readonly env: Environment;
  /** `service.name`: services that share a home get a folder each. */
  readonly serviceName: string;
  readonly app: AppPackage | undefined;
  /** `TASKSPAN_DIR`, or the option in code. */
  readonly dir: string | undefined;
  /** `TASKSPAN_LOGS_DIR` and its aliases, or the option in code. */
  readonly logsDir: string | undefined;
  /** The folder for temporary files; that of the system. */
  readonly tempFolder?: string;
}

export interface TaskspanDirectory {
  /** Absolute; undefined when no place can be written to: metrics and OTLP go on without it. */
  readonly dir: string | undefined;
  /** Absolute: the override, else `logs` below `dir`; undefined when there is neither. Made by whoever writes first. */
  readonly logsDir: string | undefined;
  readonly source: DirectorySource;
  readonly warnings: readonly string[];
}

interface Candidate {
  readonly source: DirectorySource;
  readonly path: string;
  /** The variable that names it: if it cannot be used, the user must hear of it. */
  readonly askedBy?: string;
}

/**
 * Takes the first usable of: `TASKSPAN_DIR`, `$STATE_DIRECTORY` (systemd), `.taskspan` beside the app's package.json,
 * `$XDG_STATE_HOME/taskspan/<service>`, a folder of our own in the temp folder.
 */
export function findDirectory(options: DirectoryOptions): TaskspanDirectory {
  const warnings: string[] = [];
  const chosen = candidates(options).find(({ source, path, askedBy }) => {
    const problem = source === 'temp' ? claimTempFolder(path) : claimFolder(path);
    if (problem === undefined) return true;
    if (askedBy !== undefined) warnings.push(`${askedBy}: ${path} cannot be used (${problem}); trying the next place`);
    return false;
  });
  if (chosen?.source === 'temp') {
    warnings.push(
      `no lasting folder can be written to; using ${chosen.path}, which may be cleaned away: set TASKSPAN_DIR`,
    );
  }
  if (chosen === undefined) warnings.push('no folder can be written to, so there are no files: set TASKSPAN_DIR');
  return Object.freeze({
    dir: chosen?.path,
    logsDir: findLogsFolder(options.logsDir, chosen?.path, warnings),
    source: chosen?.source ?? 'none',
    warnings: Object.freeze(warnings),
  });
}

/**
 * The places that {@link findDirectory} looks at, in its order: for who reads what another process has written, and
 * makes nothing.
 */
export function directoryPlaces(options: Omit<DirectoryOptions, 'logsDir'>): readonly string[] {
  return candidates(options).map(({ path }) => path);
}

function candidates({
  env,
  serviceName,
  app,
  dir,
  tempFolder,
}: Omit<DirectoryOptions, 'logsDir'>): readonly Candidate[] {
  const service = safeFileName(serviceName);
  const found: Candidate[] = [];
  if (dir !== undefined) found.push({ source: 'asked', path: resolve(dir), askedBy: 'TASKSPAN_DIR' });
  // systemd lists several folders with colons; the first is the service's own.
  const state = env['STATE_DIRECTORY']?.split(':')[0];
  if (state) found.push({ source: 'state', path: resolve(state), askedBy: 'STATE_DIRECTORY' });
  // An installed program is replaced with all that lies in its folder.
  const installed = app?.folder.split(sep).includes('node_modules');
  if (app !== undefined && !installed) found.push({ source: 'app', path: join(app.folder, '.taskspan') });
  const xdg = stateHome(env);
  if (xdg !== undefined) found.push({ source: 'xdg', path: join(xdg, 'taskspan', service) });
  const user = process.getuid?.();
  const own = join(tempFolder ?? tmpdir(), user === undefined ? 'taskspan' : `taskspan-${user}`);
  found.push({ source: 'temp', path: join(own, service) });
  return found;
}

/** The XDG base directory specification: relative values are invalid, the default is `~/.local/state`. */
function stateHome(env: Environment): string | undefined {
  const given = env['XDG_STATE_HOME'];
  if (given !== undefined && isAbsolute(given)) return given;
  const home = env['HOME'];
  return home !== undefined && isAbsolute(home) ? join(home, '.local', 'state') : undefined;
}

function findLogsFolder(asked: string | undefined, dir: string | undefined, warnings: string[]): string | undefined {
  const fallback = dir === undefined ? undefined : join(dir, 'logs');
  if (asked === undefined) return fallback;
  const path = resolve(asked);
  const made = makeFolder(path);
  const problem = typeof made === 'string' ? made : unwritable(path);
  if (problem === undefined) return path;
  warnings.push(`logs folder: ${path} cannot be used (${problem}); using ${fallback ?? 'none'}`);
  return fallback;
}

/** Makes the folder, and marks it as nobody's source code. @returns what is wrong, or undefined */
export function claimFolder(path: string): string | undefined {
  const made = makeFolder(path);
  if (typeof made === 'string') return made;
  // A folder that somebody else filled may be a working tree: git must go on seeing it.
  const ours = made.created || isEmpty(path);
  const problem = unwritable(path);
  if (problem !== undefined || !ours) return problem;
  try {
    writeFileSync(join(path, '.gitignore'), '*\n', { flag: 'wx', mode: 0o600 });
  } catch (error) {
    // A full disk may have room later; another process may have been first.
    if (!['EEXIST', 'ENOSPC', 'EDQUOT'].includes(codeOf(error))) return codeOf(error);
  }
  return undefined;
}

/**
 * The temp folder belongs to everybody: a folder of ours there must be a real one, owned by this user, closed to others.
 * Else somebody could have put it there to read the logs, or to have them written elsewhere.
 */
function claimTempFolder(path: string): string | undefined {
  const own = dirname(path);
  const made = makeFolder(own);
  if (typeof made === 'string') return made;
  const found = stats(own, lstatSync);
  if (found?.isDirectory() !== true) return 'not a folder';
  const user = process.getuid?.();
  if (user !== undefined && found.uid !== user) return 'owned by another user';
  if (user !== undefined && (found.mode & 0o077) !== 0) return 'open to other users';
  return claimFolder(path);
}

/**
 * Makes a folder and its parents, each closed to others, one level at a time: on Node 20 a recursive `mkdirSync` never
 * returns in places such as `/proc`, where a missing parent cannot be made.
 *
 * @returns whether it was made now, or what is wrong
 */
function makeFolder(path: string): { readonly created: boolean } | string {
  const missing: string[] = [];
  let existing = path;
  for (; stats(existing, statSync) === undefined; existing = dirname(existing)) {
    missing.unshift(existing);
    if (dirname(existing) === existing) return 'no such root';
  }
  if (stats(existing, statSync)?.isDirectory() !== true) return `${existing} is not a folder`;
  for (const folder of missing) {
    try {
      mkdirSync(folder, { mode: 0o700 });
    } catch (error) {
      // Another process of the same app may start at the same moment.
      if (codeOf(error) !== 'EEXIST') return codeOf(error);
    }
  }
  return { created: missing.length > 0 };
}

function unwritable(path: string): string | undefined {
  try {
    accessSync(path, constants.W_OK | constants.X_OK);
    return undefined;
  } catch (error) {
    return codeOf(error);
  }
}

function isEmpty(path: string): boolean {
  try {
    return readdirSync(path).length === 0;
  } catch {
    // What cannot be listed is not known to be ours.
    return false;
  }
}

function stats(path: string, read: (path: string) => Stats): Stats | undefined {
  try {
    return read(path);
  } catch {
    // Missing, or behind a folder that cannot be entered: either way it is not there for us.
    return undefined;
  }
}

function codeOf(error: unknown): string {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : String(error);
}
