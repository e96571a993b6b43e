import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JobLogsRequest, JobsRequest, TailRequest } from './job.ts';
import { JobLogReader } from './job-log-reader.ts';
import type { JobSearchRequest } from './search.ts';

describe('fields of requests', () => {
  let folder: string;
  let reader: JobLogReader;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'request-fields-'));
    reader = new JobLogReader({ logs: folder });
  });
  after(async () => {
    await reader.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const bad = (parameter: string) => ({ name: 'BadRequestError', parameter });

  it('that there are not are refused by name, whatever is asked for', async () => {
    const stat = { stat: 'x' } as JobsRequest;
    await assert.rejects(reader.listJobs(stat), {
      ...bad('stat'),
      message:
        'stat must be left out: what can be asked for is from, to, operation, status, label, query, limit, cursor, service, got "x"',
    });
    const search: JobSearchRequest & { readonly q: string } = { needle: 'a', q: 'b' };
    await assert.rejects(reader.search(search), bad('q'));
    const logs: JobLogsRequest & { readonly level: number } = { job_run_id: 'a', level: 3 };
    await assert.rejects(reader.getJobLogs(logs), bad('level'));
    const tail: TailRequest & { readonly limit: number } = { job_run_id: 'a', limit: 3 };
    await assert.rejects(reader.tail(tail).next(), bad('limit'));
    const inherited = { constructor: 'x' } as JobsRequest;
    await assert.rejects(reader.listJobs(inherited), bad('constructor'));
  });

  it('may be there and undefined', async () => {
    const stat: JobsRequest & { readonly stat: undefined } = { stat: undefined };
    assert.deepEqual((await reader.listJobs(stat)).jobs, []);
  });
});
