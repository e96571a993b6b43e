import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ReadableLogRecord } from '@opentelemetry/sdk-logs';
import { EVENT } from '@taskspan/core';
import { clearReports, type RunRecord, state } from '@taskspan/core/hub';
import { type DecodedRecord, decodeLine } from './decode.ts';
import {
  ended,
  fakeRecord,
  fakeRun,
  INSTANCE_ID,
  RESOURCE,
  START_MS,
  started,
  taskSpan,
} from './fake-run.test.fixture.ts';
import { JobLogWriter, type JobLogWriterOptions } from './job-log-writer.ts';

const DAY = '2026-03-04';

describe('the job log writer', () => {
  let folder: string;
  let directory: string;
  const writers: JobLogWriter[] = [];
  const warnings: string[] = [];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'joblog-'));
    directory = join(folder, 'logs');
    warnings.length = 0;
    clearReports();
    state.dropped.clear();
    state.warn = (message) => warnings.push(message);
  });

  afterEach(async () => {
    await Promise.all(writers.splice(0).map((writer) => writer.shutdown()));
    rmSync(folder, { recursive: true, force: true });
    state.warn = undefined;
  });

  function newWriter(options: Partial<JobLogWriterOptions> = {}): JobLogWriter {
    const writer = new JobLogWriter({
      directory,
      resource: RESOURCE,
      instanceId: INSTANCE_ID,
      minFreeRatio: 0,
      ...options,
    });
    writers.push(writer);
    return writer;
  }

  function read(file: string): { records: readonly DecodedRecord[]; spans: number } {
    const records: DecodedRecord[] = [];
    let spans = 0;
    const lines = readFileSync(join(directory, `${file}.jsonl`), 'utf8').split('\n');
    assert.equal(lines.pop(), '', `${file} ends with a whole line`);
    for (const line of lines) {
      const decoded = decodeLine(line);
      if (decoded.error !== undefined) assert.fail(`${file}: ${decoded.error}`);
      records.push(...decoded.records);
      spans += decoded.spans.length;
    }
    return { records, spans };
  }

  function appLog(attributes: Record<string, string>, options: Partial<ReadableLogRecord> = {}): ReadableLogRecord {
    return {
      hrTime: [Math.floor(START_MS / 1000), 0],
      hrTimeObserved: [Math.floor(START_MS / 1000), 0],
      resource: RESOURCE,
      instrumentationScope: { name: 'winston' },
      attributes,
      droppedAttributesCount: 0,
      body: 'hello',
      ...options,
    };
  }

  /** So much that a thread is worth while. */
  function bulky(writer: JobLogWriter, name: string): RunRecord[] {
    const run = fakeRun(name);
    const records = Array.from({ length: 30 }, () => fakeRecord(run, { body: 'x'.repeat(5000) }));
    for (const record of records) writer.sink(record);
    return records;
  }

  it('keeps records, log lines and spans of a run in one file', async () => {
    const writer = newWriter();
    const run = fakeRun('run-1');
    writer.sink(started(run));
    writer.onLog(appLog({ 'task.id': run.id, 'task.file': run.file }));
    writer.sink(ended(run));
    writer.onSpanEnd(taskSpan(run));
    await writer.forceFlush();
    const { records, spans } = read(run.file);
    assert.deepEqual(
      records.map(({ eventName }) => eventName),
      [EVENT.STARTED, EVENT.ENDED, ''],
    );
    assert.equal(spans, 1);
    assert.deepEqual(readdirSync(join(directory, DAY)), ['run-1.jsonl']);
  });

  it('writes no span that is not sampled', async () => {
    const writer = newWriter();
    const run = fakeRun('run-1');
    writer.onSpanEnd(taskSpan(run, { spanContext: () => ({ ...run.spanContext, traceFlags: 0 }) }));
    writer.sink(started(run));
    await writer.forceFlush();
    assert.equal(read(run.file).spans, 0);
  });

  it('puts what belongs to no run, or claims a file that is none, into the file of the process', async () => {
    const writer = newWriter();
    const hostile = [
      '../../etc/x',
      `${DAY}/../x`,
      `${DAY}/.hidden`,
      `${DAY}/a/b`,
      `${DAY}/a\nb`,
      '/etc/passwd',
      '',
      `${DAY}/${'a'.repeat(200)}`,
    ];
    for (const file of hostile) writer.onLog(appLog({ 'task.file': file }));
    writer.onLog(appLog({}));
    writer.onSpanEnd(taskSpan(fakeRun('x'), { attributes: {} }));
    writer.sink(started(fakeRun('y', { file: '../y' })));
    await writer.forceFlush();
    const { records, spans } = read(`${DAY}/_process.0b0c0d0e`);
    assert.equal(records.length, hostile.length + 2);
    assert.equal(spans, 1);
    assert.deepEqual(readdirSync(folder), ['logs']);
    assert.deepEqual(readdirSync(directory).sort(), ['.gitignore', DAY]);
    assert.equal(readdirSync(join(directory, DAY)).length, 1);
  });

  it('contains hostile ids', async () => {
    const writer = newWriter({ runFilesPerHour: 'unlimited' });
    const ids = ['../../etc/x', 'a\nb', '', 'x'.repeat(10_000), '🙈', '\ud800', '.hidden', 'CON', 'a/b', 'a\u0000b'];
    for (const id of ids) {
      const run = fakeRun(id, { file: writer.fileNamer(id, START_MS) });
      writer.sink(started(run));
    }
    await writer.forceFlush();
    const names = readdirSync(join(directory, DAY));
    assert.equal(names.length, ids.length);
    for (const name of names) assert.match(name, /^[A-Za-z0-9_][A-Za-z0-9._-]{0,140}\.jsonl$/);
    assert.deepEqual(readdirSync(folder), ['logs']);
  });

  it('lets the runs beyond the budget of the hour share a file, with one warning', () => {
    const writer = newWriter({ runFilesPerHour: 2 });
    const names = ['a', 'b', 'c', 'd'].map((id) => writer.fileNamer(id, START_MS));
    assert.deepEqual(names, [`${DAY}/a`, `${DAY}/b`, `${DAY}/_05.0b0c0d0e`, `${DAY}/_05.0b0c0d0e`]);
    assert.equal(writer.fileNamer('e', START_MS + 3_600_000), `${DAY}/e`);
    assert.equal(writer.fileNamer('f', START_MS), `${DAY}/_05.0b0c0d0e`, 'also when the clock goes back');
    assert.equal(warnings.length, 1);
    assert.equal(newWriter({ runFilesPerHour: 0 }).fileNamer('a', START_MS), `${DAY}/_05.0b0c0d0e`);
    assert.equal(warnings.length, 1, 'sharing on request is no reason to warn');
  });

  it('has everything on disk after forceFlush, also from the thread', async () => {
    const writer = newWriter();
    for (let round = 0; round < 3; round += 1) {
      for (let at = 0; at < 5; at += 1) bulky(writer, `run-${at}`);
      await writer.forceFlush();
      for (let at = 0; at < 5; at += 1) assert.equal(read(`${DAY}/run-${at}`).records.length, 30 * (round + 1));
    }
  });

  it('writes at once after flushSync', () => {
    const writer = newWriter();
    bulky(writer, 'before');
    writer.flushSync();
    assert.equal(read(`${DAY}/before`).records.length, 30);
    writer.sink(started(fakeRun('after')));
    assert.equal(read(`${DAY}/after`).records.length, 1);
  });

  it('waits in flushSync for what the thread has in hand', async () => {
    const writer = newWriter();
    bulky(writer, 'run-0');
    await writer.forceFlush();
    for (let at = 1; at < 200; at += 1) bulky(writer, `run-${at}`);
    writer.flushSync();
    for (let at = 0; at < 200; at += 1) assert.equal(read(`${DAY}/run-${at}`).records.length, 30);
  });

  it('keeps a log line as it was when it was logged', async () => {
    const writer = newWriter();
    const meta = { order: { state: 'open' } };
    writer.onLog(appLog({}, { attributes: meta }));
    meta.order.state = 'changed';
    await writer.forceFlush();
    assert.deepEqual(read(`${DAY}/_process.0b0c0d0e`).records[0]?.attributes, { order: { state: 'open' } });
  });

  it('loses only the record whose getter throws, and counts it', async () => {
    const writer = newWriter();
    const run = fakeRun('run-1');
    const attributes = {
      get broken(): string {
        throw new Error('no');
      },
    };
    writer.sink(started(run));
    writer.onLog({
      ...appLog({}),
      get attributes(): never {
        throw new Error('no');
      },
    } as ReadableLogRecord);
    writer.sink(fakeRecord(run, { attributes }));
    writer.sink(ended(run));
    await writer.forceFlush();
    assert.equal(read(run.file).records.length, 2);
    assert.equal(state.dropped.get('logs')?.get('refused'), 2);
  });

  it('counts what the disk refuses, warns once per episode, and goes on afterwards', async () => {
    writeFileSync(directory, 'a file where the folder should be');
    const writer = newWriter();
    const run = fakeRun('run-1');
    for (let at = 0; at < 3; at += 1) {
      writer.sink(fakeRecord(run));
      writer.onSpanEnd(taskSpan(run));
      await writer.forceFlush();
    }
    assert.equal(state.dropped.get('logs')?.get('disk'), 3);
    assert.equal(state.dropped.get('spans')?.get('disk'), 3);
    assert.equal(warnings.length, 1);
    rmSync(directory);
    writer.sink(fakeRecord(run));
    await writer.forceFlush();
    assert.equal(read(run.file).records.length, 1);
    rmSync(directory, { recursive: true });
    writeFileSync(directory, 'again');
    writer.sink(fakeRecord(run));
    await writer.forceFlush();
    assert.equal(warnings.length, 2, 'a new episode is warned about again');
    assert.equal(state.dropped.get('logs')?.get('disk'), 4);
  });

  it('counts what the disk refuses to the thread', async () => {
    const writer = newWriter();
    bulky(writer, 'first');
    await writer.forceFlush();
    rmSync(directory, { recursive: true });
    writeFileSync(directory, 'a file where the folder should be');
    bulky(writer, 'second');
    await writer.forceFlush();
    assert.equal(state.dropped.get('logs')?.get('disk'), 30);
    rmSync(directory);
    bulky(writer, 'third');
    await writer.forceFlush();
    assert.equal(read(`${DAY}/third`).records.length, 30);
  });

  it('makes its folder again when that is deleted', async () => {
    const writer = newWriter();
    bulky(writer, 'first');
    await writer.forceFlush();
    rmSync(directory, { recursive: true });
    bulky(writer, 'first');
    bulky(writer, 'second');
    await writer.forceFlush();
    assert.equal(read(`${DAY}/first`).records.length, 30);
    assert.equal(read(`${DAY}/second`).records.length, 30);
    assert.ok(existsSync(join(directory, '.gitignore')));
    chmodSync(directory, 0o700);
  });

  it('holds at most 512 descriptors with 10 000 open runs', async () => {
    const writer = newWriter({ runFilesPerHour: 'unlimited' });
    const before = readdirSync('/proc/self/fd').length;
    const runs = Array.from({ length: 10_000 }, (_, at) => fakeRun(`run-${at}`));
    let most = 0;
    for (let round = 0; round < 2; round += 1) {
      for (const run of runs) writer.sink(fakeRecord(run));
      await writer.forceFlush();
      most = Math.max(most, readdirSync('/proc/self/fd').length);
    }
    assert.ok(most - before <= 512 + 30, `${most - before} more descriptors than before`);
    assert.ok(most - before > 400, 'the files are held open, or this test sees nothing');
    assert.equal(readdirSync(join(directory, DAY)).length, 10_000);
    for (const at of [0, 4999, 9999]) assert.equal(read(`${DAY}/run-${at}`).records.length, 2);
  });
});
