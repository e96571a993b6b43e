import assert from 'node:assert/strict';
import { appendFileSync, renameSync, rmSync, truncateSync } from 'node:fs';
import type { TailEvent, TailRequest } from './job.ts';
import { JobLogReader, type JobLogReaderOptions } from './job-log-reader.ts';
import { DAY, lines, logsLine, type RecordSpec, START, TestTree } from './otlp-line.test.fixture.ts';

const SECOND = 1_000_000_000;

/** What a tail gives, taken one by one. */
class Follower {
  readonly #events: AsyncGenerator<TailEvent, void, undefined>;
  cursor: string | undefined;

  constructor(reader: JobLogReader, request: Partial<TailRequest> = {}) {
    this.#events = reader.tail({ job_run_id: 'a', ...request });
  }

  /** Messages of the next entries; `end` and `over` for what ends it. */
  async take(count: number): Promise<string> {
    const found: string[] = [];
    while (found.length < count) {
      const { value, done } = await this.#events.next();
      if (done === true || value === undefined) found.push('over');
      else if (value.type === 'end') found.push('end');
      else {
        const { log, event } = value.entry;
        this.cursor = value.cursor;
        found.push(log?.message ?? event?.event_type ?? (value.entry.manifest === undefined ? '?' : 'manifest'));
      }
      if (done === true) break;
    }
    return found.join(' ');
  }

  async stop(): Promise<void> {
    await this.#events.return();
  }
}

