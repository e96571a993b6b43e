/** Which rows of a list hold a text: in id, operation or label, or in a message in the run's file. */
import type { DayIndex } from './day-index.ts';
import { Needle } from './needle.ts';
import { type PartTable, PLACE_BYTES } from './part-table.ts';
import type { RunPart } from './run-part.ts';
import type { ScanThreads } from './scan-threads.ts';
import { textHash } from './text-hash.ts';
import type { ScanFile } from './text-scan.ts';

/** Rows that are looked through together, newest first. */
const ROWS_PER_CHUNK = 256;
const FILES_PER_TASK = 128;
/** Who has looked in vain looks further ahead: keeps both threads busy. */
const MOST_AHEAD = 15;

/** Says whether a row may be asked for at all. */
export type IsCandidate = (table: PartTable, row: number) => boolean;

export class TextFilter {
  readonly #needle: Needle;
  readonly #threads: ScanThreads;
  readonly #isCandidate: IsCandidate;
  /** By table and chunk: the rows that hold it. */
  readonly #found = new Map<PartTable, Map<number, Promise<ReadonlySet<number>>>>();
  readonly #ahead = new Map<PartTable, number>();
  readonly #done = new Map<PartTable, Map<number, ReadonlySet<number>>>();

  constructor(text: string, threads: ScanThreads, isCandidate: IsCandidate) {
    this.#needle = new Needle(text);
    this.#threads = threads;
    this.#isCandidate = isCandidate;
  }

  /** Answers at once where the rows around this one have been looked through. */
  has(index: DayIndex, table: PartTable, row: number): boolean | Promise<boolean> {
    const chunk = Math.floor(row / ROWS_PER_CHUNK);
    const done = this.#done.get(table)?.get(chunk);
    if (done !== undefined) return done.has(row);
    const found = this.#rowsIn(index, table, chunk);
    const ahead = this.#ahead.get(table) ?? 0;
    for (let next = chunk - 1; next >= Math.max(0, chunk - ahead); next -= 1) {
      // Should that fail, it fails for who asks for it.
      this.#rowsIn(index, table, next).catch(() => undefined);
    }
    this.#ahead.set(table, Math.min(MOST_AHEAD, ahead * 2 + 1));
    return found.then((rows) => rows.has(row));
  }

  #rowsIn(index: DayIndex, table: PartTable, chunk: number): Promise<ReadonlySet<number>> {
    const chunks = this.#found.get(table) ?? new Map<number, Promise<ReadonlySet<number>>>();
    this.#found.set(table, chunks);
    const known = chunks.get(chunk);
    if (known !== undefined) return known;
    const found = this.#look(index, table, chunk).then((rows) => {
      const done = this.#done.get(table) ?? new Map<number, ReadonlySet<number>>();
      this.#done.set(table, done.set(chunk, rows));
      return rows;
    });
    chunks.set(chunk, found);
    return found;
  }

  async #look(index: DayIndex, table: PartTable, chunk: number): Promise<ReadonlySet<number>> {
    const rows = new Set<number>();
    const first = chunk * ROWS_PER_CHUNK;
    const end = Math.min(table.count, first + ROWS_PER_CHUNK);
    this.#lookAtRows(table, { first, end }, rows);
    const ranges = new Map<number, { first: number; last: number }>();
    for (let row = first; row < end; row += 1) {
      if (rows.has(row) || !this.#isCandidate(table, row)) continue;
      const { file, from, to } = placeOf(table, row);
      const range = ranges.get(file);
      if (range === undefined) ranges.set(file, { first: from, last: to });
      else {
        range.first = Math.min(range.first, from);
        range.last = Math.max(range.last, to);
      }
    }
    await this.#lookAtFiles(index, { table, ranges, isWithin: (row) => row >= first && row < end }, rows);
    return rows;
  }

  /** The texts of neighbouring rows lie behind each other: they are looked through as a whole. */
  #lookAtRows(
    table: PartTable,
    { first, end }: { readonly first: number; readonly end: number },
    rows: Set<number>,
  ): void {
    const { textAt } = table.words;
    const begin = textAt[first] ?? 0;
    const bytes = table.text.read(begin, (textAt[end] ?? table.textBytes) - begin);
    const text = bytes.toString('latin1');
    let row = first;
    for (let hit = this.#needle.nextIn(text, 0); hit >= 0; ) {
      while (row + 1 < end && (textAt[row + 1] ?? 0) - begin <= hit) row += 1;
      if (table.isLive(row) && this.#isInRow(table.part(row))) rows.add(row);
      const next = row + 1 < end ? (textAt[row + 1] ?? 0) - begin : text.length;
      hit = this.#needle.nextIn(text, next);
    }
  }

  #isInRow({ jobId, state: { operation = 'unknown', label = '' } }: RunPart): boolean {
    return this.#needle.isIn(jobId) || this.#needle.isIn(operation) || this.#needle.isIn(label);
  }

  async #lookAtFiles(index: DayIndex, wanted: WantedFiles, rows: Set<number>): Promise<void> {
    const { table, ranges, isWithin } = wanted;
    const numbers = [...ranges.keys()];
    const tasks: Promise<void>[] = [];
    for (let at = 0; at < numbers.length; at += FILES_PER_TASK) {
      const part = numbers.slice(at, at + FILES_PER_TASK);
      const files = part.map((number): ScanFile => {
        const { first = 0, last = 0 } = ranges.get(number) ?? {};
        // A place is known by its block: one line more at either end is looked at in vain.
        return { name: index.nameOf(number), start: first * PLACE_BYTES, to: (last + 1) * PLACE_BYTES };
      });
      const { folder } = index;
      const question = {
        wanted: 'runs',
        needle: this.#needle.text,
        folder,
        files,
        limit: Number.POSITIVE_INFINITY,
      } as const;
      const task = this.#threads.scan(question).then(({ hits }) => {
        for (const { file, jobId, run } of hits) {
          for (const row of table.rowsOf(textHash(jobId))) {
            if (!isWithin(row) || table.words.file[row] !== part[file]) continue;
            const found = table.part(row);
            if (found.jobId === jobId && found.run === run) rows.add(row);
          }
        }
      });
      tasks.push(task);
    }
    await Promise.all(tasks);
  }
}

interface WantedFiles {
  readonly table: PartTable;
  /** By number of the file: the blocks of it that hold lines of the rows. */
  readonly ranges: ReadonlyMap<number, { readonly first: number; readonly last: number }>;
  readonly isWithin: (row: number) => boolean;
}

function placeOf(
  { words }: PartTable,
  row: number,
): { readonly file: number; readonly from: number; readonly to: number } {
  return { file: words.file[row] ?? 0, from: words.first[row] ?? 0, to: words.last[row] ?? 0 };
}
