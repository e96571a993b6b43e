import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JobsRequest } from '../reader/job.ts';
import { LogTree } from '../reader/log-tree.ts';
import { BadRequestError } from '../reader/reader-error.ts';
import type { JobSearchRequest } from '../reader/search.ts';
import { decodeCursor, encodeCursor } from './list-cursor.ts';
import { addRun, addToFile, runLine } from './log-tree.test.fixture.ts';
import { decodeSearchCursor, encodeSearchCursor } from './search-cursor.ts';
import { StoredIndex } from './stored-index.ts';

const DAY_MS: number = Date.parse('2026-11-20');
const HOUR_MS = 3_600_000;

describe('a list of jobs', () => {
  let base: string;
  let index: StoredIndex;

  before(() => {
    base = mkdtempSync(join(tmpdir(), 'job-list-'));
    const logs = join(base, 'logs');
    for (let n = 0; n < 48; n += 1) {
      const run = {
        id: `run-${String(n).padStart(2, '0')}`,
        startMs: DAY_MS + n * HOUR_MS,
        operation: n % 2 === 0 ? 'even' : 'odd',
        label: n % 3 === 0 ? 'third' : undefined,
        service: n % 4 === 0 ? 'shop' : 'depot',
        status: n % 5 === 0 ? 'failure' : n % 7 === 0 ? null : 'success',
      };
      if (n % 6 === 0)
        addToFile(logs, `${new Date(run.startMs).toISOString().slice(0, 10)}/_00.0198c0de.jsonl`, runLine(run));
      else addRun(logs, run);
    }
    // By the clock of its writer it lies in the folder of the day before.
    addToFile(logs, '2026-11-20/late.jsonl', runLine({ id: 'late', startMs: DAY_MS + 30 * HOUR_MS + 1 }));
    index = new StoredIndex({ tree: new LogTree(logs), folder: undefined });
  });

  after(async () => {
    await index.close();
    rmSync(base, { recursive: true });
  });

  async function numbers(request: JobsRequest): Promise<number[]> {
    const { jobs, has_more } = await index.listJobs(request);
    assert.equal(has_more, false);
    return jobs.filter(({ job_id }) => job_id !== 'late').map(({ job_id }) => Number(job_id.slice(4)));
  }

  function expected(isWanted: (n: number) => boolean): number[] {
    return Array.from({ length: 48 }, (_, n) => 47 - n).filter(isWanted);
  }

  const filters: readonly [request: JobsRequest, isWanted: (n: number) => boolean][] = [
    [{}, () => true],
    [{ operation: 'odd' }, (n) => n % 2 === 1],
    [{ operation: 'none' }, () => false],
    [{ label: 'third' }, (n) => n % 3 === 0],
    [{ service: 'shop' }, (n) => n % 4 === 0],
    [{ status: 'failure' }, (n) => n % 5 === 0],
    [
      { status: 'success', operation: 'even', service: 'depot' },
      (n) => n % 2 === 0 && n % 4 !== 0 && n % 5 !== 0 && n % 7 !== 0,
    ],
    [{ from: '2026-11-20', to: '2026-11-20' }, (n) => n < 24],
    [{ from: '2026-11-21' }, (n) => n >= 24],
    [{ to: '2026-11-20', status: 'failure' }, (n) => n < 24 && n % 5 === 0],
    [{ from: '2026-11-22' }, () => false],
    [{ from: '2026-11-21', to: '2026-11-20' }, () => false],
    [{ query: 'RUN-1' }, (n) => n >= 10 && n < 20],
    [{ query: 'third', operation: 'odd' }, (n) => n % 3 === 0 && n % 2 === 1],
    [{ query: '' }, () => true],
  ];
  for (const [request, isWanted] of filters) {
    it(`of ${JSON.stringify(request)} holds those alone, in any pages`, async () => {
      const wanted = expected(isWanted);
      assert.deepEqual(await numbers(request), wanted);
      const paged: number[] = [];
      for (let cursor: string | undefined; ; ) {
        const page = await index.listJobs({ ...request, cursor, limit: 5 });
        paged.push(...page.jobs.filter(({ job_id }) => job_id !== 'late').map(({ job_id }) => Number(job_id.slice(4))));
        cursor = page.next_cursor;
        if (!page.has_more) break;
      }
      assert.deepEqual(paged, wanted);
    });
  }

  it('counts a run by its start, not by the folder that it lies in', async () => {
    assert.equal((await index.listJobs({ query: 'late', from: '2026-11-21', to: '2026-11-21' })).jobs.length, 1);
    assert.equal((await index.listJobs({ query: 'late', from: '2026-11-20', to: '2026-11-20' })).jobs.length, 0);
    const { jobs } = await index.listJobs({ limit: 19 });
    assert.equal(jobs.at(-2)?.job_id, 'late');
  });

  const bad: readonly [parameter: string, request: Readonly<Record<string, unknown>>][] = [
    ['from', { from: '2026-02-30' }],
    ['from', { from: '../..' }],
    ['to', { to: '' }],
    ['to', { to: '2026-1-1' }],
    ['status', { status: 'done' }],
    ['status', { status: 5 }],
    ['limit', { limit: 0 }],
    ['limit', { limit: 10_001 }],
    ['limit', { limit: 1.5 }],
    ['limit', { limit: Number.NaN }],
    ['cursor', { cursor: 'x' }],
    ['cursor', { cursor: '' }],
    ['cursor', { cursor: Buffer.from('[1,2,3]').toString('base64url') }],
    ['cursor', { cursor: Buffer.from('{}').toString('base64url') }],
    ['cursor', { cursor: 'A'.repeat(1_000_000) }],
    ['operation', { operation: 5 }],
    ['query', { query: 'x'.repeat(2000) }],
  ];
  for (const [parameter, request] of bad) {
    it(`refuses ${JSON.stringify(request).slice(0, 60)}`, async () => {
      await assert.rejects(
        async () => index.listJobs(request as JobsRequest),
        (error) => error instanceof BadRequestError && error.parameter === parameter,
      );
    });
  }

  const badSearches: readonly [parameter: string, request: Readonly<Record<string, unknown>>][] = [
    ['needle', { needle: '' }],
    ['needle', { needle: undefined }],
    ['needle', { needle: 'x'.repeat(2000) }],
    ['from', { needle: 'a', from: 'x' }],
    ['limit', { needle: 'a', limit: -1 }],
    ['cursor', { needle: 'a', cursor: 'x' }],
    ['cursor', { needle: 'a', cursor: Buffer.from('["2026-11-20",-1,"a",0,0]').toString('base64url') }],
  ];
  for (const [parameter, request] of badSearches) {
    it(`search refuses ${JSON.stringify(request).slice(0, 60)}`, async () => {
      await assert.rejects(
        async () => index.search(request as unknown as JobSearchRequest),
        (error) => error instanceof BadRequestError && error.parameter === parameter,
      );
    });
  }

  it('has cursors that are read back', () => {
    const place = { startMs: DAY_MS, jobId: 'é\n"', run: '' };
    assert.deepEqual(decodeCursor(encodeCursor(place)), place);
    const hit = { day: '2026-11-20', tree: 1, name: 'a', offset: 2 ** 40, record: 3 };
    assert.deepEqual(decodeSearchCursor(encodeSearchCursor(hit)), hit);
  });

  it('takes no harm from a cursor that somebody made', async () => {
    const cursors = [
      [1e300, '', ''],
      [-1, 'x', 'y'],
      [DAY_MS, '\0'.repeat(100), ''],
    ];
    for (const place of cursors) {
      const cursor = Buffer.from(JSON.stringify(place)).toString('base64url');
      assert.ok((await index.listJobs({ cursor, limit: 1 })).jobs.length <= 1);
    }
    const places = [
      ['../../etc', 0, 'passwd', 0, 0],
      ['2026-11-20', 99, '../..', 7, 7],
      ['2026-11-20', 0, 'run-01', 2 ** 50, 0],
    ];
    for (const place of places) {
      const cursor = Buffer.from(JSON.stringify(place)).toString('base64url');
      assert.ok((await index.search({ needle: 'odd', cursor })).hits.length >= 0);
    }
  });
});
