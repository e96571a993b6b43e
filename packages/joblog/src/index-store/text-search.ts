/** The entries of some days that hold a text: newest day first, then by folder, file and line. */
import { readdir } from 'node:fs/promises';
import { parseLogFileName } from '../reader/log-file.ts';
import type { LogTree } from '../reader/log-tree.ts';
import { BadRequestError } from '../reader/reader-error.ts';
import type { JobSearchHit, JobSearchRequest, JobSearchResponse } from '../reader/search.ts';
import { startRange } from './day-range.ts';
import { pageLimit } from './jobs-filter.ts';
import { SCAN_THREADS, type ScanThreads } from './scan-threads.ts';
import { decodeSearchCursor, encodeSearchCursor, type SearchPlace } from './search-cursor.ts';
import type { ScanAnswer, ScanFile, ScanHit, ScanQuestion } from './text-scan.ts';

const DEFAULT_LIMIT = 100;
const MAX_NEEDLE_CHARS = 1024;
/** Files that a thread is given at once. */
const FILES_PER_TASK = 256;
/** Each thread has the next task at hand when it is done with one. */
const TASKS_AHEAD: number = 2 * SCAN_THREADS;

interface SearchTask {
  readonly day: string;
  /** Number of the tree. */
  readonly tree: number;
  readonly question: ScanQuestion;
  readonly answer: Promise<ScanAnswer>;
}

export interface TextSearchOptions {
  readonly tree: LogTree;
  readonly threads: ScanThreads;
}

export class TextSearch {
  readonly #request: JobSearchRequest;
  readonly #tree: LogTree;
  readonly #threads: ScanThreads;
  readonly #limit: number;
  readonly #after: SearchPlace | undefined;

  /** Throws {@link BadRequestError} for a request that cannot be understood. */
  constructor(request: JobSearchRequest, { tree, threads }: TextSearchOptions) {
    this.#request = request;
    this.#tree = tree;
    this.#threads = threads;
    checkNeedle('needle', request.needle);
    startRange(request);
    this.#limit = pageLimit(request.limit, DEFAULT_LIMIT);
    this.#after = request.cursor === undefined ? undefined : decodeSearchCursor(request.cursor);
  }

  async page(): Promise<JobSearchResponse> {
    const hits: JobSearchHit[] = [];
    const seen = new Set<string>();
    let last: SearchPlace | undefined;
    let skipped = 0;
    const more = (): { readonly skipped_lines?: number } => (skipped > 0 ? { skipped_lines: skipped } : {});
    for await (const task of this.#answered()) {
      let { question } = task;
      let answer = await task.answer;
      for (let at = 0; at < answer.hits.length; at += 1) {
        const hit = answer.hits[at] as ScanHit;
        const place = placeOf(task, hit);
        if (hit.entry !== undefined && this.#isAfter(place) && !isRepeated(hit, seen)) {
          if (hits.length === this.#limit && last !== undefined)
            return { hits, has_more: true, next_cursor: encodeSearchCursor(last), ...more() };
          hits.push({ job_id: hit.jobId, run: hit.run, entry: hit.entry });
          last = place;
        }
        if (at + 1 < question.limit) continue;
        // All of these were asked for, and too many were there before.
        question = { ...question, limit: question.limit * 4 };
        answer = await this.#threads.scan(question);
      }
      skipped += answer.skipped;
    }
    return { hits, has_more: false, ...more() };
  }

  /** Tasks in their order, the next ones under way. */
  async *#answered(): AsyncGenerator<SearchTask> {
    const ahead: SearchTask[] = [];
    for await (const task of this.#tasks()) {
      ahead.push(task);
      const [first] = ahead;
      if (ahead.length <= TASKS_AHEAD || first === undefined) continue;
      ahead.shift();
      yield first;
    }
    yield* ahead;
  }

  async *#tasks(): AsyncGenerator<SearchTask> {
    const { needle, service, from, to } = this.#request;
    const after = this.#after;
    for (const day of await this.#tree.days({ from, to })) {
      if (after !== undefined && day > after.day) continue;
      for (const [tree, logs] of this.#tree.folders.entries()) {
        const isAfterDay = after === undefined || day < after.day;
        if (!isAfterDay && tree < after.tree) continue;
        const folder = `${logs}/${day}`;
        const begin = isAfterDay || tree > after.tree ? undefined : after;
        const files = await filesIn(folder, begin);
        for (let at = 0; at < files.length; at += FILES_PER_TASK) {
          const part = files.slice(at, at + FILES_PER_TASK);
          // What is found again of the page before is passed over: one more than the page, and one line.
          const limit = this.#limit + 1 + (at === 0 && begin !== undefined ? begin.record + 1 : 0);
          const question = { wanted: 'entries', needle, folder, files: part, service, limit } as const;
          yield { day, tree, question, answer: this.#threads.scan(question) };
        }
      }
    }
  }

  #isAfter(place: SearchPlace): boolean {
    const after = this.#after;
    if (after === undefined || place.day !== after.day || place.tree !== after.tree || place.name !== after.name)
      return true;
    return place.offset > after.offset || (place.offset === after.offset && place.record > after.record);
  }
}

/** @throws BadRequestError for what is no text to look for */
export function checkNeedle(parameter: string, needle: unknown): void {
  if (typeof needle !== 'string' || needle === '' || needle.length > MAX_NEEDLE_CHARS)
    throw new BadRequestError(parameter, needle, `a text of 1 to ${MAX_NEEDLE_CHARS} characters`);
}

/** The files of a folder by name, each under one of its endings, from that of the place on. */
async function filesIn(folder: string, begin: SearchPlace | undefined): Promise<readonly (ScanFile | string)[]> {
  const files: (ScanFile | string)[] = [];
  let last: string | undefined;
  // Of a name, the endings are in the order in which a file goes through them.
  for (const fileName of (await namesIn(folder)).sort(byName)) {
    const name = parseLogFileName(fileName)?.name;
    if (name === undefined || name === last || (begin !== undefined && name < begin.name)) continue;
    files.push(name === begin?.name ? { name: fileName, from: begin.offset } : fileName);
    last = name;
  }
  return files;
}

/** By what stands before the first ending, then by endings: `a.jsonl`, `a.jsonl.gz`, `a.jsonl.zst`, `a-b.jsonl`. */
function byName(a: string, b: string): number {
  const [nameOfA, nameOfB] = [withoutEnding(a), withoutEnding(b)];
  return nameOfA === nameOfB ? compare(a, b) : compare(nameOfA, nameOfB);
}

function withoutEnding(fileName: string): string {
  const end = fileName.lastIndexOf('.jsonl');
  return end < 0 ? fileName : fileName.slice(0, end);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    throw error;
  }
}

function placeOf({ day, tree, question }: SearchTask, { file, offset, record }: ScanHit): SearchPlace {
  const found = question.files[file] ?? '';
  const fileName = typeof found === 'string' ? found : found.name;
  return { day, tree, name: parseLogFileName(fileName)?.name ?? '', offset, record };
}

/** Delivery at least once leaves a record twice; one without a number cannot be told from its like. */
function isRepeated({ jobId, run, entry }: ScanHit, seen: Set<string>): boolean {
  const sequence = entry?.sequence_number ?? 0;
  if (sequence === 0) return false;
  const key = `${sequence}\n${entry?.timestamp}\n${run}\n${jobId}`;
  if (seen.has(key)) return true;
  seen.add(key);
  return false;
}
