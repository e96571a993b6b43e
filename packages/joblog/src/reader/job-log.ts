import { ATTR, EVENT } from '@taskspan/core';
import { reportOnce } from '@taskspan/core/hub';
import type { DecodedRecord, DecodedSpan } from '../decode.ts';
import { idNeedle, isOwnFile } from './job-needle.ts';
import { isOfJob, runOf, segmentRecordOf, streamKeyOf, writerOf } from './job-record.ts';
import type { JobFile, LogFile } from './log-file.ts';
import { compareSegments, LogSegment } from './log-segment.ts';
import { LogSource, type NewLine } from './log-source.ts';
import type { LogTree } from './log-tree.ts';
import { RecordStream } from './record-stream.ts';
import { RunFacts } from './run-facts.ts';

/** Files that are replaced while they are read are read again, this often. */
const READ_TRIES = 3;
/** Above this many segments a log that grew in small steps is read again: that makes fewer of them. */
const MAX_SEGMENTS = 50_000;

/** Logs are counted, so that what is remembered of one is never taken for another's. */
let made = 0;

/** Lines of a file that hold spans of the job. */
export interface SpanPlace {
  readonly file: LogFile;
  readonly offset: number;
  end: number;
}

/** How much of a log somebody has seen. */
export interface LogMark {
  /** Counts how often the log was read from the start. */
  readonly generation: number;
  /** Segments that were there. */
  readonly segments: number;
}

/**
 * The log of one job, without its texts: where in the files its records stand and how they follow each other, and what
 * its runs are. It grows with the files; when one of them is replaced, compressed or deleted, it is read anew.
 */
export class JobLog {
  readonly jobId: string;
  readonly #tree: LogTree;
  #sources: LogSource[] = [];
  /** In the order in which they came. */
  #segments: LogSegment[] = [];
  #ordered: LogSegment[] | undefined;
  #streams = new Map<string, RecordStream>();
  #open = new Map<RecordStream, LogSegment>();
  #runs = new Map<string, RunFacts>();
  #spans: SpanPlace[] = [];
  #unreadable = 0;
  #generation = 0;
  readonly #serial: number;
  /** Runs of which a manifest is still to come. */
  #promised = new Map<string, boolean>();
  #segmentLimit = MAX_SEGMENTS;
  #lastRefresh: Promise<void> = Promise.resolve();
  #waitingRefresh: { readonly files: readonly JobFile[] | undefined; readonly done: Promise<void> } | undefined;

  constructor(tree: LogTree, jobId: string) {
    this.#tree = tree;
    this.jobId = jobId;
    made += 1;
    this.#serial = made;
  }

  /** Tells it from other logs, and from itself before a file was replaced. */
  get cacheKey(): string {
    return `${this.#serial}.${this.#generation}`;
  }

  /** All runs by `task.run`; that of records without one is there when there are no others. */
  get runs(): ReadonlyMap<string, RunFacts> {
    return this.#runs;
  }

  get files(): readonly JobFile[] {
    return this.#sources.map(({ file }) => file);
  }

  /** Where spans may stand: of files of which only the places of records are known, everywhere. */
  get spanPlaces(): readonly SpanPlace[] {
    const whole = this.files.filter(({ known }) => known !== undefined);
    return [
      ...this.#spans.filter(({ file }) => !whole.includes(file)),
      ...whole.map((file) => ({ file, offset: 0, end: Number.POSITIVE_INFINITY })),
    ];
  }

  get skippedLines(): number {
    return this.#sources.reduce((sum, source) => sum + source.skipped, this.#unreadable);
  }

