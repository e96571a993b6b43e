/** A page of runs, newest first: the tables of all days that may hold some of it, merged. */

import type { JobRow, JobsRequest, JobsResponse } from '../reader/job.ts';
import { RunFacts } from '../reader/run-facts.ts';
import type { DayIndex } from './day-index.ts';
import { rangeOfFolder, type StartRange, startRange } from './day-range.ts';
import { JobsFilter, pageLimit } from './jobs-filter.ts';
import { decodeCursor, encodeCursor } from './list-cursor.ts';
import type { PartTable } from './part-table.ts';
import { comparePlaces, type ListPlace, type RunPart } from './run-part.ts';
import type { ScanThreads } from './scan-threads.ts';
import { TextFilter } from './text-filter.ts';
import { textHash } from './text-hash.ts';
import { checkNeedle } from './text-search.ts';

const DEFAULT_LIMIT = 100;

/** A table, and how far down the list has come in it. */
interface Source {
  readonly index: DayIndex;
  readonly table: PartTable;
  /** The newest row that is not listed yet and may pass; -1 when there is none. */
  row: number;
  place: ListPlace | undefined;
}

/** A part, and where it lies. */
interface PlacedPart {
  readonly source: Source;
  readonly row: number;
  readonly part: RunPart;
}

export interface JobListOptions {
  /** Days with a folder, newest first. */
  readonly days: readonly string[];
  /** The indexes of a day, brought up to date. */
  readonly open: (day: string) => Promise<readonly DayIndex[]>;
  /** Look for the text that the request asks for. */
  readonly threads: ScanThreads;
}

export class JobList {
  readonly #options: JobListOptions;
  readonly #filter: JobsFilter;
  readonly #range: StartRange;
  readonly #limit: number;
  readonly #below: ListPlace;
  readonly #text: TextFilter | undefined;
  readonly #days: string[];
  readonly #sources: Source[] = [];

  /** Throws {@link BadRequestError} for a request that cannot be understood. */
  constructor(request: JobsRequest, options: JobListOptions) {
    this.#options = options;
    this.#filter = new JobsFilter(request);
    this.#range = startRange(request);
    this.#limit = pageLimit(request.limit, DEFAULT_LIMIT);
    if (request.query !== undefined && request.query !== '') checkNeedle('query', request.query);
    const isCandidate = (table: PartTable, row: number): boolean => this.#mayPass(table, row);
    this.#text = request.query ? new TextFilter(request.query, options.threads, isCandidate) : undefined;
    const end = { startMs: this.#range.beforeMs, jobId: '', run: '' };
    const cursor = request.cursor === undefined ? end : decodeCursor(request.cursor);
    this.#below = comparePlaces(cursor, end) < 0 ? cursor : end;
    const wanted = { fromMs: this.#range.fromMs, beforeMs: this.#below.startMs };
    this.#days = options.days.filter((day) => {
      const folder = rangeOfFolder(day);
      return folder.fromMs <= wanted.beforeMs && wanted.fromMs < folder.beforeMs;
    });
  }

  async page(): Promise<JobsResponse> {
    const jobs: JobRow[] = [];
    let last: ListPlace | undefined;
    const nowMs = Date.now();
    for (let source = await this.#newest(); source !== undefined; source = await this.#newest()) {
      const { row: at } = source;
      const isWanted = await this.#hasText(source, at);
      const row = isWanted ? await this.#rowAt(source, nowMs) : undefined;
      const place = row === undefined ? undefined : placeOf(source);
      this.#step(source, at - 1);
      if (row === undefined) continue;
      if (jobs.length === this.#limit && last !== undefined)
        return { jobs, has_more: true, next_cursor: encodeCursor(last), ...this.#skipped() };
      jobs.push(row);
      last = place;
    }
    return { jobs, has_more: false, ...this.#skipped() };
  }

  /** The source whose row comes next. */
  async #newest(): Promise<Source | undefined> {
    for (;;) {
      let newest: Source | undefined;
      for (const source of this.#sources) {
        if (source.row >= 0 && (newest === undefined || isNewer(source, newest))) newest = source;
      }
      const [day] = this.#days;
      // The next folder may hold a run that started later.
      if (day === undefined || (newest !== undefined && startOf(newest) >= rangeOfFolder(day).beforeMs)) return newest;
      this.#days.shift();
      await this.#openDay(day);
    }
  }

  async #openDay(day: string): Promise<void> {
    for (const index of await this.#options.open(day)) {
      for (const table of index.parts.tables) {
        const source: Source = { index, table, row: -1, place: undefined };
        this.#step(source, table.rowBelow(this.#below));
        this.#sources.push(source);
      }
    }
  }

  #step(source: Source, from: number): void {
    const row = this.#filter.nextFrom(source.table, from, 0);
    source.row = row >= 0 && source.table.startAt(row) >= this.#range.fromMs ? row : -1;
    source.place = undefined;
  }

