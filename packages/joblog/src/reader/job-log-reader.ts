import { setTimeout as sleep } from 'node:timers/promises';
import { ATTR, EVENT } from '@taskspan/core';
import { type DecodedRecord, decodeLine } from '../decode.ts';
import { entryOf, recordNanos } from '../entry/entry-of.ts';
import { type JobLogEntry, LOG_LEVELS } from '../entry/job-log-entry.ts';
import { levelOfSeverity } from '../entry/level.ts';
import type {
  Job,
  JobLogsRequest,
  JobLogsResponse,
  JobMetricsResponse,
  JobsRequest,
  JobsResponse,
  TailEvent,
  TailRequest,
} from './job.ts';
import type { JobIndex } from './job-index.ts';
import { LogTree } from './log-tree.ts';
import { BadRequestError, UnknownJobError } from './reader-error.ts';
import { RunFacts } from './run-facts.ts';
import type { JobSearchRequest, JobSearchResponse } from './search.ts';
import { TreeScan } from './tree-scan.ts';

const DEFAULT_LIMIT = 1000;
const MAX_LIMIT = 10_000;
const DEFAULT_REFRESH_MS = 1000;

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

/** The spans of a job as OTLP-JSON, with the resources and scopes that they came with. */
export interface JobTrace {
  readonly resourceSpans: readonly unknown[];
}

/**
 * Reads job logs, whoever wrote them: what the command line, the REST API and code get is the same, because all of them
 * ask here. Methods reject with {@link BadRequestError} for a parameter that cannot be understood, and with
 * {@link UnknownJobError} when there is no such job. What cannot be read is passed over and counted.
 */
export class JobLogReader {
  readonly #tree: LogTree;
  readonly #index: JobIndex;
  readonly #refreshMs: number;

  constructor(options: JobLogReaderOptions) {
    this.#tree = new LogTree(options.logs);
    this.#index = new TreeScan(this.#tree);
    this.#refreshMs = options.refreshIntervalMs ?? DEFAULT_REFRESH_MS;
  }

  /** A page of the entries of all runs under an id, in their order. */
  async getJobLogs(request: JobLogsRequest): Promise<JobLogsResponse> {
    const { limit = DEFAULT_LIMIT, since_timestamp = -1n, min_level = 0, cursor = '0' } = request;
    if (!(Number.isInteger(limit) && limit >= 1 && limit <= MAX_LIMIT))
      throw new BadRequestError('limit', limit, `a whole number from 1 to ${MAX_LIMIT}`);
    const at = Number(cursor);
    if (!Number.isSafeInteger(at)) throw new BadRequestError('cursor', cursor, 'a next_cursor of an answer');
    const records = (await this.#records(request.job_run_id, request.service)).filter(
      (record) =>
        recordNanos(record) > since_timestamp &&
        LOG_LEVELS.indexOf(levelOfSeverity(record.severityNumber, record.severityText)) >= min_level,
    );
    const has_more = at + limit < records.length;
    return {
      entries: records.slice(at, at + limit).map(entryOf),
      has_more,
      ...(has_more ? { next_cursor: String(at + limit) } : {}),
    };
  }

  /** The latest run under an id, with all of them. */
  async getJob(id: string, { service }: JobScope = {}): Promise<Job> {
    const runs = new Map<string, RunFacts>();
    for (const record of await this.#records(id, service)) {
      const run = String(record.attributes[ATTR.TASK_RUN] ?? '');
      const facts = runs.get(run) ?? new RunFacts(id, run);
      runs.set(run, facts);
      facts.add(record);
    }
    const attempts = [...runs.values()].map((facts) => facts.row(Date.now()));
    const latest = attempts.at(-1);
    if (latest === undefined) throw new UnknownJobError(id);
    return { ...latest, attempts };
  }

  /** All metric points of the runs under an id, in their order. */
  async getJobMetrics(id: string, { service }: JobScope = {}): Promise<JobMetricsResponse> {
    const metrics = (await this.#records(id, service)).flatMap((record) => {
      const { metric, timestamp } = entryOf(record);
      return metric === undefined ? [] : [{ ...metric, timestamp }];
    });
    return { metrics };
  }

  /** The spans of the runs under an id. */
  async getJobTrace(id: string, { service }: JobScope = {}): Promise<JobTrace> {
    await this.#records(id, service);
    return { resourceSpans: [] };
  }

  /**
   * The entries from `since_timestamp` or the cursor on, then those that come, until the latest run has ended or the
   * signal fires (which ends the iteration without an error).
   */
  async *tail(request: TailRequest): AsyncGenerator<TailEvent, void, undefined> {
    let cursor = request.cursor ?? '0';
    while (request.signal?.aborted !== true) {
      const { entries } = await this.getJobLogs({ ...request, cursor, limit: MAX_LIMIT });
      for (const entry of entries) {
        cursor = String(Number(cursor) + 1);
        yield { type: 'entry', entry, cursor };
      }
      if (entries.some(isEnd)) break;
      await sleep(this.#refreshMs, undefined, { ref: true });
    }
    yield { type: 'end' };
  }

  /** A page of the runs of some days, newest first. */
  listJobs(request: JobsRequest = {}): Promise<JobsResponse> {
    return this.#index.listJobs(request);
  }

  /** A page of the entries of some days that hold a text. */
  search(request: JobSearchRequest): Promise<JobSearchResponse> {
    return this.#index.search(request);
  }

  /** Ends every `tail`, and lets go of the index. */
  close(): Promise<void> {
    return this.#index.close();
  }

  async #records(id: string, service: string | undefined): Promise<readonly DecodedRecord[]> {
    const records: DecodedRecord[] = [];
    for (const file of await this.#index.filesOf(id)) {
      for await (const { text } of this.#tree.linesOf(file)) {
        const line = decodeLine(text);
        if (line.error !== undefined) continue;
        records.push(
          ...line.records.filter(
            ({ attributes, resource }) =>
              attributes[ATTR.TASK_ID] === id &&
              (service === undefined || resource.attributes['service.name'] === service),
          ),
        );
      }
    }
    if (records.length === 0) throw new UnknownJobError(id);
    return records.sort((a, b) => (recordNanos(a) < recordNanos(b) ? -1 : recordNanos(a) > recordNanos(b) ? 1 : 0));
  }
}

function isEnd({ event }: JobLogEntry): boolean {
  return event !== undefined && [EVENT.ENDED, EVENT.ORPHANED].includes(`task.${event.event_type}` as never);
}
