/** The application that hosts us, as far as its package.json tells. Reads the disk, changes nothing. */
import { readFileSync, realpathSync } from 'node:fs';
import { basename, dirname, extname, join, resolve, sep } from 'node:path';

/** The package.json that names the application. */
export interface AppPackage {
  /** Absolute path of the folder that holds it. */
  readonly folder: string;
  /** Undefined when no package.json on the way up has a name. */
  readonly name: string | undefined;
  readonly version: string | undefined;
}

/** Where the search begins. */
export interface AppLocation {
  /** The main script, as `process.argv[1]`. */
  readonly script?: string | undefined;
  readonly cwd?: string | undefined;
}

/**
 * Finds the application's package.json: from the main script's real path upward, else from the working folder upward.
 * A script below `node_modules` is a tool that runs the app (a test runner, a framework's command), as is the command
 * line of this package: there the working folder goes first. Files without a `name` (a bare `{"type": "module"}` in a folder of built files) are passed over, unless
 * there is no other: then the nearest one counts.
 *
 * @returns undefined when there is none
 */
export function findAppPackage(location: AppLocation = currentLocation()): AppPackage | undefined {
  const script = location.script === undefined ? undefined : realPath(location.script);
  const starts = [script === undefined ? undefined : dirname(script), location.cwd];
  if (script !== undefined && isTool(script)) starts.reverse();
  let unnamed: AppPackage | undefined;
  for (const start of starts) {
    for (const found of start === undefined ? [] : packagesUpward(resolve(start))) {
      if (found.name !== undefined) return found;
      unnamed ??= found;
    }
  }
  return unnamed;
}

function isTool(script: string): boolean {
  return script.split(sep).includes('node_modules') || dirname(script) === import.meta.dirname;
}

/** Names of the packages that it asks for itself, those for development aside. Empty when its file cannot be read. */
export function dependenciesOf({ folder }: AppPackage): readonly string[] {
  try {
    const { dependencies } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
      dependencies?: object;
    };
    return Object.keys(dependencies ?? {});
  } catch {
    // It was there a moment ago: without it nothing is known.
    return [];
  }
}

/** The file name of the main script without its extension; undefined for `node -e`, standard input and the REPL. */
export function scriptName(script: string | undefined): string | undefined {
  if (script === undefined || script === '-') return undefined;
  const name = basename(script, extname(script));
  return name === '' ? undefined : name;
}

/** Where this process stands. */
export function currentLocation(): AppLocation {
  return { script: process.argv[1], cwd: workingFolder() };
}

function workingFolder(): string | undefined {
  try {
    return process.cwd();
  } catch {
    // The folder was removed under the process: it names no app any more.
    return undefined;
  }
}

function* packagesUpward(start: string): Generator<AppPackage> {
  for (let folder = start; ; folder = dirname(folder)) {
    const found = readPackage(folder);
    if (found !== undefined) yield found;
    if (dirname(folder) === folder) return;
  }
}

function readPackage(folder: string): AppPackage | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  } catch {
    // Missing, unreadable or broken: another folder may tell.
    return undefined;
  }
  if (typeof parsed !== 'object' || parsed === null) return undefined;
  const { name, version } = parsed as { name?: unknown; version?: unknown };
  return { folder, name: text(name), version: text(version) };
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined;
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    // `[eval]` and the like are no files: their place is as good as their name.
    return resolve(path);
  }
}
