/** What readers of job logs can rely on, once: `docs/joblog.md` lists it, and a test tries each rule on a tree of files. */
import assert from 'node:assert/strict';
import { BadRequestError, UnknownJobError } from '@taskspan/joblog';
import { DAY, JobTree, type TreeRecord, toldBy, treeLine } from './job-tree.ts';

export interface ReaderRule {
  readonly name: string;
  /** For the docs. */
  readonly rule: string;
  check(tree: JobTree): Promise<void>;
}

const STARTED: TreeRecord = { event: 'task.started' };
const ENDED: TreeRecord = { event: 'task.ended', attributes: { 'task.status': 'success' } };
const LINES: readonly TreeRecord[] = [STARTED, { body: 'a' }, { body: 'b', severity: 13 }, { body: 'c' }, ENDED];
const FILE = `${DAY}/job.jsonl`;
const NEXT_DAY = '2026-01-28';
const DAY_SECONDS = 86_400;

export const READER_RULES: readonly ReaderRule[] = [
  {
    name: 'since',
    rule: 'entries later than that instant, not those at it; RFC 3339 or Unix nanoseconds',
    check: async (tree) => {
      tree.write(FILE, LINES);
      const third = BigInt(Date.parse(`${DAY}T00:00:03Z`)) * 1_000_000n;
      assert.deepEqual(await tree.told('job', { since_timestamp: third }), ['c', 'ended']);
      assert.deepEqual(await tree.told('job', { since_timestamp: third - 1n }), ['b', 'c', 'ended']);
    },
  },
  {
    name: 'level',
    rule: 'entries of every kind whose record is at least as severe: `debug`, `info`, `warn`, `error` in any case, or 0 to 3. Severity numbers 1-8 are DEBUG, 9-12 INFO, 13-16 WARN, 17-24 ERROR',
    check: async (tree) => {
      tree.write(FILE, [...LINES.slice(0, 4), { ...ENDED, severity: 17 }]);
      assert.deepEqual(await tree.told('job', { min_level: 2 }), ['b', 'ended']);
      assert.deepEqual(await tree.told('job', { min_level: 3 }), ['ended']);
      assert.equal((await tree.told('job', { min_level: 0 })).length, 5);
    },
  },
  {
    name: 'limit',
    rule: '1 to 10000; by default 1000 entries, 100 runs. A page of very long entries may have fewer',
    check: async (tree) => {
      tree.write(FILE, LINES);
      assert.deepEqual(await tree.told('job', { limit: 2 }), ['started', 'a']);
      for (const limit of [0, -1, 1.5, 10_001, Number.NaN])
        await assert.rejects(tree.told('job', { limit }), BadRequestError);
    },
  },
  {
    name: 'has_more',
    rule: 'true exactly if something follows; then there is a `next_cursor`',
    check: async (tree) => {
      tree.write(FILE, LINES);
      const reader = tree.reader();
      for (const [limit, hasMore] of [
        [4, true],
        [5, false],
        [6, false],
      ] as const) {
        const page = await reader.getJobLogs({ job_run_id: 'job', limit });
        assert.deepEqual([page.has_more, page.next_cursor !== undefined], [hasMore, hasMore]);
      }
      // What follows is filtered, too.
      const { has_more } = await reader.getJobLogs({ job_run_id: 'job', limit: 1, min_level: 2 });
      assert.equal(has_more, false);
    },
  },
  {
    name: 'cursor',
    rule: 'goes on after a page, whatever was written meanwhile; pages together are the whole, without gap or repetition. Its text means nothing to anybody else',
    check: async (tree) => {
      tree.write(FILE, LINES);
      const told: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await tree.reader().getJobLogs({ job_run_id: 'job', limit: 2, cursor });
        told.push(...page.entries.map(toldBy));
        cursor = page.next_cursor;
        if (told.length === 2) tree.append(FILE, `${treeLine([{ body: 'late', sequence: 6 }])}\n`);
      } while (cursor !== undefined);
      assert.deepEqual(told, ['started', 'a', 'b', 'c', 'ended', 'late']);
      await assert.rejects(tree.told('job', { cursor: '{}' }), BadRequestError);
    },
  },
  {
    name: 'order',
    rule: 'by number within what one writer told of a run, whatever its clock says; writers are merged by time',
    check: async (tree) => {
      const other = { instance: 'instance-2', run: 'a1b2c3d4e5f60718' };
      tree.write(FILE, [
        { body: 'second', sequence: 2, at: 1 },
        { body: 'first', sequence: 1, at: 2 },
        { body: 'other, later', sequence: 2, at: 9, ...other },
        { body: 'other', sequence: 1, at: 0, ...other },
      ]);
      assert.deepEqual(await tree.told('job'), ['other', 'first', 'second', 'other, later']);
    },
  },
  {
    name: 'duplicates',
    rule: 'a record that was delivered twice is there once: the same `service.instance.id`, `task.run` and `task.sequence`. Records without a number are all kept',
    check: async (tree) => {
      const plain = { body: 'plain', sequence: null, at: 3 };
      tree.write(FILE, [{ body: 'a' }, { body: 'b' }, { body: 'a', sequence: 1 }, plain, plain]);
      tree.write(`${DAY}/_process.jsonl`, [{ body: 'a' }]);
      assert.deepEqual(await tree.told('job'), ['a', 'b', 'plain', 'plain']);
    },
  },
  {
    name: 'attempts',
    rule: 'several runs under one id are its attempts: a job is the latest of them and has all in `attempts`; its log is that of all',
    check: async (tree) => {
      const second = { run: 'b1b2c3d4e5f60718' };
      tree.write(FILE, [STARTED, { ...ENDED, attributes: { 'task.status': 'failure' } }]);
      tree.write(`${NEXT_DAY}/job.jsonl`, [
        { ...STARTED, ...second, at: DAY_SECONDS },
        { ...ENDED, ...second, at: DAY_SECONDS + 1 },
      ]);
      const job = await tree.reader().getJob('job');
      assert.deepEqual([job.status, job.attempts.map(({ status }) => status)], ['success', ['failure', 'success']]);
      assert.deepEqual(await tree.told('job'), ['started', 'ended', 'started', 'ended']);
    },
  },
  {
    name: 'status',
    rule: 'that of `task.ended`, `orphaned` after `task.orphaned`; an open run is `running` while its last line is younger than 24 hours, else `unknown`',
    check: async (tree) => {
      const now = (Date.now() - Date.parse(`${DAY}T00:00:00Z`)) / 1000;
      const today = new Date().toISOString().slice(0, 10);
      tree.write(`${DAY}/old.jsonl`, [{ ...STARTED, id: 'old' }]);
      tree.write(`${today}/new.jsonl`, [{ ...STARTED, id: 'new', at: Math.floor(now) }]);
      const lost = { event: 'task.orphaned', attributes: { 'task.status': 'orphaned' } };
      tree.write(`${DAY}/lost.jsonl`, [
        { ...STARTED, id: 'lost' },
        { ...lost, id: 'lost' },
      ]);
      const reader = tree.reader();
      const statuses = await Promise.all(['old', 'new', 'lost'].map(async (id) => (await reader.getJob(id)).status));
      assert.deepEqual(statuses, ['unknown', 'running', 'orphaned']);
    },
  },
  {
    name: 'from, to',
    rule: 'UTC days on which the runs started, both inclusive; lists are newest first',
    check: async (tree) => {
      for (const [at, day] of [DAY, NEXT_DAY, '2026-01-29'].entries())
        tree.write(`${day}/job-${at}.jsonl`, [{ ...STARTED, id: `job-${at}`, at: at * DAY_SECONDS }]);
      const list = async (from?: string, to?: string): Promise<readonly string[]> =>
        (await tree.reader().listJobs({ from, to })).jobs.map(({ job_id: id }) => id);
      assert.deepEqual(await list(), ['job-2', 'job-1', 'job-0']);
      assert.deepEqual(await list(NEXT_DAY, NEXT_DAY), ['job-1']);
      assert.deepEqual(await list(NEXT_DAY), ['job-2', 'job-1']);
      assert.deepEqual(await list(undefined, NEXT_DAY), ['job-1', 'job-0']);
      await assert.rejects(list('yesterday'), BadRequestError);
    },
  },
  {
    name: 'query',
    rule: 'runs with this text in id, operation, label or messages, whatever the case',
    check: async (tree) => {
      tree.write(FILE, [{ ...STARTED, attributes: { 'task.label': 'Nightly' } }, { body: 'the NEEDLE' }]);
      for (const [query, found] of [
        ['needle', 1],
        ['JOB', 1],
        ['etl', 1],
        ['nightly', 1],
        ['nothing', 0],
      ] as const)
        assert.equal((await tree.reader().listJobs({ query })).jobs.length, found, query);
    },
  },
  {
    name: 'service',
    rule: 'where one is named, runs of other services are not there',
    check: async (tree) => {
      tree.write(FILE, LINES);
      const reader = tree.reader();
      assert.equal((await reader.getJob('job', { service: 'shop' })).service, 'shop');
      await assert.rejects(reader.getJob('job', { service: 'bank' }), UnknownJobError);
      assert.deepEqual((await reader.listJobs({ service: 'bank' })).jobs, []);
    },
  },
  {
    name: 'unknown job',
    rule: 'an error of its own: `UnknownJobError`, 404, exit code 1',
    check: async (tree) => {
      tree.write(FILE, LINES);
      for (const id of ['jo', 'job2', '../job', '', `${DAY}/job`])
        await assert.rejects(tree.told(id), id === '' ? /./ : UnknownJobError);
    },
  },
  {
    name: 'broken lines',
    rule: 'half, torn or foreign lines are passed over and counted in `skipped_lines`; what stands beside them is read',
    check: async (tree) => {
      const [first = '', second = ''] = [{ body: 'a' }, { body: 'b' }].map((one, at) =>
        treeLine([{ ...one, sequence: at + 1 }]),
      );
      // The second line was begun by a process that was killed in the middle.
      tree.append(FILE, `${first}\n${second.slice(0, 100)}${second}\nnonsense\n`);
      const page = await tree.reader().getJobLogs({ job_run_id: 'job' });
      assert.deepEqual(page.entries.map(toldBy), ['a', 'b']);
      assert.ok((page.skipped_lines ?? 0) >= 1);
    },
  },
  {
    name: 'other writers',
    rule: 'lines with records of many runs, files that runs share (`_HH.*`, `_process*`), packed days (`.jsonl.gz`) and several folders are read as one',
    check: async (tree) => {
      tree.append(`${DAY}/_00.jsonl`, `${treeLine([{ body: 'a' }, { body: 'x', id: 'other' }])}\n`);
      tree.append(`${DAY}/_process.jsonl`, `${treeLine([{ body: 'b', at: 1 }])}\n`);
      tree.writeGzip(`${NEXT_DAY}/job.jsonl.gz`, [{ body: 'c', at: DAY_SECONDS }]);
      const second = new JobTree();
      try {
        second.write(FILE, [{ body: 'd', instance: 'instance-2', at: 2 * DAY_SECONDS }]);
        const reader = tree.reader(second);
        const { entries } = await reader.getJobLogs({ job_run_id: 'job' });
        assert.deepEqual([...entries.map(toldBy)].sort(), ['a', 'b', 'c', 'd']);
        await reader.close();
      } finally {
        await second.remove();
      }
    },
  },
  {
    name: 'tail',
    rule: 'what is there, then what comes, at most `LOG_REFRESH_INTERVAL_MS` late; ends when the run has ended',
    check: async (tree) => {
      tree.write(FILE, LINES.slice(0, 2));
      const told: string[] = [];
      for await (const event of tree.reader().tail({ job_run_id: 'job' })) {
        told.push(event.type === 'end' ? 'END' : toldBy(event.entry));
        // A writer is seen in the middle of a line.
        const rest = `${treeLine([{ body: 'b', sequence: 3 }])}\n${treeLine([{ ...ENDED, sequence: 4 }])}\n`;
        if (told.length === 2) {
          tree.append(FILE, rest.slice(0, 50));
          setTimeout(() => tree.append(FILE, rest.slice(50)), 20);
        }
      }
      assert.deepEqual(told, ['started', 'a', 'b', 'ended', 'END']);
    },
  },
];