  /** When a file of it was last written, in epoch milliseconds; 0 while that is not known. */
  get writtenMs(): number {
    return Math.max(0, ...this.#sources.map(({ writtenMs }) => writtenMs));
  }

  /** How much it takes in memory, by the number of its parts. */
  get weight(): number {
    return this.#segments.length + 3 * this.#runs.size + this.#spans.length;
  }

  get mark(): LogMark {
    return { generation: this.#generation, segments: this.#segments.length };
  }

  /** In the order of the log. */
  get segments(): readonly LogSegment[] {
    this.#ordered ??= [...this.#segments].sort(compareSegments);
    return this.#ordered;
  }

  /** Those that came after a mark of the same generation, in the order of the log. */
  segmentsSince(mark: LogMark): readonly LogSegment[] {
    return this.#segments.slice(mark.segments).sort(compareSegments);
  }

  /** True when nothing is known to be missing: no number of a writer, and no manifest of a run with a process. */
  isComplete(run: string): boolean {
    if (this.#promised.get(run) === true) return false;
    return [...this.#streams.values()].every(
      (stream) => stream.writer.run !== run || !stream.writer.isNumbered || stream.isComplete,
    );
  }

  /**
   * Reads what came since. Callers at the same time share the work.
   *
   * @param files all files of the job; without them, those that are known
   */
  refresh(files?: readonly JobFile[]): Promise<void> {
    const waiting = this.#waitingRefresh;
    if (waiting !== undefined && (files === undefined || samePaths(files, waiting.files))) return waiting.done;
    const done = this.#lastRefresh.then(async () => {
      if (this.#waitingRefresh === next) this.#waitingRefresh = undefined;
      await this.#refresh(files ?? this.files.map(asUnknown));
    });
    const next = { files, done };
    this.#waitingRefresh = next;
    // Who asked hears of a failure; the next one tries again.
    this.#lastRefresh = done.catch(() => undefined);
    return done;
  }

  async #refresh(files: readonly JobFile[]): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      if (!(await this.#isStill(files))) this.#reset();
      // What was known of a file that is replaced at this moment leads astray.
      const wanted = tries === 1 ? files : files.map(asUnknown);
      if (this.#sources.length === 0) this.#sources = this.#sourcesOf(wanted);
      else this.#addSources(wanted);
      await this.#readNew();
      if (this.#segments.length > this.#segmentLimit && tries === 1) {
        this.#reset();
        continue;
      }
      this.#segmentLimit = Math.max(MAX_SEGMENTS, 2 * this.#segments.length);
      if (tries >= READ_TRIES || (await this.#isStill(files))) return;
    }
  }

  /** False when something that was read is gone from where it was. */
  async #isStill(files: readonly LogFile[]): Promise<boolean> {
    const paths = new Set(files.map(({ path }) => path));
    const twins = twinsAmong(files);
    for (const source of this.#sources) {
      const { path } = source.file;
      if (!paths.has(path) || twins.has(path) !== source.hasTwin) return false;
      if ((await source.look()) === 'replaced') return false;
    }
    return true;
  }

  #reset(): void {
    this.#generation += 1;
    this.#sources = [];
    this.#segments = [];
    this.#ordered = undefined;
    this.#streams = new Map();
    this.#open = new Map();
    this.#runs = new Map();
    this.#promised = new Map();
    this.#spans = [];
  }

  #addSources(files: readonly JobFile[]): void {
    const known = new Set(this.#sources.map(({ file }) => file.path));
    const added = files.filter(({ path }) => !known.has(path));
    if (added.length > 0) this.#sources.push(...this.#sourcesOf(added));
  }

  #sourcesOf(files: readonly JobFile[]): LogSource[] {
    const twins = twinsAmong(files);
    const needle = idNeedle(this.jobId);
    const byName = new Map<string, LogSource>();
    // What is compressed is older than what came under the same name later.
    const inOrder = [...files].sort(
      (a, b) => compareTexts(a.day, b.day) || compareTexts(nameOf(a), nameOf(b)) || compareTexts(b.path, a.path),
    );
    return inOrder.map((file) => {
      const source = new LogSource(this.#tree, file, {
        needle: isOwnFile(file, this.jobId) ? undefined : needle,
        hasTwin: twins.has(file.path),
        twin: byName.get(nameOf(file)),
      });
      byName.set(nameOf(file), source);
      return source;
    });
  }

  async #readNew(): Promise<void> {
    this.#unreadable = 0;
    const before = this.#segments.length;
    for (const source of this.#sources) {
      try {
        if ((await source.look()) !== 'grown') continue;
        for await (const line of source.newLines()) this.#take(line, source.file);
      } catch (error) {
        this.#unreadable += 1;
        reportOnce(`joblog.read.${source.file.path}`, `cannot read ${source.file.path}: ${messageOf(error)}`);
      } finally {
        // Segments do not change once others have seen them.
        this.#open.clear();
      }
    }
    if (this.#segments.length === before) return;
    for (const stream of this.#streams.values()) stream.arrange();
    this.#ordered = undefined;
  }

  #take({ offset, end, batches }: NewLine, file: LogFile): void {
    const { records, spans, isNewer } = batches;
    if (isNewer)
      reportOnce('joblog.newer', 'job logs of a later version are here: what is not known of them is not shown');
    const counts = new Map<RecordStream, number>();
    for (const record of records) {
      if (!isOfJob(record, this.jobId)) continue;
      const stream = this.#streamOf(record);
      const at = counts.get(stream) ?? 0;
      counts.set(stream, at + 1);
      const facts = segmentRecordOf(record);
      if (facts.number > 0 && !stream.claim(facts.number)) {
        this.#open.delete(stream);
        continue;
      }
      this.#runOf(runOf(record)).add(record);
      this.#notePromise(record);
      const place = { file, offset, end };
      if (this.#open.get(stream)?.take(facts, place) === true) continue;
      const segment = new LogSegment(stream, facts, { ...place, at, arrival: this.#segments.length });
      this.#segments.push(segment);
      this.#open.set(stream, segment);
      stream.add(segment);
    }
    for (const span of spans) if (isOfJob(span, this.jobId)) this.#takeSpan(span, { file, offset, end });
  }

  #streamOf(record: DecodedRecord): RecordStream {
    const key = streamKeyOf(record);
    const known = this.#streams.get(key);
    if (known !== undefined) return known;
    const stream = new RecordStream(writerOf(record));
    this.#streams.set(key, stream);
    return stream;
  }

  #runOf(run: string): RunFacts {
    const known = this.#runs.get(run);
    if (known !== undefined) return known;
    const facts = new RunFacts(this.jobId, run);
    this.#runs.set(run, facts);
    return facts;
  }

  /** Who launches a process writes a manifest as the last record, after the end of the run. */
  #notePromise(record: DecodedRecord): void {
    const { eventName } = record;
    const run = runOf(record);
    if (eventName === EVENT.MANIFEST) this.#promised.set(run, false);
    else if ((eventName === EVENT.LAUNCHED || eventName === EVENT.LAUNCH_FAILED) && !this.#promised.has(run))
      this.#promised.set(run, true);
  }

  #takeSpan(span: DecodedSpan, place: SpanPlace): void {
    const last = this.#spans.at(-1);
    if (last?.file === place.file && last.offset <= place.offset && place.offset <= last.end) last.end = place.end;
    else this.#spans.push(place);
    if (span.attributes[ATTR.OPERATION] !== undefined) this.#runOf(span.spanId).addSpan(span);
  }
}

/** Paths of the files that are there under several compressions. */
function twinsAmong(files: readonly LogFile[]): ReadonlySet<string> {
  const counts = new Map<string, number>();
  for (const file of files) counts.set(nameOf(file), (counts.get(nameOf(file)) ?? 0) + 1);
  return new Set(files.flatMap((file) => ((counts.get(nameOf(file)) ?? 0) > 1 ? [file.path] : [])));
}

/** What was known of a file is not known of another in its place. */
function asUnknown(file: JobFile): JobFile {
  return { ...file, known: undefined };
}

function nameOf({ folder, day, name }: LogFile): string {
  return `${folder}/${day}/${name}`;
}

function samePaths(a: readonly LogFile[], b: readonly LogFile[] | undefined): boolean {
  return b !== undefined && a.length === b.length && a.every(({ path }, n) => path === b[n]?.path);
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