  #mayPass(table: PartTable, row: number): boolean {
    return table.startAt(row) >= this.#range.fromMs && this.#filter.mayPass(table, row);
  }

  /** The row to show, if it is to be shown at this place. */
  async #rowAt(source: Source, nowMs: number): Promise<JobRow | undefined> {
    const part = source.table.part(source.row);
    const placed: PlacedPart = { source, row: source.row, part };
    const others = this.#othersOf(placed);
    // A run is listed once, where the part stands that knows its start.
    if (others.some((other) => this.#mayPass(other.source.table, other.row) && isBetter(other, placed)))
      return undefined;
    const facts = new RunFacts(part.jobId, part.run, part.state);
    for (const other of others) facts.merge(other.part.state);
    const row = facts.row(nowMs);
    return this.#filter.passes(row) ? row : undefined;
  }

  #hasText({ index, table }: Source, row: number): boolean | Promise<boolean> {
    return this.#text === undefined || this.#text.has(index, table, row);
  }

  /** What other files, or other trees, tell about the same run. */
  #othersOf({ source: own, row: ownRow, part: { jobId, run } }: PlacedPart): readonly PlacedPart[] {
    const hash = textHash(jobId);
    const others: PlacedPart[] = [];
    for (const source of this.#sources) {
      const { table } = source;
      for (const row of table.rowsOf(hash)) {
        if ((source === own && row === ownRow) || !table.isLive(row)) continue;
        const part = table.part(row);
        if (part.jobId === jobId && part.run === run) others.push({ source, row, part });
      }
    }
    return others;
  }

  #skipped(): { readonly skipped_lines?: number } {
    let skipped = 0;
    for (const index of new Set(this.#sources.map((source) => source.index))) skipped += index.skipped;
    return skipped > 0 ? { skipped_lines: skipped } : {};
  }
}

function startOf(source: Source): number {
  return source.table.startAt(source.row);
}

function placeOf(source: Source): ListPlace {
  source.place ??= source.table.placeOf(source.row);
  return source.place;
}

function isNewer(a: Source, b: Source): boolean {
  const ms = startOf(a) - startOf(b);
  return ms === 0 ? comparePlaces(placeOf(a), placeOf(b)) > 0 : ms > 0;
}

/** Of the parts of a run, the one that saw its start, then the newest, then the first. */
function isBetter(other: PlacedPart, than: PlacedPart): boolean {
  const byRank = other.part.state.startRank - than.part.state.startRank;
  if (byRank !== 0) return byRank > 0;
  const byStart = other.source.table.startAt(other.row) - than.source.table.startAt(than.row);
  if (byStart !== 0) return byStart > 0;
  return isBefore(other, than);
}

function isBefore(a: PlacedPart, b: PlacedPart): boolean {
  const names = [a, b].map(({ source, row }) => {
    const { logs, day } = source.index;
    return `${logs}\n${day}\n${String(source.table.words.file[row]).padStart(10, '0')}`;
  });
  const [nameOfA = '', nameOfB = ''] = names;
  return nameOfA < nameOfB;
}
