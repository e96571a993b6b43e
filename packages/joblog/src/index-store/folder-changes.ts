/** What has changed in a day's folder since the index last looked. */
import { closeSync, lstatSync, openSync, readSync, statSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { logFileAs, parseLogFileName } from '../reader/log-file.ts';
import type { FolderFacts } from './day-store.ts';
import type { FileTable } from './file-table.ts';
import { Slices } from './slices.ts';

/** Up to here, all names and files are looked at for each question. */
const FEW_FILES = 200;
/** The names of larger folders are listed again when that has cost this share of the time since: 5 percent. */
const LIST_PATIENCE = 20;
/** All of their files are looked at again when that has cost 2 percent. */
const SWEEP_PATIENCE = 50;
/** The clock of a file system moves in steps: what is written in the same one shows no later time. */
const CLOCK_STEP_MS = 50;
/** An open run whose file is silent for longer is looked at with all others. */
const RESTLESS_MS = 26 * 3_600_000;
/** A file that was just written may well be written again. */
export const RECENT_MS = 5000;

export const UNSEEN_FOLDER: FolderFacts = { mtimeMs: -1, listedAtMs: 0, listMs: 0, sweptAtMs: 0, sweepMs: 0 };

export interface FolderChanges {
  readonly facts: FolderFacts;
  /** Numbers of files that are new or differ from what is known. */
  readonly changed: readonly number[];
  /** Numbers of files that were known and are gone. */
  readonly gone: readonly number[];
  /** Numbers of files that have another name since they were compressed: before, and now. */
  readonly renamed: ReadonlyMap<number, number>;
}

/** Looks at a folder and notes new names in the table. A folder that is gone has no files. */
export async function changesOf(
  folder: string,
  { facts, files }: { readonly facts: FolderFacts; readonly files: FileTable },
): Promise<FolderChanges> {
  const nowMs = Date.now();
  const mtimeMs = statSync(folder, { throwIfNoEntry: false })?.mtimeMs ?? -1;
  const isLarge = files.count > FEW_FILES;
  // The clock may have been set back since.
  const isListDue = !isLarge || Math.abs(nowMs - facts.listedAtMs) > facts.listMs * LIST_PATIENCE;
  const isSweepDue = !isLarge || Math.abs(nowMs - facts.sweptAtMs) > facts.sweepMs * SWEEP_PATIENCE;
  const isNew = facts.listedAtMs === 0;
  const names =
    isNew || ((mtimeMs !== facts.mtimeMs || mtimeMs > facts.listedAtMs - CLOCK_STEP_MS) && isListDue)
      ? await namesIn(folder)
      : undefined;
  let noted = names === undefined ? NO_NAMES : noteNames(folder, files, names);
  const listMs = Date.now() - nowMs;
  const listed: FolderFacts = names === undefined ? facts : { ...facts, mtimeMs, listedAtMs: nowMs, listMs };
  const isSweep = isNew || isSweepDue;
  const begunMs = performance.now();
  const { changed, isMissing } = await lookAt(folder, files, isSweep ? allFiles(files) : restlessFiles(files, nowMs));
  const sweepMs = performance.now() - begunMs;
  // What is gone may have been compressed meanwhile: it is there under another name.
  if (isMissing) noted = bothNoted(noted, noteNames(folder, files, await namesIn(folder)));
  return {
    facts: isSweep ? { ...listed, sweptAtMs: nowMs, sweepMs } : listed,
    changed: [...new Set([...changed, ...noted.added])].filter((file) => !files.isGone(file)),
    gone: noted.gone,
    renamed: noted.renamed,
  };
}

interface NotedNames {
  readonly added: readonly number[];
  readonly gone: readonly number[];
  readonly renamed: ReadonlyMap<number, number>;
}

const NO_NAMES: NotedNames = { added: [], gone: [], renamed: new Map() };

function bothNoted(first: NotedNames, second: NotedNames): NotedNames {
  return {
    added: [...first.added, ...second.added],
    gone: [...first.gone, ...second.gone],
    renamed: new Map([...first.renamed, ...second.renamed]),
  };
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).filter((name) => parseLogFileName(name) !== undefined).sort();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    throw error;
  }
}

/** Notes new names, and takes out those that are gone. */
function noteNames(folder: string, files: FileTable, names: readonly string[]): NotedNames {
  const before = files.count;
  const isThere = new Uint8Array(before);
  const unknown: string[] = [];
  for (const name of names) {
    const file = files.find(name);
    if (file === undefined) unknown.push(name);
    else isThere[file] = 1;
  }
  const added: number[] = [];
  const renamed = new Map<number, number>();
  for (const name of unknown) {
    const plain = compressedFrom(folder, files, name);
    if (plain !== undefined && isThere[plain] === 0) renamed.set(plain, files.rename(plain, name));
    else added.push(files.add(name));
  }
  const gone: number[] = [];
  for (let file = 0; file < before; file += 1) {
    if (isThere[file] !== 0 || files.isGone(file)) continue;
    files.remove(file);
    gone.push(file);
  }
  return { added, gone, renamed };
}

/**
 * The file that this one is the compressed form of, if that was read to its end: gzip says how long it was (modulo 2^32),
 * so that it need not be read again.
 */
function compressedFrom(folder: string, files: FileTable, fileName: string): number | undefined {
  const parsed = parseLogFileName(fileName);
  if (parsed?.compression !== 'gzip') return undefined;
  const { path } = logFileAs({ folder: '', day: '', name: parsed.name }, 'none');
  const plain = files.find(path.slice(path.lastIndexOf('/') + 1));
  if (plain === undefined) return undefined;
  const { size, readTo } = files.facts(plain);
  return size === readTo && size > 0 && gzipLength(`${folder}/${fileName}`) === size % 2 ** 32 ? plain : undefined;
}

function gzipLength(path: string): number | undefined {
  const bytes = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  // A head of ten bytes and a tail of eight.
  if (bytes < 18) return undefined;
  const tail = Buffer.alloc(4);
  const fd = openSync(path, 'r');
  try {
    return readSync(fd, tail, 0, 4, bytes - 4) === 4 ? tail.readUInt32LE() : undefined;
  } finally {
    closeSync(fd);
  }
}

function* allFiles(files: FileTable): Generator<number> {
  for (let file = 0; file < files.count; file += 1) if (!files.isGone(file)) yield file;
}

function* restlessFiles(files: FileTable, nowMs: number): Generator<number> {
  for (const file of files.restless) {
    const age = nowMs - files.mtimeMs(file);
    if (age < (files.isRestless(file) ? RESTLESS_MS : RECENT_MS)) yield file;
    else files.calm(file);
  }
}

async function lookAt(
  folder: string,
  files: FileTable,
  numbers: Iterable<number>,
): Promise<{ readonly changed: readonly number[]; readonly isMissing: boolean }> {
  const changed: number[] = [];
  let isMissing = false;
  const slices = new Slices();
  for (const file of numbers) {
    const stats = lstatSync(`${folder}/${files.name(file)}`, { throwIfNoEntry: false });
    if (stats === undefined) isMissing = true;
    else if (!files.isSame(file, stats.size, stats.mtimeMs)) changed.push(file);
    await slices.pause();
  }
  return { changed, isMissing };
}
