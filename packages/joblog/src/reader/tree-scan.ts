/** An index that knows nothing: it looks through all files for each question. */
import { ATTR } from '@taskspan/core';
import { decodeLine } from '../decode.ts';
import { entryOf } from '../entry/entry-of.ts';
import type { JobRow, JobsRequest, JobsResponse } from './job.ts';
import type { JobIndex } from './job-index.ts';
import type { LogFile } from './log-file.ts';
import type { LogTree } from './log-tree.ts';
import { RunFacts } from './run-facts.ts';
import type { JobSearchHit, JobSearchRequest, JobSearchResponse } from './search.ts';

const DEFAULT_LIMIT = 100;

export class TreeScan implements JobIndex {
  readonly #tree: LogTree;

  constructor(tree: LogTree) {
    this.#tree = tree;
  }

  async filesOf(jobId: string): Promise<readonly LogFile[]> {
    const found: LogFile[] = [];
    for (const day of await this.#tree.days()) {
      for (const file of await this.#tree.filesOf(day)) {
        for await (const { text } of this.#tree.linesOf(file)) {
          const line = decodeLine(text);
          if (line.error !== undefined) continue;
          if (![...line.records, ...line.spans].some(({ attributes }) => attributes[ATTR.TASK_ID] === jobId)) continue;
          found.push(file);
          break;
        }
      }
    }
    return found;
  }

  async listJobs(request: JobsRequest): Promise<JobsResponse> {
    const rows: JobRow[] = [];
    for (const day of await this.#tree.days(request)) {
      const runs = new Map<string, RunFacts>();
      for (const file of await this.#tree.filesOf(day)) {
        for await (const { text } of this.#tree.linesOf(file)) {
          const line = decodeLine(text);
          if (line.error !== undefined) continue;
          for (const record of line.records) {
            const { [ATTR.TASK_ID]: id, [ATTR.TASK_RUN]: run = '' } = record.attributes;
            if (typeof id !== 'string' || typeof run !== 'string') continue;
            const key = JSON.stringify([id, run]);
            const facts = runs.get(key) ?? new RunFacts(id, run);
            runs.set(key, facts);
            facts.add(record);
          }
        }
      }
      const newestFirst = [...runs.values()].sort((a, b) => (a.startNanos < b.startNanos ? 1 : -1));
      rows.push(...newestFirst.map((facts) => facts.row(Date.now())));
    }
    const wanted = rows.filter(
      (row) =>
        (request.operation ?? row.operation) === row.operation &&
        (request.status ?? row.status) === row.status &&
        (request.label ?? row.label) === row.label &&
        (request.service ?? row.service) === row.service,
    );
    const at = Number(request.cursor ?? 0);
    const limit = request.limit ?? DEFAULT_LIMIT;
    const has_more = at + limit < wanted.length;
    return {
      jobs: wanted.slice(at, at + limit),
      has_more,
      ...(has_more ? { next_cursor: String(at + limit) } : {}),
    };
  }

  async search(request: JobSearchRequest): Promise<JobSearchResponse> {
    const hits: JobSearchHit[] = [];
    const limit = request.limit ?? DEFAULT_LIMIT;
    const needle = request.needle.toLowerCase();
    for (const day of await this.#tree.days(request)) {
      for (const file of await this.#tree.filesOf(day)) {
        for await (const { text } of this.#tree.linesOf(file)) {
          const line = decodeLine(text);
          if (line.error !== undefined) continue;
          for (const record of line.records) {
            const { [ATTR.TASK_ID]: id, [ATTR.TASK_RUN]: run = '' } = record.attributes;
            if (typeof id !== 'string' || typeof run !== 'string') continue;
            const entry = entryOf(record);
            if (JSON.stringify(entry).toLowerCase().includes(needle)) hits.push({ job_id: id, run, entry });
          }
        }
      }
    }
    const at = Number(request.cursor ?? 0);
    const has_more = at + limit < hits.length;
    return {
      hits: hits.slice(at, at + limit),
      has_more,
      ...(has_more ? { next_cursor: String(at + limit) } : {}),
    };
  }

  async close(): Promise<void> {}
}
