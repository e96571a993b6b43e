import type { JobLogEntry } from '../entry/job-log-entry.ts';
import { StoredIndex } from '../index-store/stored-index.ts';
import { FileGrowth } from './file-growth.ts';
import { FolderWatch } from './folder-watch.ts';
import type {
  Job,
  JobLogsRequest,
  JobLogsResponse,
  JobMetric,
  JobMetricsResponse,
  JobsRequest,
  JobsResponse,
  SkippedLines,
  TailEvent,
  TailRequest,
} from './job.ts';
import type { JobIndex } from './job-index.ts';
import type { JobLog } from './job-log.ts';
import { JobLogs } from './job-logs.ts';
import { tailLog } from './job-tail.ts';
import { type JobTrace, readTrace } from './job-trace.ts';
import { JobView } from './job-view.ts';
import { LineCache } from './line-cache.ts';
import { checkedFilter, checkedJobId, checkedLimit, checkedService, EVERY_RECORD } from './log-request.ts';
import { LogTree } from './log-tree.ts';
import { UnknownJobError } from './reader-error.ts';
import { cursorText, type RecordKey } from './record-key.ts';
import { checkFields, JOBS_FIELDS, LOGS_FIELDS, SEARCH_FIELDS, TAIL_FIELDS } from './request-fields.ts';
import type { JobSearchRequest, JobSearchResponse } from './search.ts';
import { entryChars, shownEntry } from './shown-entry.ts';

const DEFAULT_REFRESH_MS = 1000;
/** More often than this nobody is told. */
const MIN_REFRESH_MS = 10;
const MAX_REFRESH_MS = 86_400_000;
const DEFAULT_CACHE_SIZE = 100;
/** A page of very long entries ends here, before its limit: about as many bytes of JSON. */
const PAGE_CHARS = 16 * 1024 * 1024;
/** Metric points of one answer. */
const MAX_METRICS = 100_000;

export interface JobLogReaderOptions {
  /** One or more logs folders, read as one. */
  readonly logs: string | readonly string[];
  /** Folder of the index, made when it is missing; without one the index is kept in memory. */
  readonly index?: string | undefined;
  /** How late `tail` may be, in milliseconds, where the file system tells of no changes; default 1000. */
  readonly refreshIntervalMs?: number | undefined;
  /** How many jobs' logs are remembered between requests; default 100. */
  readonly cacheSize?: number | undefined;
}

/** Limits a question to what one service may see. */
export interface JobScope {
  /** Only if the run is of this `service.name`; else it is unknown. */
  readonly service?: string | undefined;
}

/**
 * Reads job logs, whoever wrote them: what the command line, the REST API and code get is the same, because all of them
 * ask here. Methods reject with {@link BadRequestError} for a parameter that cannot be understood, and with
 * {@link UnknownJobError} when there is no such job. What cannot be read is passed over and counted.
 */
export class JobLogReader {
  readonly #tree: LogTree;
  readonly #index: JobIndex;
  readonly #logs: JobLogs;
  readonly #cache = new LineCache();
  readonly #watch = new FolderWatch();
  readonly #refreshMs: number;
  readonly #tails = new Set<FileGrowth>();
  #isClosed = false;

  constructor(options: JobLogReaderOptions) {
    const refreshIntervalMs = finiteOr(options.refreshIntervalMs, DEFAULT_REFRESH_MS);
    const cacheSize = finiteOr(options.cacheSize, DEFAULT_CACHE_SIZE);
    this.#tree = new LogTree(options.logs);
    this.#index = new StoredIndex({ tree: this.#tree, folder: options.index });
    this.#logs = new JobLogs(this.#tree, this.#index, Math.max(0, cacheSize));
    this.#refreshMs = Math.min(MAX_REFRESH_MS, Math.max(MIN_REFRESH_MS, refreshIntervalMs));
  }

