/** How the lines of a file are packed, by the ending of its name. */
export type Compression = 'none' | 'gzip' | 'zstd';

/** A file of job logs. Files that differ in nothing but their compression hold the same lines, or parts of them. */
export interface LogFile {
  /** Absolute. */
  readonly path: string;
  /** The logs folder that it was found in, absolute. */
  readonly folder: string;
  /** UTC day `YYYY-MM-DD`, the folder it lies in. */
  readonly day: string;
  /** Without `.jsonl` and what follows. */
  readonly name: string;
  readonly compression: Compression;
}

/** Where the records of a job stand in a file, in bytes before compression, as far as somebody has looked. */
interface KnownLines {
  /** Of the first line with one of them. */
  readonly from: number;
  /** After the last line with one of them. */
  readonly to: number;
  /** Of the first line that nobody has looked at: from there on may be more. */
  readonly readTo: number;
}

/** A file of a job. In one that many jobs share it helps to know where to look. */
export interface JobFile extends LogFile {
  readonly known?: KnownLines | undefined;
}

const ENDINGS: Readonly<Record<Compression, string>> = {
  none: '.jsonl',
  gzip: '.jsonl.gz',
  zstd: '.jsonl.zst',
};

/** In the order in which a file goes through them: what is gone under one name may be there under the next. */
export const COMPRESSIONS: readonly Compression[] = ['none', 'gzip', 'zstd'];

/** Name without ending, and the compression that the ending says; undefined for a file that is no job log. */
export function parseLogFileName(
  fileName: string,
): { readonly name: string; readonly compression: Compression } | undefined {
  for (const compression of COMPRESSIONS) {
    const ending = ENDINGS[compression];
    if (fileName.length > ending.length && fileName.endsWith(ending) && !fileName.startsWith('.'))
      return { name: fileName.slice(0, -ending.length), compression };
  }
  return undefined;
}

/** The same file under another compression; whether it exists is another matter. */
export function logFileAs(file: Omit<LogFile, 'path' | 'compression'>, compression: Compression): LogFile {
  const { folder, day, name } = file;
  return { path: `${folder}/${day}/${name}${ENDINGS[compression]}`, folder, day, name, compression };
}

/** True for the files that many runs may share: of an hour, of a process. */
export function isSharedLogFile(file: LogFile): boolean {
  return file.name.startsWith('_');
}
