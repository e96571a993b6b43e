import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LogTree } from '../reader/log-tree.ts';
import { addRun, addToFile, type FakeRun, runLine } from './log-tree.test.fixture.ts';
import { StoredIndex } from './stored-index.ts';

const DAY = '2026-11-20';
const DAY_MS: number = Date.parse(DAY);

describe('StoredIndex', () => {
  let base: string;
  let logs: string;
  const opened: StoredIndex[] = [];

  beforeEach(() => {
    base = mkdtempSync(join(tmpdir(), 'stored-index-'));
    logs = join(base, 'logs');
  });

  afterEach(async () => {
    for (const index of opened.splice(0)) await index.close();
    rmSync(base, { recursive: true });
  });

  function open(folder: string | undefined = join(base, 'index')): StoredIndex {
    const index = new StoredIndex({ tree: new LogTree(logs), folder });
    opened.push(index);
    return index;
  }

  function run(n: number, more: Partial<FakeRun> = {}): FakeRun {
    return { id: `run-${n}`, startMs: DAY_MS + n * 1000, ...more };
  }

  async function ids(index: StoredIndex, request: Parameters<StoredIndex['listJobs']>[0] = {}): Promise<string[]> {
    return (await index.listJobs(request)).jobs.map((job) => job.job_id);
  }

  it('lists runs newest first, with what is known of them', async () => {
    addRun(logs, run(1, { label: 'daily', messages: ['hello'] }));
    addRun(logs, run(2, { status: 'failure' }));
    const { jobs, has_more } = await open().listJobs({});
    assert.equal(has_more, false);
    assert.deepEqual(jobs, [
      {
        job_id: 'run-2',
        run: 'a1b2c3d4e5f60718',
        operation: 'commit',
        label: null,
        status: 'failure',
        attempt: null,
        started_at: '2026-11-20T00:00:02.000Z',
        ended_at: '2026-11-20T00:00:03.500Z',
        duration_seconds: 1.5,
        outputs: [],
        error_type: 'TypeError',
        progress: null,
        service: 'shop',
      },
      {
        job_id: 'run-1',
        run: 'a1b2c3d4e5f60718',
        operation: 'commit',
        label: 'daily',
        status: 'success',
        attempt: null,
        started_at: '2026-11-20T00:00:01.000Z',
        ended_at: '2026-11-20T00:00:02.500Z',
        duration_seconds: 1.5,
        outputs: [],
        error_type: null,
        progress: null,
        service: 'shop',
      },
    ]);
  });

  it('finds the runs of shared files, and their file', async () => {
    addToFile(logs, `${DAY}/_07.0198c0de.jsonl`, [1, 2, 3].map((n) => runLine(run(n))).join(''));
    addRun(logs, run(4));
    const index = open();
    assert.deepEqual(await ids(index), ['run-4', 'run-3', 'run-2', 'run-1']);
    assert.deepEqual(
      (await index.filesOf('run-2')).map(({ name }) => name),
      ['_07.0198c0de'],
    );
    assert.deepEqual(await index.filesOf('run-9'), []);
  });

  it('finds a text in all entries, newest day first', async () => {
    addRun(logs, run(1, { messages: ['the Needle of day one', 'hay'] }));
    addRun(logs, run(86_401, { messages: ['hay', 'a needle', 'needle again'] }));
    addToFile(logs, `${DAY}/_07.0198c0de.jsonl`, runLine(run(2, { messages: ['shared nEEdle'] })));
    const index = open();
    const { hits, has_more } = await index.search({ needle: 'needle' });
    assert.equal(has_more, false);
    assert.deepEqual(
      hits.map(({ job_id, entry }) => `${job_id}: ${entry.log?.message}`),
      ['run-86401: a needle', 'run-86401: needle again', 'run-2: shared nEEdle', 'run-1: the Needle of day one'],
    );
    const paged: string[] = [];
    for (let cursor: string | undefined; ; ) {
      const page = await index.search({ needle: 'needle', limit: 1, cursor });
      paged.push(...page.hits.map(({ entry }) => entry.log?.message ?? ''));
      cursor = page.next_cursor;
      if (!page.has_more) break;
    }
    assert.deepEqual(
      paged,
      hits.map(({ entry }) => entry.log?.message),
    );
  });

  it('lists the runs that hold a text in id, operation, label or a message', async () => {
    addRun(logs, run(1, { messages: ['found the Thing here'] }));
    addRun(logs, run(2, { operation: 'thing_sync' }));
    addRun(logs, run(3, { label: 'some thing' }));
    addRun(logs, { ...run(4), id: 'thing-4' });
    addRun(logs, run(5, { messages: ['no'], service: 'thing' }));
    addToFile(
      logs,
      `${DAY}/_07.0198c0de.jsonl`,
      [6, 7, 8].map((n) => runLine(run(n, { messages: n === 7 ? ['a thing'] : ['other'] }))).join(''),
    );
    const index = open();
    assert.deepEqual(await ids(index, { query: 'THING' }), ['run-7', 'thing-4', 'run-3', 'run-2', 'run-1']);
    const first = await index.listJobs({ query: 'thing', limit: 2 });
    assert.equal(first.has_more, true);
    assert.deepEqual(await ids(index, { query: 'thing', cursor: first.next_cursor }), ['run-3', 'run-2', 'run-1']);
    assert.deepEqual(await ids(index, { query: 'thing', operation: 'commit', to: DAY, limit: 1 }), ['run-7']);
  });
});