  /**
   * A page of the entries of all runs under an id, in their order: by sequence number within what one writer wrote of a
   * run, and by time between writers. A record that was delivered twice is there once. A page of very long entries has
   * fewer of them than asked for.
   */
  async getJobLogs(request: JobLogsRequest): Promise<JobLogsResponse> {
    checkFields(request, LOGS_FIELDS);
    const limit = checkedLimit(request.limit);
    const filter = checkedFilter(request);
    const { log, view } = await this.#open(request.job_run_id, filter.service);
    const entries: JobLogEntry[] = [];
    let chars = 0;
    let last: RecordKey | undefined;
    for await (const batch of view.records(this.#cache, { filter })) {
      for (const { record, key } of batch) {
        const entry = shownEntry(record);
        if (entry === undefined) continue;
        if (last !== undefined && (entries.length === limit || chars > PAGE_CHARS))
          return { entries, has_more: true, next_cursor: cursorText(last), ...skipped(log) };
        entries.push(entry);
        chars += entryChars(entry);
        last = key;
      }
    }
    return { entries, has_more: false, ...skipped(log) };
  }

  /** The latest run under an id, with all of them. */
  async getJob(id: string, { service }: JobScope = {}): Promise<Job> {
    const { view } = await this.#open(id, checkedService(service));
    const attempts = view.rows(Date.now());
    const latest = attempts.at(-1);
    if (latest === undefined) throw new UnknownJobError(id);
    return { ...latest, attempts };
  }

  /** The metric points of the runs under an id, in their order; at most 100 000. */
  async getJobMetrics(id: string, { service }: JobScope = {}): Promise<JobMetricsResponse> {
    const { log, view } = await this.#open(id, checkedService(service));
    const metrics: JobMetric[] = [];
    const wants = (segment: { readonly hasMetrics: boolean }): boolean => segment.hasMetrics;
    for await (const batch of view.records(this.#cache, { filter: EVERY_RECORD, wants })) {
      for (const { record } of batch) {
        const entry = shownEntry(record);
        if (entry?.metric === undefined) continue;
        if (metrics.length === MAX_METRICS) return { metrics, has_more: true, ...skipped(log) };
        metrics.push({ ...entry.metric, timestamp: entry.timestamp });
      }
    }
    return { metrics, ...skipped(log) };
  }

  /** The spans of the runs under an id; at most 10 000. */
  async getJobTrace(id: string, { service }: JobScope = {}): Promise<JobTrace> {
    const { log, view } = await this.#open(id, checkedService(service));
    return await readTrace(this.#tree, log, (spanService) => view.sees(spanService));
  }

  /**
   * The entries after `since_timestamp` or the cursor, then those that come, as they come. It ends with `end` when the
   * latest run has ended, and without it when the signal fires or the reader is closed. What a writer delivers late is
   * given when it is there.
   */
  async *tail(request: TailRequest): AsyncGenerator<TailEvent, void, undefined> {
    checkFields(request, TAIL_FIELDS);
    const { signal } = request;
    const filter = checkedFilter(request);
    const isOver = (): boolean => this.#isClosed || signal?.aborted === true;
    if (isOver()) return;
    const { log } = await this.#open(request.job_run_id, filter.service);
    const growth = new FileGrowth({ watch: this.#watch, refreshMs: this.#refreshMs });
    const stop = (): void => growth.end();
    signal?.addEventListener('abort', stop);
    this.#tails.add(growth);
    try {
      yield* tailLog(log, { logs: this.#logs, cache: this.#cache, growth, filter, isOver });
    } finally {
      this.#tails.delete(growth);
      signal?.removeEventListener('abort', stop);
      stop();
    }
  }

  /** A page of the runs of some days, newest first. */
  async listJobs(request: JobsRequest = {}): Promise<JobsResponse> {
    checkFields(request, JOBS_FIELDS);
    return await this.#index.listJobs(request);
  }

  /** A page of the entries of some days that hold a text. */
  async search(request: JobSearchRequest): Promise<JobSearchResponse> {
    checkFields(request, SEARCH_FIELDS);
    return await this.#index.search(request);
  }

  /** Ends every `tail`, and lets go of files and index. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const tail of this.#tails) tail.end();
    this.#watch.close();
    this.#logs.clear();
    this.#cache.clear();
    await this.#index.close();
  }

  async #open(id: string, service: string | undefined): Promise<{ readonly log: JobLog; readonly view: JobView }> {
    const log = await this.#logs.open(checkedJobId(id));
    const view = new JobView(log, service);
    if (view.latest === undefined) throw new UnknownJobError(id);
    return { log, view };
  }
}

function finiteOr(value: number | undefined, fallback: number): number {
  return value !== undefined && Number.isFinite(value) ? value : fallback;
}

function skipped({ skippedLines }: JobLog): SkippedLines {
  return skippedLines === 0 ? {} : { skipped_lines: skippedLines };
}
