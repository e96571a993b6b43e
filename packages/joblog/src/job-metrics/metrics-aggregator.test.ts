import assert from 'node:assert/strict';
import {
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import * as zlib from 'node:zlib';
import { MetricsAggregator } from './metrics-aggregator.ts';
import { DAY, lineOf, START_MS, StoredRun, StoredRuns, sample } from './stored-runs.test.fixture.ts';

const TOTAL = 'async_operations_total{operation="import",status="success"}';
const STARTED = 'async_operations_started_total{operation="import"}';
const RUNNING = 'async_operations_running{operation="import"}';
const ROWS = 'rows_processed_total{job_label="",operation="import"}';

describe('the metrics aggregator', () => {
  let stored: StoredRuns;
  let opened: MetricsAggregator[];
  beforeEach(() => {
    stored = new StoredRuns();
    opened = [];
  });
  afterEach(async () => {
    for (const aggregator of opened) await aggregator.close();
    stored.remove();
  });

  function open(options: { logs?: string | string[]; state?: string; namespace?: string } = {}): MetricsAggregator {
    const aggregator = new MetricsAggregator({ logs: stored.logs, ...options });
    opened.push(aggregator);
    return aggregator;
  }

  async function text(aggregator: MetricsAggregator): Promise<string> {
    await aggregator.refresh();
    return aggregator.render();
  }

  describe('counts', () => {
    it('nothing where there is no folder, or no run', async () => {
      const aggregator = open({ state: stored.state });
      assert.deepEqual(familiesOf(await text(aggregator)), [
        'taskspan_operation_overflow_total',
        'taskspan_job_label_overflow_total',
        'taskspan_job_lines_skipped_total',
      ]);
      stored.add(new StoredRun('a'));
      assert.equal(sample(await text(aggregator), TOTAL), 1);
      assert.deepEqual(stored.warnings, []);
    });

    it('runs by how they ended, with all statuses from the first start on', async () => {
      const aggregator = open();
      const open1 = new StoredRun('open', { startMs: Date.now() - 10_000 });
      stored.append('open.jsonl', lineOf(open1.started()));
      const first = await text(aggregator);
      assert.equal(sample(first, RUNNING), 1);
      assert.equal(sample(first, STARTED), 1);
      for (const status of ['success', 'failure', 'expired', 'cancelled', 'deferred', 'orphaned'])
        assert.equal(sample(first, `async_operations_total{operation="import",status="${status}"}`), 0);
      const oldest = sample(first, 'async_operation_oldest_running_seconds{operation="import"}') ?? 0;
      assert.ok(oldest >= 10 && oldest < 60, String(oldest));
      stored.append('open.jsonl', lineOf(open1.ended(7, 'failure')));
      stored.add(new StoredRun('b'), 3);
      const second = await text(aggregator);
      assert.equal(sample(second, RUNNING), 0);
      assert.equal(sample(second, STARTED), 2);
      assert.equal(sample(second, TOTAL), 1);
      assert.equal(sample(second, 'async_operations_total{operation="import",status="failure"}'), 1);
      assert.equal(sample(second, 'async_operation_oldest_running_seconds{operation="import"}'), 0);
      const buckets = 'async_operation_duration_seconds_bucket{operation="import",status="failure",le=';
      assert.deepEqual([sample(second, `${buckets}"5"}`), sample(second, `${buckets}"10"}`)], [0, 1]);
      assert.equal(sample(second, `${buckets}"+Inf"}`), 1);
      assert.equal(
        sample(second, 'async_operation_last_success_timestamp_seconds{operation="import"}'),
        START_MS / 1000 + 3,
      );
    });

    it('only the runs that are marked: other processes count their own', async () => {
      stored.add(new StoredRun('own', { isCounted: false, label: 'nightly' }), 5);
      const shown = await text(open());
      assert.doesNotMatch(shown, /async_/);
      assert.equal(sample(shown, 'job_runtime_seconds{job_label="nightly",operation="import"}'), 5);
    });

    it('what jobs used: run time and processor time of the last, memory at its most, rows in all', async () => {
      const aggregator = open();
      const job = { label: 'nightly' };
      const first = new StoredRun('first', { ...job, startMs: START_MS + 60_000 });
      stored.append(
        'first.jsonl',
        lineOf(first.started(), first.rows(10)) +
          lineOf(first.event('task.heartbeat', 1, { 'task.memory.rss_bytes': 90_000_000, 'task.cpu.seconds': 0.5 })) +
          lineOf(first.event('task.exited', 2, { 'task.memory.peak_bytes': 120_000_000, 'task.cpu.seconds': 1.25 })) +
          lineOf(first.ended(2), first.event('task.manifest', 2)),
      );
      // It began and ended before, and is read after.
      const earlier = new StoredRun('second', job);
      stored.append(
        'second.jsonl',
        lineOf(earlier.started(), earlier.rows(0.5), earlier.event('task.exited', 1, { 'task.cpu.seconds': 9 })) +
          lineOf(earlier.ended(30)),
      );
      const series = (name: string): string => `${name}{job_label="nightly",operation="import"}`;
      const shown = await text(aggregator);
      assert.equal(sample(shown, series('job_runtime_seconds')), 2);
      assert.equal(sample(shown, series('job_cpu_total_seconds')), 1.25);
      assert.equal(sample(shown, series('job_memory_peak_mb')), 120);
      assert.equal(sample(shown, series('rows_processed_total')), 10.5);
    });

    it('the run time that a manifest tells, of a run that tells no end', async () => {
      const run = new StoredRun('third-party', { isCounted: false });
      const times = { 'manifest.start_time': 100.5, 'manifest.end_time': 103 };
      stored.append('third-party.jsonl', lineOf(run.event('task.manifest', 9, times)));
      assert.equal(sample(await text(open()), 'job_runtime_seconds{job_label="",operation="import"}'), 2.5);
    });

    it('many runs of one batch, in a file of any name', async () => {
      const runs = Array.from({ length: 50 }, (_, index) => new StoredRun(`r${index}`));
      const line = lineOf(...runs.map((run) => run.started()), ...runs.map((run) => run.ended()));
      stored.append('_05.0b0c0d0e.jsonl', line);
      assert.equal(sample(await text(open()), TOTAL), 50);
    });

    it('waiting of first attempts', async () => {
      const run = (id: string, attributes: Record<string, number>): void => {
        const one = new StoredRun(id);
        stored.append(`${id}.jsonl`, lineOf(one.started(attributes)));
      };
      run('a', { 'task.enqueued_at': START_MS / 1000 - 2 });
      run('b', { 'task.enqueued_at': START_MS / 1000 - 90, 'task.scheduled_at': START_MS / 1000 + 5 });
      run('c', { 'task.enqueued_at': START_MS / 1000 - 2, 'task.attempt': 2 });
      const shown = await text(open());
      assert.equal(sample(shown, 'async_operation_wait_seconds_count{operation="import"}'), 2);
      assert.equal(sample(shown, 'async_operation_wait_seconds_sum{operation="import"}'), 2);
    });

    it('a lost run as orphaned, once, and not as running', async () => {
      const run = new StoredRun('lost', { startMs: Date.now() - 1000 });
      const orphaned = lineOf(run.event('task.orphaned', 1, { 'task.status': 'orphaned' }));
      stored.append('lost.jsonl', lineOf(run.started()) + orphaned + orphaned + lineOf(run.ended()));
      const shown = await text(open());
      assert.equal(sample(shown, 'async_operations_total{operation="import",status="orphaned"}'), 1);
      assert.equal(sample(shown, TOTAL), 0);
      assert.equal(sample(shown, RUNNING), 0);
      assert.doesNotMatch(shown, /duration_seconds_count/);
    });

    it('a run as no longer running that was not heard of for a day', async () => {
      const run = new StoredRun('silent', { startMs: Date.now() - 86_500_000 });
      stored.append('silent.jsonl', lineOf(run.started()));
      const aggregator = open();
      assert.equal(sample(await text(aggregator), RUNNING), 0);
      stored.append('silent.jsonl', lineOf(run.event('task.heartbeat', 86_400)));
      assert.equal(sample(await text(aggregator), RUNNING), 1);
    });

    it('puts the namespace before the names of tasks alone', async () => {
      stored.add(new StoredRun('a', { label: 'x' }));
      const shown = await text(open({ namespace: 'lakefs' }));
      assert.match(shown, /^# TYPE lakefs_async_operations_total counter$/m);
      assert.match(shown, /^job_runtime_seconds\{job_label="x",operation="import"\} 1$/m);
      assert.doesNotMatch(shown, /^async_|lakefs_job|lakefs_taskspan/m);
    });
  });

  describe('reads a file that grows', () => {
    it('only where it is new', async () => {
      const aggregator = open();
      const run = new StoredRun('a');
      stored.append('a.jsonl', lineOf(run.started(), run.rows(1)));
      await aggregator.refresh();
      // Were it read once more, the number would be another.
      const path = stored.path('a.jsonl');
      const before = readFileSync(path, 'utf8');
      writeFileSync(path, before.replaceAll('rows_processed', 'bows_processed'));
      stored.append('a.jsonl', lineOf(run.rows(2)));
      assert.equal(sample(await text(aggregator), ROWS), 3);
    });

    it('to the last whole line, and goes on there, at every byte', async () => {
      const run = new StoredRun('é𝄞');
      const bytes = Buffer.from(lineOf(run.started(), run.rows(1)) + lineOf(run.rows(2)) + lineOf(run.ended()));
      const aggregator = open();
      mkdirSync(join(stored.logs, DAY), { recursive: true });
      let last = 0;
      for (let end = 0; end <= bytes.length; end += 1) {
        writeFileSync(stored.path('a.jsonl'), bytes.subarray(0, end), { flag: end === 0 ? 'w' : 'r+' });
        const rows = sample(await text(aggregator), ROWS) ?? 0;
        assert.ok(rows >= last && [0, 1, 3].includes(rows), `${rows} after ${last}`);
        last = rows;
      }
      const shown = aggregator.render();
      assert.deepEqual([sample(shown, ROWS), sample(shown, TOTAL)], [3, 1]);
      assert.equal(sample(shown, 'taskspan_job_lines_skipped_total'), 0);
    });

    it('whose last line lacks its newline for ever', async () => {
      const run = new StoredRun('a');
      stored.append('a.jsonl', lineOf(run.started()) + lineOf(run.ended()).trimEnd());
      const aggregator = open();
      assert.equal(sample(await text(aggregator), TOTAL), 1);
      const next = new StoredRun('b');
      stored.append('a.jsonl', lineOf(next.started()) + lineOf(next.ended()));
      assert.equal(sample(await text(aggregator), TOTAL), 2);
    });

    it('in which a writer was killed in the middle of a line and another went on', async () => {
      const killed = new StoredRun('killed');
      const next = new StoredRun('next');
      const half = lineOf(killed.ended(1, 'failure')).slice(0, -40);
      stored.append('a.jsonl', lineOf(killed.started()) + half + lineOf(next.started(), next.ended()));
      stored.append('a.jsonl', `garbage with "eventName" in it\n{"eventName":3}\n\0\0\0"eventName"\n`);
      const shown = await text(open());
      assert.deepEqual([sample(shown, STARTED), sample(shown, TOTAL)], [2, 1]);
      assert.equal(sample(shown, 'taskspan_job_lines_skipped_total'), 4);
    });

    it('with lines beyond every chunk', async () => {
      const run = new StoredRun('big');
      const text1 = 'x'.repeat(300_000);
      stored.append('big.jsonl', lineOf(run.started(), run.event(undefined, 0, { body: text1 })));
      stored.append('big.jsonl', `${lineOf(run.event(undefined, 0, { body: text1.repeat(3) }))}${lineOf(run.ended())}`);
      assert.equal(sample(await text(open()), TOTAL), 1);
    });
  });

  describe('counts once', () => {
    it('what was delivered twice, in any order', async () => {
      const run = new StoredRun('a');
      const [started, rows, ended] = [lineOf(run.started()), lineOf(run.rows(5)), lineOf(run.ended())];
      stored.append('a.jsonl', ended + rows + started + started + rows + ended + rows);
      const shown = await text(open());
      assert.deepEqual([sample(shown, STARTED), sample(shown, TOTAL), sample(shown, ROWS)], [1, 1, 5]);
    });

    it('but points without a number each time', async () => {
      const run = new StoredRun('a');
      const point = JSON.parse(lineOf(run.rows(5)));
      const [record] = point.resourceLogs[0].scopeLogs[0].logRecords;
      record.attributes = record.attributes.filter(({ key }: { key: string }) => key !== 'task.sequence');
      stored.append('a.jsonl', `${JSON.stringify(point)}\n`.repeat(3));
      assert.equal(sample(await text(open()), ROWS), 15);
    });

    it('what stands in two trees', async () => {
      const other = join(stored.root, 'collector');
      const run = new StoredRun('a');
      const lines = lineOf(run.started(), run.rows(5)) + lineOf(run.ended());
      stored.append('a.jsonl', lines);
      mkdirSync(join(other, DAY), { recursive: true });
      writeFileSync(join(other, DAY, 'a.jsonl'), lines);
      const more = new StoredRun('b');
      writeFileSync(join(other, DAY, 'b.jsonl'), lineOf(more.started(), more.ended()));
      const shown = await text(open({ logs: [stored.logs, other, stored.logs] }));
      assert.deepEqual([sample(shown, STARTED), sample(shown, TOTAL), sample(shown, ROWS)], [2, 2, 5]);
    });

    it('a file that was compressed between two refreshes, or is being compressed', async () => {
      const aggregator = open();
      const run = new StoredRun('a');
      stored.append('a.jsonl', lineOf(run.started(), run.rows(5)));
      assert.equal(sample(await text(aggregator), ROWS), 5);
      stored.append('a.jsonl', lineOf(run.rows(6)));
      stored.compress('a.jsonl');
      assert.equal(sample(await text(aggregator), ROWS), 11);
      rmSync(stored.path('a.jsonl'));
      assert.equal(sample(await text(aggregator), ROWS), 11);
      // A late writer makes the file anew, and that is compressed too, as a further part.
      stored.append('a.jsonl', lineOf(run.rows(7)));
      assert.equal(sample(await text(aggregator), ROWS), 18);
      const late = Buffer.from(lineOf(run.rows(8)));
      const parts = [
        readFileSync(stored.path('a.jsonl.gz')),
        zlib.gzipSync(Buffer.concat([readFileSync(stored.path('a.jsonl')), late])),
      ];
      writeFileSync(stored.path('a.jsonl.gz'), Buffer.concat(parts));
      rmSync(stored.path('a.jsonl'));
      assert.equal(sample(await text(aggregator), ROWS), 26);
    });

    it('a day that was packed with zstd, where Node has it', async () => {
      const { zstdCompressSync } = zlib as { zstdCompressSync?: (bytes: Buffer) => Buffer };
      const aggregator = open();
      for (const id of ['a', 'b']) stored.add(new StoredRun(id));
      await aggregator.refresh();
      if (zstdCompressSync === undefined) return;
      stored.add(new StoredRun('c'));
      for (const name of ['b', 'c']) {
        writeFileSync(stored.path(`${name}.jsonl.zst`), zstdCompressSync(readFileSync(stored.path(`${name}.jsonl`))));
        rmSync(stored.path(`${name}.jsonl`));
      }
      assert.equal(sample(await text(aggregator), TOTAL), 3);
    });

    it('a day that was compressed before anybody looked', async () => {
      stored.add(new StoredRun('a'));
      stored.compress('a.jsonl');
      rmSync(stored.path('a.jsonl'));
      stored.append('broken.jsonl.gz', 'this is no gzip');
      const aggregator = open();
      const shown = await text(aggregator);
      assert.deepEqual([sample(shown, TOTAL), sample(shown, 'taskspan_job_lines_skipped_total')], [1, 1]);
      assert.equal(sample(await text(aggregator), 'taskspan_job_lines_skipped_total'), 1);
      assert.equal(stored.warnings.length, 1);
    });

    it('a file that was cut off, or replaced by one of the same name', async () => {
      const aggregator = open();
      stored.add(new StoredRun('a'));
      await aggregator.refresh();
      truncateSync(stored.path('a.jsonl'), 0);
      await aggregator.refresh();
      const run = new StoredRun('b');
      stored.append('a.jsonl', lineOf(run.started(), run.ended()));
      assert.equal(sample(await text(aggregator), TOTAL), 2);
      const longer = new StoredRun('c');
      writeFileSync(stored.path('new'), lineOf(longer.started(), longer.rows(1)) + lineOf(longer.ended()).repeat(9));
      renameSync(stored.path('new'), stored.path('a.jsonl'));
      assert.equal(sample(await text(aggregator), TOTAL), 3);
    });
  });

  describe('never falls', () => {
    it('when retention deletes files and days', async () => {
      const aggregator = open({ state: stored.state });
      for (const id of ['a', 'b', 'c']) stored.add(new StoredRun(id));
      assert.equal(sample(await text(aggregator), TOTAL), 3);
      rmSync(stored.path('a.jsonl'));
      assert.equal(sample(await text(aggregator), TOTAL), 3);
      rmSync(join(stored.logs, DAY), { recursive: true });
      stored.append('d.jsonl', lineOf(new StoredRun('d').started()), '2026-03-09');
      const shown = await text(aggregator);
      assert.deepEqual([sample(shown, TOTAL), sample(shown, STARTED)], [3, 4]);
    });

    it('over a restart, in order or not, also when the files are gone', async () => {
      const first = open({ state: stored.state });
      for (const id of ['a', 'b', 'c']) stored.add(new StoredRun(id, { label: 'x' }), 2);
      const open1 = new StoredRun('open', { startMs: Date.now(), label: 'x' });
      stored.append('open.jsonl', lineOf(open1.started(), open1.rows(3)));
      const before = await text(first);
      // Nobody closes it: the first reading was saved at once.
      rmSync(stored.path('a.jsonl'));
      const second = open({ state: stored.state });
      const after = await text(second);
      assert.equal(withoutAges(after), withoutAges(before));
      stored.append('open.jsonl', lineOf(open1.rows(4), open1.ended(9)));
      stored.add(new StoredRun('d'));
      await second.refresh();
      await second.close();
      rmSync(stored.logs, { recursive: true });
      const third = open({ state: stored.state });
      assert.equal(withoutAges(await text(third)), withoutAges(second.render()));
      assert.equal(sample(third.render(), 'rows_processed_total{job_label="x",operation="import"}'), 7);
      assert.equal(sample(third.render(), TOTAL), 5);
    });

    it('when the folder is not mounted for a while', async () => {
      const aggregator = open();
      const run = new StoredRun('a');
      stored.append('a.jsonl', lineOf(run.started(), run.rows(1)));
      await aggregator.refresh();
      renameSync(stored.logs, `${stored.logs}.away`);
      assert.equal(sample(await text(aggregator), STARTED), 1);
      renameSync(`${stored.logs}.away`, stored.logs);
      stored.append('a.jsonl', lineOf(run.ended()));
      const shown = await text(aggregator);
      assert.deepEqual([sample(shown, STARTED), sample(shown, TOTAL), sample(shown, ROWS)], [1, 1, 1]);
    });
  });

  it('two of them on one folder show the same, and leave a state that is true', async () => {
    const [one, two] = [open({ state: stored.state }), open({ state: stored.state })];
    for (let round = 0; round < 5; round += 1) {
      stored.add(new StoredRun(`r${round}`));
      await Promise.all([one.refresh(), two.refresh()]);
      assert.equal(sample(one.render(), TOTAL), round + 1);
      assert.equal(sample(two.render(), TOTAL), round + 1);
    }
    await Promise.all([one.close(), two.close()]);
    rmSync(stored.logs, { recursive: true });
    assert.equal(sample(await text(open({ state: stored.state })), TOTAL), 5);
  });

  it('shares a reading among those who wait, and shows what was written before the call', async () => {
    const aggregator = open();
    stored.add(new StoredRun('a'));
    const first = aggregator.refresh();
    stored.add(new StoredRun('b'));
    const [second, third] = [aggregator.refresh(), aggregator.refresh()];
    assert.equal(second, third);
    assert.notEqual(first, second);
    await second;
    assert.equal(sample(aggregator.render(), TOTAL), 2);
  });

  it('reads plain files alone', async () => {
    const outside = join(stored.root, 'outside.jsonl');
    const run = new StoredRun('a');
    writeFileSync(outside, lineOf(run.started(), run.ended()));
    mkdirSync(join(stored.logs, DAY, 'folder.jsonl'), { recursive: true });
    symlinkSync(outside, stored.path('link.jsonl'));
    stored.append('elsewhere.jsonl', lineOf(run.started()), '../elsewhere');
    symlinkSync(join(stored.root, 'elsewhere'), join(stored.logs, '2026-03-05'));
    stored.append('.hidden.jsonl', lineOf(run.started()));
    stored.append('a.txt', lineOf(run.started()));
    stored.append('a.jsonl', lineOf(run.started()), 'no-day');
    assert.doesNotMatch(await text(open()), /async_/);
    assert.ok(statSync(outside).size > 0);
  });

  describe('shows to a scraper', () => {
    it('an operation that came up since it was here at 0 first, also to each of two', async () => {
      const aggregator = open();
      stored.add(new StoredRun('old', { operation: 'old' }));
      await aggregator.refresh();
      const total = (shown: string, operation: string): number | undefined =>
        sample(shown, `async_operations_total{operation="${operation}",status="success"}`);
      assert.equal(total(aggregator.render({ scraper: 'one' }), 'old'), 1);
      const run = new StoredRun('a');
      stored.append('a.jsonl', lineOf(run.started(), run.rows(4)) + lineOf(run.ended()));
      await aggregator.refresh();
      const zero = aggregator.render({ scraper: 'one' });
      const count = 'async_operation_duration_seconds_count{operation="import",status="success"}';
      assert.deepEqual(
        [total(zero, 'import'), sample(zero, STARTED), sample(zero, count), sample(zero, ROWS)],
        [0, 0, 0, 0],
      );
      assert.equal(total(zero, 'old'), 1);
      // Somebody else meanwhile, and one that comes for the first time.
      assert.equal(total(aggregator.render(), 'import'), 1);
      assert.equal(total(aggregator.render({ scraper: 'two' }), 'import'), 1);
      const full = aggregator.render({ scraper: 'one' });
      assert.deepEqual(
        [total(full, 'import'), sample(full, STARTED), sample(full, count), sample(full, ROWS)],
        [1, 1, 1, 4],
      );
    });

    it('what was there before it first came, or before a restart, as it is', async () => {
      stored.add(new StoredRun('a'));
      const first = open({ state: stored.state });
      await first.refresh();
      assert.equal(sample(first.render({ scraper: 'one' }), TOTAL), 1);
      await first.close();
      const second = open({ state: stored.state });
      await second.refresh();
      assert.equal(sample(second.render({ scraper: 'one' }), TOTAL), 1);
    });
  });
});

function familiesOf(text: string): string[] {
  return [...text.matchAll(/^# TYPE (\S+)/gm)].map((match) => match[1] ?? '');
}

/** Ages differ from moment to moment. */
function withoutAges(text: string): string {
  return text.replace(/^async_operation_oldest_running_seconds.*$/gm, '');
}