describe('tail', () => {
  let tree: TestTree;
  let reader: JobLogReader;
  const tails: Follower[] = [];
  const readers: JobLogReader[] = [];

  beforeEach(() => {
    tree = new TestTree();
    // Only what the file system tells is in time for these tests.
    reader = newReader({ refreshIntervalMs: 600_000 });
  });

  function follow(from: JobLogReader, request?: Partial<TailRequest>): Follower {
    const tail = new Follower(from, request);
    tails.push(tail);
    return tail;
  }

  afterEach(async () => {
    for (const each of readers.splice(0)) await each.close();
    for (const each of tails.splice(0)) await each.stop();
    tree.remove();
  });

  function newReader(options: Partial<JobLogReaderOptions>): JobLogReader {
    const made = new JobLogReader({ logs: tree.folder, ...options });
    readers.push(made);
    return made;
  }

  function line(seq: number, more: Partial<RecordSpec> = {}): string {
    return logsLine({ id: 'a', run: 'r1', seq, at: seq * SECOND, body: `m${seq}`, ...more });
  }

  const started = (more: Partial<RecordSpec> = {}): string => line(1, { event: 'task.started', ...more });
  const ended = (seq: number, more: Partial<RecordSpec> = {}): string =>
    line(seq, { event: 'task.ended', attributes: { 'task.status': 'success' }, ...more });

  it('gives what is there, then what comes, then the end', async () => {
    const path = tree.write(`${DAY}/a.jsonl`, lines(started(), line(2)));
    const tail = follow(reader);
    assert.equal(await tail.take(2), 'started m2');
    const next = tail.take(1);
    appendFileSync(path, lines(line(3)));
    assert.equal(await next, 'm3');
    const rest = tail.take(4);
    appendFileSync(path, lines(line(4), ended(5)));
    assert.equal(await rest, 'm4 ended end over');
  });

  it('puts half lines together, whatever they are cut into', async () => {
    const path = tree.write(`${DAY}/a.jsonl`, lines(started()));
    const tail = follow(reader);
    assert.equal(await tail.take(1), 'started');
    const rest = tail.take(4);
    const text = lines(line(2), line(3, { body: 'ü→中' }), ended(4));
    for (const byte of Buffer.from(text)) appendFileSync(path, Buffer.of(byte));
    assert.equal(await rest, 'm2 ü→中 ended end');
  });

  it('ends at once where the run has ended', async () => {
    tree.write(`${DAY}/a.jsonl`, lines(started(), ended(2)));
    assert.equal(await follow(reader).take(9), 'started ended end over');
    tree.write(`${DAY}/b.jsonl`, lines(logsLine({ id: 'b', run: 'r1', event: 'task.orphaned' })));
    assert.equal(await follow(reader, { job_run_id: 'b' }).take(9), 'orphaned end over');
  });

  it('waits for the manifest that comes after the end of a run with a process', async () => {
    const path = tree.write(`${DAY}/a.jsonl`, lines(started(), line(2, { event: 'task.launched' }), ended(3)));
    const tail = follow(reader);
    assert.equal(await tail.take(3), 'started launched ended');
    const rest = tail.take(3);
    appendFileSync(path, lines(line(4, { event: 'task.manifest' })));
    assert.equal(await rest, 'manifest end over');
  });

  it('waits for what a Collector delivers out of order', async () => {
    const path = tree.write(`${DAY}/a.jsonl`, lines(started(), ended(4)));
    const tail = follow(reader);
    assert.equal(await tail.take(2), 'started ended');
    const rest = tail.take(4);
    appendFileSync(path, lines(line(3), line(2)));
    assert.equal(await rest, 'm2 m3 end over');
  });

  it('does not wait for ever for what never comes', async () => {
    tree.write(`${DAY}/a.jsonl`, lines(started(), ended(4)));
    assert.equal(await follow(reader).take(9), 'started ended end over');
  });

  it('gives nothing twice that is delivered twice', async () => {
    const path = tree.write(`${DAY}/a.jsonl`, lines(started(), line(2)));
    const tail = follow(reader);
    assert.equal(await tail.take(2), 'started m2');
    const rest = tail.take(3);
    appendFileSync(path, lines(started(), line(2), line(3), line(2), ended(4)));
    assert.equal(await rest, 'm3 ended end');
  });

  it('goes on at a cursor, and after an instant', async () => {
    const path = tree.write(`${DAY}/a.jsonl`, lines(started(), line(2), line(3)));
    const first = follow(reader);
    assert.equal(await first.take(2), 'started m2');
    await first.stop();
    appendFileSync(path, lines(line(4), ended(5)));
    assert.equal(await follow(reader, { cursor: first.cursor }).take(9), 'm3 m4 ended end over');
    assert.equal(await follow(reader, { since_timestamp: START + BigInt(4 * SECOND) }).take(9), 'ended end over');
    assert.equal(await follow(reader, { min_level: 3 }).take(9), 'end over');
  });

  it('goes on when the file is renamed and another takes its place', async () => {
    const path = tree.write(`${DAY}/a.jsonl`, lines(started(), line(2)));
    const tail = follow(reader);
    assert.equal(await tail.take(2), 'started m2');
    const rest = tail.take(3);
    renameSync(path, tree.path(`${DAY}/a-2026-03-04T05-06-07.000.jsonl`));
    tree.write(`${DAY}/a.jsonl`, lines(line(3), ended(4)));
    assert.equal(await rest, 'm3 ended end');
  });

  it('goes on when the file is deleted and written again', async () => {
    const path = tree.write(`${DAY}/a.jsonl`, lines(started(), line(2)));
    const tail = follow(reader);
    assert.equal(await tail.take(2), 'started m2');
    const rest = tail.take(3);
    rmSync(path);
    await reader.getJobLogs({ job_run_id: 'a' }).catch(() => undefined);
    tree.write(`${DAY}/a.jsonl`, lines(line(3), ended(4)));
    assert.equal(await rest, 'm3 ended end');
  });

  it('goes on when the whole day is deleted and made again', async () => {
    tree.write(`${DAY}/a.jsonl`, lines(started(), line(2)));
    const tail = follow(newReader({ refreshIntervalMs: 50 }));
    assert.equal(await tail.take(2), 'started m2');
    const rest = tail.take(3);
    rmSync(tree.path(DAY), { recursive: true });
    await assert.rejects(reader.getJob('a'));
    tree.write(`${DAY}/a.jsonl`, lines(line(3), ended(4)));
    assert.equal(await rest, 'm3 ended end');
  });

  it('goes on when the file is cut and grows again', async () => {
    const path = tree.write(`${DAY}/a.jsonl`, lines(started(), line(2)));
    const tail = follow(reader);
    assert.equal(await tail.take(2), 'started m2');
    const rest = tail.take(3);
    truncateSync(path);
    appendFileSync(path, lines(line(3), ended(4)));
    assert.equal(await rest, 'm3 ended end');
  });

  it('goes on when the file is compressed', async () => {
    const path = tree.write(`${DAY}/a.jsonl`, lines(started(), line(2)));
    const tail = follow(reader);
    assert.equal(await tail.take(2), 'started m2');
    const rest = tail.take(3);
    tree.write(`${DAY}/a.jsonl.gz`, lines(started(), line(2), line(3), ended(4)));
    rmSync(path);
    assert.equal(await rest, 'm3 ended end');
  });

  it('takes up what another writer begins to write into another folder', async () => {
    const other = new TestTree();
    try {
      tree.write(`${DAY}/a.jsonl`, lines(started(), line(2)));
      other.write(`${DAY}/b.jsonl`, '');
      const tail = follow(newReader({ logs: [tree.folder, other.folder], refreshIntervalMs: 600_000 }));
      assert.equal(await tail.take(2), 'started m2');
      const rest = tail.take(4);
      other.write(`${DAY}/a.jsonl`, lines(line(2), line(3), ended(4)));
      assert.equal(await rest, 'm3 ended end over');
    } finally {
      other.remove();
    }
  });

  it('takes up what another writer begins to write into a folder that is not there yet', async () => {
    const other = new TestTree();
    try {
      tree.write(`${DAY}/a.jsonl`, lines(started(), line(2)));
      const tail = follow(newReader({ logs: [tree.folder, other.folder], refreshIntervalMs: 50 }));
      assert.equal(await tail.take(2), 'started m2');
      const rest = tail.take(4);
      other.write(`${DAY}/a.jsonl`, lines(line(2), line(3), ended(4)));
      assert.equal(await rest, 'm3 ended end over');
    } finally {
      other.remove();
    }
  });

  it('looks again by itself where nobody tells', async () => {
    const polling = newReader({ refreshIntervalMs: 20 });
    const path = tree.write(`${DAY}/a.jsonl`, lines(started()));
    const tail = follow(polling);
    assert.equal(await tail.take(1), 'started');
    const rest = tail.take(2);
    appendFileSync(path, lines(ended(2)));
    assert.equal(await rest, 'ended end');
  });

  it('stops at the signal, without an end', async () => {
    const path = tree.write(`${DAY}/a.jsonl`, lines(started()));
    const controller = new AbortController();
    const tail = follow(reader, { signal: controller.signal });
    assert.equal(await tail.take(1), 'started');
    const rest = tail.take(1);
    controller.abort();
    assert.equal(await rest, 'over');
    appendFileSync(path, lines(ended(2)));
    assert.equal(await follow(reader, { signal: AbortSignal.abort() }).take(1), 'over');
  });

  it('stops when the reader is closed', async () => {
    tree.write(`${DAY}/a.jsonl`, lines(started()));
    const tail = follow(reader);
    assert.equal(await tail.take(1), 'started');
    const rest = tail.take(1);
    await reader.close();
    assert.equal(await rest, 'over');
  });

  it('follows the latest attempt', async () => {
    const path = tree.write(`${DAY}/a.jsonl`, lines(started(), ended(2), started({ run: 'r2', at: 9 * SECOND })));
    const tail = follow(reader);
    assert.equal(await tail.take(3), 'started ended started');
    const rest = tail.take(2);
    appendFileSync(path, lines(ended(2, { run: 'r2', at: 10 * SECOND })));
    assert.equal(await rest, 'ended end');
  });

  it('gives 200 who follow one run the same', async () => {
    const path = tree.write(`${DAY}/a.jsonl`, lines(started()));
    const tails = Array.from({ length: 200 }, () => follow(reader));
    await Promise.all(tails.map((tail) => tail.take(1)));
    const rest = tails.map((tail) => tail.take(101));
    for (let seq = 2; seq <= 100; seq += 1) appendFileSync(path, lines(line(seq)));
    appendFileSync(path, lines(ended(101)));
    const expected = [...Array.from({ length: 99 }, (_, n) => `m${n + 2}`), 'ended', 'end'].join(' ');
    for (const given of await Promise.all(rest)) assert.equal(given, expected);
  });

  it('leaves no timer and no watcher behind', async () => {
    tree.write(`${DAY}/a.jsonl`, lines(started()));
    const held = (): number =>
      process.getActiveResourcesInfo().filter((name) => name === 'FSEventWrap' || name === 'Timeout').length;
    // The timer of the test is there from the next turn on.
    await new Promise((resolve) => setImmediate(resolve));
    const before = held();
    const tail = follow(reader);
    assert.equal(await tail.take(1), 'started');
    const rest = tail.take(1);
    await reader.close();
    await rest;
    // A handle is closed at the end of a turn of the loop.
    for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(held(), before);
  });
});
