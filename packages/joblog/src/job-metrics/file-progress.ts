import type { Compression } from '../reader/log-file.ts';

/** How far one file of runs was read. It may be there plain, compressed, or both. */
export class FileProgress {
  /** Without `.jsonl` and what follows. */
  readonly name: string;
  readonly day: DayProgress;
  /** Bytes of the plain file that were read. */
  plainRead = 0;
  /** Its size then; -1 when it was not read. Above {@link plainRead} while its last line has no end. */
  plainSize = -1;
  /** Its inode: another file under the same name is another file. */
  inode = 0;
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

/** How far the files of one day's folder were read. */
export class DayProgress {
  /** `YYYY-MM-DD` */
  readonly day: string;
  /** The logs folder that it lies in, absolute. */
  readonly logs: string;
  readonly files: Map<string, FileProgress> = new Map();
  /** Modification time of the folder when it was listed, in milliseconds; -1 before. */
  listedMs = -1;
  /** Since when it is gone, in milliseconds of the monotonic clock; undefined while it is there. */
  goneSince: number | undefined;

  constructor(logs: string, day: string) {
    this.logs = logs;
    this.day = day;
  }

  /** Absolute path of its folder. */
  get path(): string {
    return `${this.logs}/${this.day}`;
  }

  /** Progress of a file, which may be new. */
  file(name: string): FileProgress {
    const known = this.files.get(name);
    if (known !== undefined) return known;
    const file = new FileProgress(this, name);
    this.files.set(name, file);
    return file;
  }
}
