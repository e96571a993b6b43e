import assert from 'node:assert/strict';
import { appendFileSync, renameSync, rmSync } from 'node:fs';
import { taskFile } from '@taskspan/core/hub';
import type { JobLogsRequest } from './job.ts';
import { JobLogReader } from './job-log-reader.ts';
import { DAY, lines, logsLine, type RecordSpec, START, spansLine, TestTree } from './otlp-line.test.fixture.ts';
import { BadRequestError, UnknownJobError } from './reader-error.ts';

const SECOND = 1_000_000_000;

describe('JobLogReader', () => {
  const readers: JobLogReader[] = [];
  const trees: TestTree[] = [];
  let tree: TestTree;
  let reader: JobLogReader;

  beforeEach(() => {
    tree = newTree();
    reader = newReader(tree.folder);
  });

  afterEach(async () => {
    for (const each of readers.splice(0)) await each.close();
    for (const each of trees.splice(0)) each.remove();
  });

  function newTree(): TestTree {
    const made = new TestTree();
    trees.push(made);
    return made;
  }

  function newReader(logs: string | readonly string[], options: { cacheSize?: number } = {}): JobLogReader {
    const made = new JobLogReader({ logs, ...options });
    readers.push(made);
    return made;
  }

  async function messages(request: Partial<JobLogsRequest> = {}, from: JobLogReader = reader): Promise<string> {
    const { entries } = await from.getJobLogs({ job_run_id: 'a', ...request });
    return entries.map(({ log, event, metric }) => log?.message ?? event?.event_type ?? metric?.name).join(' ');
  }

  function line(seq: number, more: Partial<RecordSpec> = {}): RecordSpec {
    return { id: 'a', run: 'r1', seq, at: seq * SECOND, body: `m${seq}`, ...more };
  }

  describe('getJobLogs', () => {
    it('gives the entries of a run', async () => {
      const run = { id: 'a', run: 'r1' };
      tree.write(
        `${DAY}/a.jsonl`,
        lines(
          logsLine({ ...run, seq: 1, event: 'task.started', attributes: { 'task.outputs': ['s3://b/x'] } }),
          logsLine({ ...run, seq: 2, at: 5, body: 'hello', severity: 13, attributes: { rows: 12 } }),
          logsLine({
            ...run,
            seq: 3,
            at: 6,
            event: 'task.metric',
            attributes: { 'metric.name': 'rows', 'metric.value': 1.5 },
          }),
        ),
      );
      const answer = await reader.getJobLogs({ job_run_id: 'a' });
      assert.equal(answer.has_more, false);
      assert.equal('next_cursor' in answer || 'skipped_lines' in answer, false);
      assert.deepEqual(
        answer.entries.map(({ sequence_number, job_id, timestamp }) => [sequence_number, job_id, timestamp]),
        [
          [1, 'a', '2026-03-04T05:06:07.000000000Z'],
          [2, 'a', '2026-03-04T05:06:07.000000005Z'],
          [3, 'a', '2026-03-04T05:06:07.000000006Z'],
        ],
      );
      assert.deepEqual(answer.entries[0]?.outputs, [{ str: 's3://b/x' }]);
      assert.equal(answer.entries[0]?.event?.event_type, 'started');
      assert.equal(answer.entries[1]?.log?.level, 'WARN');
      assert.equal(answer.entries[1]?.log?.fields['rows'], '12');
      assert.equal(answer.entries[2]?.metric?.value, 1.5);
    });

    it('gives a record once that was delivered twice, and every one without a number', async () => {
      const batch = logsLine(line(1), line(2), { id: 'a', run: 'r1', at: 1, body: 'bare', instance: 'i-9' });
      tree.write(`${DAY}/a.jsonl`, lines(batch, logsLine(line(2), line(3)), batch));
      assert.equal(await messages(), 'bare bare m1 m2 m3');
    });

    it('tells apart records of the same number: other runs, other processes', async () => {
      tree.write(
        `${DAY}/a.jsonl`,
        lines(
          logsLine(
            line(1),
            line(1, { run: 'r2', body: 'other run' }),
            line(1, { instance: 'i-2', body: 'other process' }),
          ),
        ),
      );
      assert.equal((await reader.getJobLogs({ job_run_id: 'a' })).entries.length, 3);
    });

    it('keeps the order of a writer whose clock was set back, and merges writers by time', async () => {
      const child = { id: 'a', run: 'r1', instance: 'child' };
      tree.write(
        `${DAY}/a.jsonl`,
        lines(
          logsLine(line(4, { at: 3 * SECOND }), line(2, { at: 10 * SECOND })),
          logsLine({ ...child, at: 2 * SECOND, body: 'c2' }, { ...child, at: 11 * SECOND, body: 'c11' }),
          logsLine(line(3, { at: 1 * SECOND }), line(1, { at: 1 * SECOND }), line(5, { at: 12 * SECOND })),
        ),
      );
      assert.equal(await messages(), 'm1 c2 m2 m3 m4 c11 m5');
      for (let limit = 1; limit <= 7; limit += 1) assert.equal(await allPages(limit), 'm1 c2 m2 m3 m4 c11 m5');
    });

    async function allPages(limit: number, request: Partial<JobLogsRequest> = {}): Promise<string> {
      const found: string[] = [];
      let cursor: string | undefined;
      for (;;) {
        const page = await reader.getJobLogs({ job_run_id: 'a', ...request, limit, cursor });
        assert.ok(page.entries.length === limit || !page.has_more, 'a page is full while there is more');
        assert.ok(page.entries.length > 0 || cursor === undefined, 'has_more was true, and there is more');
        found.push(...page.entries.map(({ log }) => log?.message ?? '?'));
        assert.equal(page.has_more, page.next_cursor !== undefined);
        if (page.next_cursor === undefined) return found.join(' ');
        cursor = page.next_cursor;
      }
    }

    it('has pages that miss nothing where many records share an instant', async () => {
      const bare = Array.from({ length: 9 }, (_, n) => ({ id: 'a', at: 5, body: `b${n}`, instance: `i-${n % 2}` }));
      tree.write(
        `${DAY}/a.jsonl`,
        lines(logsLine(...bare.slice(0, 4)), logsLine(...bare.slice(4)), logsLine(line(1, { at: 5 }))),
      );
      const all = await messages();
      assert.equal(all.split(' ').length, 10);
      for (let limit = 1; limit <= 10; limit += 1) assert.equal(await allPages(limit), all, `limit ${limit}`);
    });

    it('takes since as an instant that is not included', async () => {
      tree.write(`${DAY}/a.jsonl`, lines(logsLine(line(1), line(2), line(3))));
      assert.equal(await messages({ since_timestamp: START + BigInt(2 * SECOND) }), 'm3');
      assert.equal(await messages({ since_timestamp: START + BigInt(2 * SECOND) - 1n }), 'm2 m3');
      assert.equal(await messages({ since_timestamp: START + BigInt(9 * SECOND) }), '');
    });

    it('filters every kind of entry by its level', async () => {
      const severities = [1, 8, 9, 12, 13, 16, 17, 24, 0];
      const records = severities.map((severity, n) =>
        line(n + 1, {
          severity,
          body: `s${severity}`,
          ...(n % 2 === 0 ? {} : { event: 'task.event', attributes: { 'event.type': `s${severity}` } }),
        }),
      );
      tree.write(`${DAY}/a.jsonl`, lines(logsLine(...records)));
      assert.equal(await messages({ min_level: 0 }), 's1 s8 s9 s12 s13 s16 s17 s24 s0');
      assert.equal(await messages({ min_level: 1 }), 's9 s12 s13 s16 s17 s24 s0');
      assert.equal(await messages({ min_level: 2 }), 's13 s16 s17 s24');
      assert.equal(await messages({ min_level: 3 }), 's17 s24');
    });

    it('says exactly whether there is more, filters included', async () => {
      tree.write(
        `${DAY}/a.jsonl`,
        lines(logsLine(line(1), line(2, { severity: 17 }), line(3), line(4, { severity: 17 }), line(5))),
      );
      for (const [limit, min_level, has_more] of [
        [5, 0, false],
        [4, 0, true],
        [2, 3, false],
        [1, 3, true],
        [10_000, 0, false],
      ] as const) {
        const page = await reader.getJobLogs({ job_run_id: 'a', limit, min_level });
        assert.equal(page.has_more, has_more, `${limit} of level ${min_level}`);
      }
    });

    it('passes over what is broken, and counts it', async () => {
      const glued = `${logsLine(line(9)).slice(0, 70)}${logsLine(line(4))}`;
      tree.write(
        `${DAY}/a.jsonl`,
        `${lines(logsLine(line(1)), 'no json', '', logsLine(line(2)).slice(0, 90), logsLine(line(3)), glued)}${logsLine(line(5)).slice(0, 100)}`,
      );
      const answer = await reader.getJobLogs({ job_run_id: 'a' });
      assert.equal(answer.skipped_lines, 4);
      assert.equal(await messages(), 'm1 m3 m4');
    });

    it('takes up half a line once it is whole', async () => {
      const whole = logsLine(line(2));
      const path = tree.write(`${DAY}/a.jsonl`, `${lines(logsLine(line(1)))}${whole.slice(0, 50)}`);
      assert.equal(await messages(), 'm1');
      assert.equal((await reader.getJobLogs({ job_run_id: 'a' })).skipped_lines, 1);
      appendFileSync(path, `${whole.slice(50)}\n${logsLine(line(3))}`);
      assert.equal(await messages(), 'm1 m2 m3');
      appendFileSync(path, `${logsLine(line(4))}\n`);
      assert.equal(await messages(), 'm1 m2 m3 m4');
      assert.equal((await reader.getJobLogs({ job_run_id: 'a' })).skipped_lines, undefined);
    });

    it('reads a file of many runs in one batch, and shows of it the run that is asked for', async () => {
      const batch = logsLine(
        line(1),
        { id: 'b', body: 'of b' },
        line(2),
        { id: 'aa', body: 'of aa' },
        { id: '', body: 'of nobody' },
      );
      tree.write(`${DAY}/_05.0b0c0d0e.jsonl`, lines(batch, logsLine({ id: 'b', body: 'b again' })));
      tree.write(`${DAY}/third-party.jsonl`, lines(logsLine(line(3), { id: 'b', body: 'b too' })));
      assert.equal(await messages(), 'm1 m2 m3');
      assert.equal(await messages({ job_run_id: 'b' }), 'of b b again b too');
    });

    it('reads of a shared file what the index knows of, and what came since', async () => {
      const ids = Array.from({ length: 20 }, (_, n) => `job-${n}`);
      const round = (seq: number): string =>
        lines(...ids.map((id) => logsLine(line(seq, { id, run: id }), line(seq, { id: `${id}0`, run: id }))));
      const path = tree.write(`${DAY}/_05.0b0c0d0e.jsonl`, round(1) + round(2));
      assert.equal((await reader.listJobs()).jobs.length, 40);
      for (const id of ids.slice(0, 10)) assert.equal(await messages({ job_run_id: id }), 'm1 m2');
      appendFileSync(path, round(3) + spansLine({ id: 'job-3', spanId: '33'.repeat(8) }));
      for (const id of ids) assert.equal((await reader.getJobLogs({ job_run_id: id })).skipped_lines, undefined);
      for (const id of ids) assert.match(await messages({ job_run_id: id }), /^m1 (m1 )?m2 (m2 )?m3( m3)?$/);
      assert.equal((await reader.getJobTrace('job-3')).resourceSpans.length, 1);
    });

    it('merges trees, days, shared files and compressed ones', async () => {
      const other = newTree();
      tree.write('2026-03-05/a.jsonl.gz', lines(logsLine(line(3), line(4))));
      tree.write(`${DAY}/_05.0b0c0d0e.jsonl`, lines(logsLine(line(1), line(2))));
      other.write(`${DAY}/a.jsonl`, lines(logsLine(line(2), line(5))));
      const both = newReader([tree.folder, other.folder]);
      assert.equal(await messages({}, both), 'm1 m2 m3 m4 m5');
      assert.equal(await messages({}, newReader([tree.folder, other.folder], { cacheSize: 0 })), 'm1 m2 m3 m4 m5');
    });

    it('shows a file once while it is there under two compressions', async () => {
      const bare = { id: 'a', at: 1, body: 'bare' };
      const text = lines(logsLine(bare), logsLine(bare, line(1)));
      tree.write(`${DAY}/a.jsonl`, text);
      assert.equal(await messages(), 'bare bare m1');
      tree.write(`${DAY}/a.jsonl.gz`, text);
      // The same lines are the same records; within one file equal lines are one only when numbers say so.
      assert.equal(await messages(), 'bare bare m1');
      appendFileSync(tree.path(`${DAY}/a.jsonl`), lines(logsLine(line(2))));
      assert.equal(await messages(), 'bare bare m1 m2');
      rmSync(tree.path(`${DAY}/a.jsonl`));
      assert.equal(await messages(), 'bare bare m1');
    });

    it('goes on by cursor when the file is compressed between two pages', async () => {
      const text = lines(...Array.from({ length: 10 }, (_, n) => logsLine(line(n + 1))));
      const path = tree.write(`${DAY}/a.jsonl`, text);
      const { next_cursor: cursor } = await reader.getJobLogs({ job_run_id: 'a', limit: 4 });
      tree.write(`${DAY}/a.jsonl.gz`, text);
      rmSync(path);
      assert.equal(await messages({ cursor }), 'm5 m6 m7 m8 m9 m10');
    });

    it('reads a file anew that was replaced', async () => {
      const path = tree.write(`${DAY}/a.jsonl`, lines(logsLine(line(1), line(2))));
      assert.equal(await messages(), 'm1 m2');
      tree.write(`${DAY}/new`, lines(logsLine(line(1, { body: 'another' }), line(2), line(3))));
      renameSync(tree.path(`${DAY}/new`), path);
      assert.equal(await messages(), 'another m2 m3');
    });

    for (const id of [
      '../../etc/passwd',
      'a/b',
      'ü 中',
      'x'.repeat(1000),
      'quote"back\\slash',
      '<&>',
      '\u2028',
      '_process',
      '.',
      '\0',
      '-rf',
      '__proto__',
      'a\nb',
    ]) {
      it(`finds the id ${JSON.stringify(id.slice(0, 20))}, in its own file and in a shared one`, async () => {
        const file = taskFile(id, Number(START / 1_000_000n));
        tree.write(`${file}.jsonl`, lines(logsLine(line(1, { id }))));
        // Go's way to write JSON.
        const escaped = logsLine(line(2, { id })).replace(
          /[<>&]/g,
          (char) => `\\u00${char.charCodeAt(0).toString(16)}`,
        );
        tree.write(`${DAY}/_05.0b0c0d0e.jsonl`, lines(escaped, logsLine({ id: `${id}2`, body: 'other' })));
        assert.equal(await messages({ job_run_id: id }), 'm1 m2');
        assert.equal((await reader.getJob(id)).job_id, id);
      });
    }

    for (const id of ['b', '', '..', '../a', 'a\0', 'a.jsonl', 'A', 'x'.repeat(100_000), '/etc/passwd']) {
      it(`knows no job ${JSON.stringify(id.slice(0, 20))}`, async () => {
        tree.write(`${DAY}/a.jsonl`, lines(logsLine(line(1))));
        await assert.rejects(reader.getJobLogs({ job_run_id: id }), UnknownJobError);
        await assert.rejects(reader.getJob(id), UnknownJobError);
        await assert.rejects(reader.getJobMetrics(id), UnknownJobError);
        await assert.rejects(reader.tail({ job_run_id: id }).next(), UnknownJobError);
      });
    }

    const bad: readonly [parameter: string, request: object][] = [
      ['limit', { limit: 0 }],
      ['limit', { limit: 10_001 }],
      ['limit', { limit: 1.5 }],
      ['limit', { limit: Number.NaN }],
      ['limit', { limit: '10' }],
      ['min_level', { min_level: -1 }],
      ['min_level', { min_level: 4 }],
      ['min_level', { min_level: 'info' }],
      ['cursor', { cursor: 'x' }],
      ['cursor', { cursor: '' }],
      ['cursor', { cursor: 5 }],
      ['since_timestamp', { since_timestamp: 5 }],
      ['service', { service: 5 }],
      ['job_run_id', { job_run_id: 5 }],
    ];
    for (const [parameter, request] of bad) {
      it(`refuses ${JSON.stringify(request)}`, async () => {
        tree.write(`${DAY}/a.jsonl`, lines(logsLine(line(1))));
        await assert.rejects(
          reader.getJobLogs({ job_run_id: 'a', ...request }),
          (error) => error instanceof BadRequestError && error.parameter === parameter,
        );
      });
    }

    it('ends a page early that grows too large', async () => {
      const long = 'x'.repeat(1_000_000);
      tree.write(
        `${DAY}/a.jsonl`,
        lines(...Array.from({ length: 40 }, (_, n) => logsLine(line(n + 1, { body: long })))),
      );
      const first = await reader.getJobLogs({ job_run_id: 'a' });
      assert.ok(first.entries.length > 10 && first.entries.length < 30, String(first.entries.length));
      assert.equal(first.has_more, true);
      let count = first.entries.length;
      for (let cursor = first.next_cursor; cursor !== undefined; ) {
        const page = await reader.getJobLogs({ job_run_id: 'a', cursor });
        count += page.entries.length;
        cursor = page.next_cursor;
      }
      assert.equal(count, 40);
    });

    it('gives the same to many who ask at once, while the file grows', async () => {
      const path = tree.write(`${DAY}/a.jsonl`, lines(logsLine(line(1))));
      const asked: Promise<string>[] = [];
      for (let n = 2; n <= 50; n += 1) {
        asked.push(messages());
        appendFileSync(path, lines(logsLine(line(n))));
      }
      const expected = Array.from({ length: 50 }, (_, n) => `m${n + 1}`).join(' ');
      for (const answer of await Promise.all(asked)) assert.ok(expected.startsWith(answer), answer);
      assert.equal(await messages(), expected);
    });
  });

  describe('getJob', () => {
    function run(id: string, name: string, at: number): { started: RecordSpec; ended: (status: string) => RecordSpec } {
      return {
        started: {
          id,
          run: name,
          seq: 1,
          at,
          event: 'task.started',
          attributes: { 'task.attempt': 1, 'task.label': 'nightly' },
        },
        ended: (status) => ({
          id,
          run: name,
          seq: 2,
          at: at + SECOND,
          event: 'task.ended',
          attributes: { 'task.status': status, 'task.duration_seconds': 1.5, 'error.type': 'TypeError' },
        }),
      };
    }

    it('tells how the latest run went, and of all others', async () => {
      const first = run('a', 'r1', 0);
      const second = run('a', 'r2', 5 * SECOND);
      tree.write(
        `${DAY}/a.jsonl`,
        lines(
          logsLine(second.started, first.started),
          logsLine(first.ended('failure')),
          logsLine(second.ended('success')),
        ),
      );
      const job = await reader.getJob('a');
      assert.equal(job.run, 'r2');
      assert.equal(job.status, 'success');
      assert.deepEqual(
        job.attempts.map(({ run: name, status }) => `${name} ${status}`),
        ['r1 failure', 'r2 success'],
      );
      const { attempts, ...row } = job;
      assert.deepEqual(attempts[1], row);
      assert.deepEqual(row, {
        job_id: 'a',
        run: 'r2',
        operation: 'commit',
        label: 'nightly',
        status: 'success',
        attempt: 1,
        started_at: '2026-03-04T05:06:12.000Z',
        ended_at: '2026-03-04T05:06:13.000Z',
        duration_seconds: 1.5,
        outputs: [],
        error_type: 'TypeError',
        progress: null,
        service: 'shop',
      });
    });

    it('calls a run running for 24 hours after its last line', async () => {
      const now = BigInt(Date.now()) * 1_000_000n - START;
      tree.write(
        `${DAY}/a.jsonl`,
        lines(logsLine({ id: 'a', run: 'r1', seq: 1, at: now - 3_600_000_000_000n, event: 'task.started' })),
      );
      tree.write(`${DAY}/b.jsonl`, lines(logsLine({ id: 'b', run: 'r1', seq: 1, event: 'task.started' })));
      assert.equal((await reader.getJob('a')).status, 'running');
      assert.equal((await reader.getJob('b')).status, 'unknown');
    });

    it('shows a run of which there is a span alone', async () => {
      const spanId = '1122334455667788';
      tree.write(
        `${DAY}/a.jsonl`,
        lines(
          spansLine({ id: 'a', spanId, attributes: { operation: 'merge', 'task.status': 'expired' } }),
          spansLine({ id: 'a', spanId: '2222334455667788' }),
        ),
      );
      const { run: name, operation, status, duration_seconds } = await reader.getJob('a');
      assert.deepEqual(
        { name, operation, status, duration_seconds },
        { name: spanId, operation: 'merge', status: 'expired', duration_seconds: 1.5 },
      );
    });

    it('shows records that name no run as one, unless there are others', async () => {
      const path = tree.write(`${DAY}/a.jsonl`, lines(logsLine({ id: 'a', body: 'from elsewhere' })));
      assert.deepEqual(
        (await reader.getJob('a')).attempts.map(({ run: name }) => name),
        [''],
      );
      appendFileSync(path, lines(logsLine(run('a', 'r1', 0).started)));
      assert.deepEqual(
        (await reader.getJob('a')).attempts.map(({ run: name }) => name),
        ['r1'],
      );
      assert.equal((await reader.getJobLogs({ job_run_id: 'a' })).entries.length, 2);
    });

    it('shows a service its own runs alone', async () => {
      const mine = run('a', 'r1', 0);
      const theirs = run('a', 'r2', SECOND);
      tree.write(
        `${DAY}/a.jsonl`,
        lines(
          logsLine(mine.started, { ...theirs.started, service: 'bank', instance: 'i-2' }),
          logsLine(
            { id: 'a', run: 'r1', body: 'child', service: 'tool', instance: 'i-3' },
            { id: 'a', run: 'r2', body: 'secret', service: 'bank', instance: 'i-2' },
          ),
          logsLine({ id: 'a', at: 5, body: 'secret too', service: 'bank', instance: 'i-4' }),
          spansLine({ id: 'a', spanId: 'r1', service: 'shop' }, { id: 'a', spanId: 'r2', service: 'bank' }),
        ),
      );
      assert.deepEqual(
        (await reader.getJob('a', { service: 'shop' })).attempts.map(({ run: name }) => name),
        ['r1'],
      );
      assert.equal(await messages({ service: 'shop' }), 'started child');
      assert.equal(await messages({ service: 'bank' }), 'secret secret too started');
      await assert.rejects(reader.getJob('a', { service: 'tool' }), UnknownJobError);
      await assert.rejects(reader.getJobLogs({ job_run_id: 'a', service: '' }), UnknownJobError);
      assert.equal((await reader.getJobTrace('a', { service: 'shop' })).resourceSpans.length, 1);
    });
  });

  describe('getJobMetrics', () => {
    it('gives the points of a run in order, whatever they are', async () => {
      const point = (seq: number, name: string, value: unknown): RecordSpec =>
        line(seq, {
          event: 'task.metric',
          attributes: { 'metric.name': name, 'metric.value': value, 'metric.unit': 's', 'metric.label.k': 'v' },
        });
      tree.write(`${DAY}/a.jsonl`, lines(logsLine(line(1), point(3, 'y', 2.5), point(2, 'x', 7), line(4))));
      assert.deepEqual((await reader.getJobMetrics('a')).metrics, [
        { name: 'x', value: 7, unit: 's', labels: { k: 'v' }, timestamp: '2026-03-04T05:06:09.000000000Z' },
        { name: 'y', value: 2.5, unit: 's', labels: { k: 'v' }, timestamp: '2026-03-04T05:06:10.000000000Z' },
      ]);
      tree.write(`${DAY}/b.jsonl`, lines(logsLine({ id: 'b' })));
      assert.deepEqual(await reader.getJobMetrics('b'), { metrics: [] });
    });
  });

  describe('getJobTrace', () => {
    it('gives each span of the job once, as it stands there', async () => {
      const span = { id: 'a', spanId: '1122334455667788', name: 'work' };
      tree.write(
        `${DAY}/_05.0b0c0d0e.jsonl`,
        lines(
          spansLine(span, { ...span, id: 'b', spanId: '99'.repeat(8) }),
          logsLine(line(1)),
          spansLine(span),
          `${spansLine(span).slice(0, 30)}${spansLine({ ...span, spanId: '33'.repeat(8) })}`,
        ),
      );
      const { resourceSpans, has_more } = await reader.getJobTrace('a');
      assert.equal(has_more, false);
      const text = JSON.stringify(resourceSpans);
      assert.deepEqual(text.match(/"spanId":"\w+"/g), ['"spanId":"1122334455667788"', '"spanId":"3333333333333333"']);
      assert.match(text, /"service.name"/);
    });
  });
});
