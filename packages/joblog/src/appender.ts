/**
 * Appends whole lines to many files, synchronously; used by the worker and, at exit or where there is no worker, by the
 * main thread. It loads nothing but Node itself, so that the worker starts quickly.
 */
import {
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  openSync,
  readSync,
  statfsSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

const { O_APPEND, O_CREAT, O_EXCL, O_RDWR, O_WRONLY } = constants;
const OPEN_NEW = O_WRONLY | O_APPEND | O_CREAT | O_EXCL;
const OPEN_ANY = O_RDWR | O_APPEND | O_CREAT;
const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;
const NEWLINE = 10;
/** Longest time between two looks at the free space. */
const SPACE_CHECK_MS = 5000;
/** Files remembered as ending in half a line. */
const TORN_REMEMBERED = 10_000;

export interface AppenderOptions {
  /** Absolute logs folder. */
  readonly directory: string;
  /** Descriptors kept open; the one used longest ago is closed first. */
  readonly maxOpenFiles: number;
  /** Share of free bytes and of free inodes below which nothing is written. */
  readonly minFreeRatio: number;
}

/** Whole lines for one file. */
export interface Append {
  /** Path below the logs folder, without ending; already checked. */
  readonly file: string;
  readonly lines: Buffer;
  readonly isNew: boolean;
  readonly isLast: boolean;
}

/** What could not be written. */
export interface AppendFailure {
  /** `ENOSPC`, `EACCES`…; `LOW_SPACE` while writing pauses. */
  readonly code: string;
  /** The part of the lines that is not in the file: from the first line that is not there whole. */
  readonly lost: string;
}

/** Appends text to files below one folder, folders on demand. Never throws. */
export class Appender {
  readonly #options: AppenderOptions;
  /** Oldest use first. */
  readonly #open = new Map<string, number>();
  /** Files whose last line was cut off by a failed write: the next one begins with a newline. */
  readonly #torn = new Set<string>();
  #prepared = false;
  #nextSpaceCheck = 0;
  #lowSpace = false;

  constructor(options: AppenderOptions) {
    this.#options = options;
  }

  /** Number of descriptors held right now. */
  get openFiles(): number {
    return this.#open.size;
  }

  append(append: Append): AppendFailure | undefined {
    if (this.#isSpaceLow()) return { code: 'LOW_SPACE', lost: append.lines.toString() };
    let fd: number;
    try {
      fd = this.#descriptor(append.file, append.isNew);
    } catch (error) {
      return { code: codeOf(error), lost: append.lines.toString() };
    }
    const failure = this.#write(fd, append);
    if (append.isLast || failure !== undefined) this.#close(append.file, fd);
    else this.#keep(append.file, fd);
    return failure;
  }

  /** Closes every descriptor. */
  close(): void {
    for (const [file, fd] of this.#open) this.#close(file, fd);
  }

  #write(fd: number, append: Append): AppendFailure | undefined {
    const { file, lines } = append;
    const torn = this.#torn.size > 0 && this.#torn.delete(file);
    const bytes = torn ? Buffer.concat([Buffer.from('\n'), lines]) : lines;
    let done = 0;
    try {
      // A short write is completed before anything else: a line's end must follow.
      while (done < bytes.length) done += writeSync(fd, bytes, done);
      return undefined;
    } catch (error) {
      const lineEnd = done === 0 ? 0 : bytes.lastIndexOf(NEWLINE, done - 1) + 1;
      if (lineEnd < done || (torn && done === 0)) this.#rememberTorn(file);
      return { code: codeOf(error), lost: bytes.toString('utf8', lineEnd) };
    }
  }

  #rememberTorn(file: string): void {
    // Forgetting one is safe: an opened file's last byte is looked at as well.
    if (this.#torn.size >= TORN_REMEMBERED) this.#torn.clear();
    this.#torn.add(file);
  }

  #descriptor(file: string, isNew: boolean): number {
    const known = this.#open.get(file);
    if (known !== undefined) {
      if (fstatSync(known).nlink > 0) return known;
      // Deleted under us: what is written there nobody will ever read.
      this.#close(file, known);
    }
    const path = `${this.#options.directory}/${file}.jsonl`;
    if (!this.#prepared) this.#prepare();
    if (isNew) {
      const fd = this.#tryOpen(path, OPEN_NEW);
      if (fd !== undefined) return fd;
    }
    const fd = this.#tryOpen(path, OPEN_ANY);
    if (fd === undefined) throw Object.assign(new Error(`cannot open ${path}`), { code: 'EEXIST' });
    if (!this.#torn.has(file) && endsTorn(fd)) this.#rememberTorn(file);
    return fd;
  }

  /** Undefined when the file exists and must not. */
  #tryOpen(path: string, flags: number): number | undefined {
    try {
      return openSync(path, flags, FILE_MODE);
    } catch (error) {
      const code = codeOf(error);
      if (code === 'EEXIST') return undefined;
      if (code === 'ENOENT') {
        this.#prepare();
        makeFolder(dirname(path));
      } else if (code === 'EMFILE' || code === 'ENFILE') this.#closeOldest(Math.ceil(this.#open.size / 2));
      else throw error;
    }
    return openSync(path, flags & ~O_EXCL, FILE_MODE);
  }

  /** Makes the logs folder and tells git that it is not for it. */
  #prepare(): void {
    makeFolder(this.#options.directory);
    try {
      writeFileSync(join(this.#options.directory, '.gitignore'), '*\n', { flag: 'wx', mode: FILE_MODE });
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
    }
    this.#prepared = true;
  }

  #keep(file: string, fd: number): void {
    this.#open.delete(file);
    if (this.#open.size >= this.#options.maxOpenFiles) this.#closeOldest(1);
    this.#open.set(file, fd);
  }

  #closeOldest(count: number): void {
    let left = count;
    for (const [file, fd] of this.#open) {
      if (left <= 0) return;
      this.#close(file, fd);
      left -= 1;
    }
  }

  #close(file: string, fd: number): void {
    this.#open.delete(file);
    try {
      closeSync(fd);
    } catch {
      // A delayed error of a network file system: what was written there cannot be told apart any more.
      this.#rememberTorn(file);
    }
  }

  #isSpaceLow(): boolean {
    const { directory, minFreeRatio } = this.#options;
    const now = Date.now();
    if (minFreeRatio <= 0) return false;
    if (now < this.#nextSpaceCheck && now >= this.#nextSpaceCheck - SPACE_CHECK_MS) return this.#lowSpace;
    this.#nextSpaceCheck = now + SPACE_CHECK_MS;
    this.#lowSpace = isSpaceLow(directory, minFreeRatio);
    return this.#lowSpace;
  }
}

function endsTorn(fd: number): boolean {
  const { size } = fstatSync(fd);
  if (size === 0) return false;
  const last = Buffer.alloc(1);
  return readSync(fd, last, 0, 1, size - 1) === 1 && last[0] !== NEWLINE;
}

/** `mkdir -p` that ends: with `recursive`, Node 20 never returns from a folder that cannot be made below /proc. */
function makeFolder(path: string): void {
  try {
    mkdirSync(path, FOLDER_MODE);
  } catch (error) {
    const code = codeOf(error);
    if (code === 'EEXIST') return;
    const parent = dirname(path);
    if (code !== 'ENOENT' || parent === path || statSync(parent, { throwIfNoEntry: false }) !== undefined) throw error;
    makeFolder(parent);
    makeFolderOnce(path);
  }
}

function makeFolderOnce(path: string): void {
  try {
    mkdirSync(path, FOLDER_MODE);
  } catch (error) {
    // Somebody else may have been quicker.
    if (codeOf(error) !== 'EEXIST') throw error;
  }
}

function isSpaceLow(directory: string, minFreeRatio: number): boolean {
  for (let folder = directory; ; folder = dirname(folder)) {
    try {
      const { bavail, blocks, ffree, files } = statfsSync(folder);
      // Some file systems have no totals: nothing to measure then.
      return (blocks > 0 && bavail / blocks < minFreeRatio) || (files > 0 && ffree / files < minFreeRatio);
    } catch {
      // Not made yet: its parent lies on the same file system.
      if (dirname(folder) === folder) return false;
    }
  }
}

function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : 'UNKNOWN';
}
