import { constants, mkdirSync, readdirSync, renameSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { lstat, open, readdir, rename, rm, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileName, parseFileName, type SpoolFileName, UNFINISHED } from './spool-names.ts';

/** One file of a folder. */
export interface SpoolFile extends SpoolFileName {
  readonly name: string;
  /** What it takes on the disk, in bytes. */
  readonly size: number;
}

/** For people who look into a folder; its time of change is the heartbeat. */
const OWNER_FILE = 'owner.json';
/** What a file of one byte takes on most disks. Counted in full, the limit bounds the number of files too. */
const BLOCK_BYTES = 4096;
/** Larger than any body that we write: what claims to be more is none of ours. */
const LARGEST_FILE = 256 * 1024 * 1024;
/** Files asked for their size at one time. */
const STATS_AT_ONCE = 32;
/** A link is never followed, a pipe never waited for: what is in a folder may be sent to another machine. */
const READ_FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/** What `bytes` take on the disk. */
export function diskSize(bytes: number): number {
  return Math.max(1, Math.ceil(bytes / BLOCK_BYTES)) * BLOCK_BYTES;
}

/** One folder of request bodies, with its owner in its name. Its methods throw what the disk says. */
export class SpoolFolder {
  #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** Makes the folder, and the two above it when somebody has deleted them. */
  static make(root: string, name: string): SpoolFolder {
    for (const path of [dirname(root), root]) makeFolder(path);
    const path = join(root, name);
    mkdirSync(path, { mode: 0o700 });
    const folder = new SpoolFolder(path);
    folder.signOwner();
    return folder;
  }

  get path(): string {
    return this.#path;
  }

  /** Writes who holds the folder, for people. */
  signOwner(): void {
    const owner = { format: 1, pid: process.pid, host: hostname(), since: new Date().toISOString() };
    writeFileSync(join(this.#path, OWNER_FILE), `${JSON.stringify(owner)}\n`, { mode: 0o600 });
  }

  /** Shows the other processes that the owner lives. */
  async beat(): Promise<void> {
    const now = new Date();
    await utimes(join(this.#path, OWNER_FILE), now, now);
  }

  /** When the owner last showed that it lives, in the clock of the disk: good for comparing with itself. */
  async lastBeatMs(): Promise<number> {
    const own = await lstat(join(this.#path, OWNER_FILE)).catch(() => lstat(this.#path));
    return own.mtimeMs;
  }

  /** Everything of ours in it, in order; what is foreign is passed over. */
  async list(): Promise<SpoolFile[]> {
    const found = (await readdir(this.#path, { withFileTypes: true })).filter((entry) => entry.isFile());
    const names = found.map((entry) => entry.name).sort();
    const files: SpoolFile[] = [];
    for (let at = 0; at < names.length; at += STATS_AT_ONCE) {
      const some = names.slice(at, at + STATS_AT_ONCE);
      files.push(...(await Promise.all(some.map((name) => this.#describe(name)))).flat());
    }
    return files;
  }

  async #describe(name: string): Promise<SpoolFile[]> {
    const parsed = parseFileName(name);
    if (parsed === undefined) return [];
    const { size } = await lstat(join(this.#path, name));
    return [{ ...parsed, name, size: diskSize(size) }];
  }

  /** Removes what its writer never finished: nobody can say what it was. Only for folders of the dead. */
  async removeUnfinished(): Promise<void> {
    for (const name of await readdir(this.#path)) {
      if (name.startsWith(UNFINISHED)) await rm(join(this.#path, name), { force: true });
    }
  }

  /** Under its name there is the whole body or nothing, also after a power cut. */
  async write(file: SpoolFileName, bytes: Uint8Array): Promise<SpoolFile> {
    const name = fileName(file);
    const folder = this.#path;
    const unfinished = join(folder, UNFINISHED + name);
    try {
      const handle = await open(unfinished, 'w', 0o600);
      try {
        await handle.writeFile(bytes);
        await handle.datasync();
      } finally {
        await handle.close();
      }
      await rename(unfinished, join(folder, name));
    } catch (error) {
      await rm(unfinished, { force: true });
      throw error;
    }
    return { ...file, name, size: diskSize(bytes.byteLength) };
  }

  /** As `write`, in an exit handler; the disk is not waited for, so that a power cut at this moment may cost it. */
  writeSync(file: SpoolFileName, bytes: Uint8Array): SpoolFile {
    const name = fileName(file);
    const unfinished = join(this.#path, UNFINISHED + name);
    try {
      writeFileSync(unfinished, bytes, { mode: 0o600 });
      renameSync(unfinished, join(this.#path, name));
    } catch (error) {
      rmSync(unfinished, { force: true });
      throw error;
    }
    return { ...file, name, size: diskSize(bytes.byteLength) };
  }

  async read(name: string): Promise<Buffer> {
    const handle = await open(join(this.#path, name), READ_FLAGS);
    try {
      const stat = await handle.stat();
      if (!stat.isFile() || stat.size > LARGEST_FILE) throw new Error(`${name} is no request body`);
      return await handle.readFile();
    } finally {
      await handle.close();
    }
  }

  /** True when it holds nothing that waits to be sent. */
  isEmptySync(): boolean {
    return !readdirSync(this.#path).some((name) => parseFileName(name) !== undefined);
  }

  /** Removes one file; one that is gone already is no problem. */
  removeSync(name: string): void {
    rmSync(join(this.#path, name), { force: true });
  }

  /** Gives the folder another name, atomically: what is still written under the old one fails. */
  renameTo(name: string): void {
    const path = join(dirname(this.#path), name);
    renameSync(this.#path, path);
    this.#path = path;
  }

  /** Removes the folder unless it holds something that we do not know. */
  discard(): void {
    rmSync(join(this.#path, OWNER_FILE), { force: true });
    try {
      rmdirSync(this.#path);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // Left alone, and found by nobody again: under this name no folder is claimed.
      if (code === 'ENOTEMPTY' || code === 'EEXIST') renameSync(this.#path, `${this.#path}.foreign`);
      else if (code !== 'ENOENT') throw error;
    }
  }

  /** Its name, without where it lies. */
  get name(): string {
    return basename(this.#path);
  }
}

/** Makes one level, closed to others. */
export function makeFolder(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
