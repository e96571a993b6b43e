import type { Compression } from '../reader/log-file.ts';
import { NumberTable } from './number-table.ts';
import type { TextHash } from './text-hash.ts';

/** Files are told apart by so many values: another file under the same name has another one, nearly always. */
const MARKS = 65_536;

/** Larger files (64 GiB) are not parked. */
const MAX_PARKED_BYTES = 2 ** 35;

/** What a parked file was, as the last digit of its value. */
const PARKED: readonly Compression[] = ['none', 'gzip', 'zstd'];
const KINDS = 4;

/** How far one file of runs was read. It may be there plain, compressed, or both. */
export class FileProgress {
  /** Without `.jsonl` and what follows. */
  readonly name: string;
  readonly day: DayProgress;
  /** Bytes of the plain file that were read. */
  plainRead = 0;
  /** Its size then; -1 when it was not read. Above {@link plainRead} while its last line has no end. */
  plainSize = -1;
  /** Tells it from another file under its name: {@link fileMark}. */
  mark = 0;
  /** Bytes of the compressed file that were read, counted as they were before the compression. */
  packedRead = 0;
  /** Its size then, compressed; -1 when it was not read. */
  packedSize = -1;
  /** What is there, as of the last look into the folder. */
  isPlainThere = false;
  packing: Compression = 'none';
  /** When it last grew, in milliseconds of the monotonic clock. */
  grewAt = 0;

  constructor(day: DayProgress, name: string) {
    this.day = day;
    this.name = name;
  }
}

/** What says which file it is. The inode alone does not: that of a file that is deleted is often that of the next one. */
export interface FileIdentity {
  readonly ino: number;
  /** 0 where the file system does not know. */
  readonly birthtimeMs: number;
}

/** What is kept of it. */
export function fileMark({ ino, birthtimeMs }: FileIdentity): number {
  const microseconds = Math.floor(birthtimeMs * 1000);
  return ((ino % MARKS) + (microseconds % MARKS) + (Math.floor(microseconds / MARKS) % MARKS)) % MARKS;
}

/** How far the files of one day's folder were read. */
export class DayProgress {
  /** The logs folder that it lies in, absolute. */
  readonly logs: string;
  /** `YYYY-MM-DD` */
  readonly day: string;
  /** Files that grow, or of which there is more to say than fits into a number. */
  readonly active: Map<string, FileProgress> = new Map();
  /** All others, by the hash of their names: the size up to which they were read, and what they are. */
  parked: NumberTable = new NumberTable();
  /** Modification time of the folder when it was listed, in milliseconds; -1 before. */
  listedMs = -1;
  /** Since when it is gone, in milliseconds of the monotonic clock; undefined while it is there. */
  goneSince: number | undefined;
  readonly #hash: TextHash;

  constructor(logs: string, day: string, hash: TextHash) {
    this.logs = logs;
    this.day = day;
    this.#hash = hash;
  }

  /** Absolute path of its folder. */
  get path(): string {
    return `${this.logs}/${this.day}`;
  }

  /** Progress of a file, which may be new; it is active from now on. */
  file(name: string): FileProgress {
    const active = this.active.get(name);
    if (active !== undefined) return active;
    const file = new FileProgress(this, name);
    this.#unpark(file);
    this.active.set(name, file);
    return file;
  }

  /** Keeps of a file nothing but a number, if that says all. */
  park(file: FileProgress): void {
    const { isPlainThere, packing, plainRead, plainSize, packedSize } = file;
    const isPlain = isPlainThere && packing === 'none' && plainSize >= 0 && plainRead === plainSize;
    const isPacked = !isPlainThere && packing !== 'none' && packedSize >= 0;
    const size = isPlain ? plainSize : packedSize;
    if (!(isPlain || isPacked) || size >= MAX_PARKED_BYTES) return;
    this.active.delete(file.name);
    this.parked.set(this.#hash.of(file.name), (size * KINDS + PARKED.indexOf(packing)) * MARKS + file.mark);
  }

  /** True for a parked file that is there in the same form and, where that is told, is the same, of the same size. */
  isParkedAs(name: string, packing: Compression, stats?: FileIdentity & { readonly size: number }): boolean {
    const value = this.parked.get(this.#hash.of(name));
    if (value === undefined || kindOf(value) !== packing) return false;
    if (stats === undefined) return true;
    return sizeOf(value) === stats.size && (packing !== 'none' || value % MARKS === fileMark(stats));
  }

  /** Forgets the parked files that are gone. @param names of all that are there */
  forgetParked(names: readonly string[]): void {
    const there = new NumberTable();
    for (const name of names) {
      const key = this.#hash.of(name);
      const value = this.parked.get(key);
      if (value !== undefined) there.set(key, value);
    }
    if (there.size < this.parked.size) this.parked = there;
  }

  #unpark(file: FileProgress): void {
    const key = this.#hash.of(file.name);
    const value = this.parked.get(key);
    if (value === undefined) return;
    this.parked.delete(key);
    const packing = kindOf(value);
    if (packing === 'none') {
      file.plainRead = sizeOf(value);
      file.plainSize = file.plainRead;
      file.mark = value % MARKS;
      file.isPlainThere = true;
    } else {
      // Should it have grown, it is read from its start: what is counted is remembered.
      file.packedSize = sizeOf(value);
      file.packing = packing;
    }
  }
}

function kindOf(value: number): Compression {
  return PARKED[Math.floor(value / MARKS) % KINDS] ?? 'none';
}

function sizeOf(value: number): number {
  return Math.floor(value / MARKS / KINDS);
}
