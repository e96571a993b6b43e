import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { type DecodedRecord, decodeLine } from '../decode.ts';
import { entryOf } from '../entry/entry-of.ts';
import type { JobLogEntry } from '../entry/job-log-entry.ts';
import { type CollectSource, LogCollector } from './log-collector.ts';

describe('the log collector', () => {
  let folder: string;
  let collector: LogCollector;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'log-collector-'));
    collector = new LogCollector({ logs: join(folder, 'logs'), service: 'build' });
  });

  afterEach(async () => {
    await collector.close();
    rmSync(folder, { recursive: true });
  });

  function records(file: string): DecodedRecord[] {
    const lines = readFileSync(join(folder, 'logs', `${file}.jsonl`), 'utf8')
      .trimEnd()
      .split('\n');
    return lines.flatMap((line) => {
      const decoded = decodeLine(line);
      if (decoded.error !== undefined) assert.fail(decoded.error);
      return decoded.records;
    });
  }

  function entries(file: string): JobLogEntry[] {
    return records(file).map(entryOf);
  }

  /** What each entry is, in short. */
  function kinds(file: string): string[] {
    return entries(file).map(
      ({ log, metric, event, manifest }) =>
        log?.message ?? metric?.name ?? event?.event_type ?? (manifest === undefined ? 'nothing' : 'manifest'),
    );
  }

  async function* linesOf(...lines: (string | Uint8Array)[]): AsyncGenerator<string | Uint8Array> {
    yield* lines;
  }

  it('writes the file of a run from a stream of lines, with a beginning, an end and a manifest', async () => {
    const options = { operation: 'compile', label: '//app:build', outputs: ['out/app'], attempt: 2 };
    const result = await collector.collect('job-1', linesOf('one', 'two\n', 'three\nfour'), options);
    assert.deepEqual(kinds(result.file), ['started', 'one', 'two', 'three', 'four', 'ended', 'manifest']);
    assert.match(result.file, /^\d{4}-\d\d-\d\d\/job-1$/);
    assert.deepEqual([result.jobId, result.status, result.errorType], ['job-1', 'success', undefined]);
    const all = records(result.file);
    for (const [at, { attributes, resource }] of all.entries()) {
      assert.equal(attributes['task.sequence'], at + 1);
      assert.equal(attributes['task.run'], result.run);
      assert.equal(attributes['operation'], 'compile');
      assert.equal(resource.attributes['service.name'], 'build');
    }
    assert.equal(all[0]?.attributes['task.attempt'], 2);
    assert.equal(all[0]?.attributes['task.metrics'], 'files');
    assert.equal(typeof all.at(-2)?.attributes['task.duration_seconds'], 'number');
    assert.deepEqual(
      entries(result.file).flatMap(({ event, manifest }) => event?.job_label ?? manifest?.metadata['job_label'] ?? []),
      ['//app:build', '//app:build', '//app:build'],
    );
    assert.deepEqual(entries(result.file).at(-1)?.manifest?.outputs, [{ str: 'out/app' }]);
  });

  describe('given a process', () => {
    for (const [script, ends] of Object.entries({
      'echo hi': ['success', undefined],
      'echo hi; exit 7': ['failure', 'exit_code_7'],
      'echo hi; kill -KILL $$': ['failure', 'SIGKILL'],
      [`echo hi; echo '{"event":{"event_type":"ended","metadata":{"task.status":"success"}}}'; exit 7`]: [
        'failure',
        'exit_code_7',
      ],
      [`echo hi; echo '{"event":{"event_type":"ended","metadata":{"task.status":"cancelled"}}}'; exit 7`]: [
        'cancelled',
        undefined,
      ],
    })) {
      it(`ends as it does: ${script}`, async () => {
        const { file, status, errorType } = await collector.collect('p', spawn('bash', ['-c', script]));
        assert.deepEqual([status, errorType], ends);
        assert.deepEqual(kinds(file), ['started', 'hi', 'exited', 'ended', 'manifest']);
      });
    }

    it('knows one that has ended already', async () => {
      const child = spawn('bash', ['-c', 'exit 3']);
      await once(child, 'close');
      const { status, errorType } = await collector.collect('p', child);
      assert.deepEqual([status, errorType], ['failure', 'exit_code_3']);
    });

    it('lets whoever gives it decide', async () => {
      const { status } = await collector.collect('p', spawn('false'), { outcome: () => ({ status: 'cancelled' }) });
      assert.equal(status, 'cancelled');
    });

    for (const isOver of [false, true]) {
      it(`says that it was never launched${isOver ? ', also when that is known already' : ''}`, async () => {
        const child = spawn(join(folder, 'no-such-program'));
        if (isOver) await assert.rejects(once(child, 'spawn'), { code: 'ENOENT' });
        const { file, status, errorType } = await collector.collect('p', child);
        assert.deepEqual([status, errorType], ['failure', 'ENOENT']);
        assert.deepEqual(kinds(file), ['started', 'launch_failed', 'ended', 'manifest']);
        assert.match(String(records(file)[1]?.body), /^spawn .*no-such-program ENOENT/);
      });
    }
  });

  it('takes the word of a job wrapper for the life of its run', async () => {
    const { file, status, errorType } = await collector.collect(
      'job-1',
      linesOf(
        '{"timestamp":"2026-01-27T10:30:45Z","job_id":"x","outputs":[{"str":"o"}],"sequence_number":7,"content":{"job_event":{"event_type":"started","metadata":{"task.attempt":"3"}}}}',
        '{"event":{"event_type":"task_launched","job_label":"own","metadata":{"pid":"7"}}}',
        '{"log":{"level":"ERROR","message":"no","fields":{"rows":"1"}}}',
        '{"metric":{"name":"rows_processed","value":12}}',
        '{"manifest":{"inputs":[{"str":"i"}],"metadata":{"k":"v"}}}',
        '{"event":{"event_type":"exited","metadata":{"process.exit.code":"3"}}}',
        '{"event":{"event_type":"ended","metadata":{"task.status":"failure","error.type":"exit_code_3","task.duration_seconds":"1.5"}}}',
        'a last word',
      ),
      { label: 'nightly' },
    );
    assert.deepEqual([status, errorType], ['failure', 'exit_code_3']);
    assert.deepEqual(kinds(file), [
      'started',
      'task_launched',
      'no',
      'rows_processed',
      'exited',
      'a last word',
      'ended',
      'manifest',
    ]);
    const all = entries(file);
    assert.deepEqual(
      all.map(({ job_id: id, sequence_number: sequence }) => [id, sequence]),
      all.map((_, at) => ['job-1', at + 1]),
    );
    assert.equal(all[0]?.timestamp, '2026-01-27T10:30:45.000000000Z');
    assert.deepEqual(
      all.flatMap(({ event }) => event?.job_label ?? []),
      ['nightly', 'own', 'nightly', 'nightly'],
    );
    assert.equal(all.at(-2)?.event?.metadata['task.duration_seconds'], '1.5');
    assert.deepEqual(all.at(-1)?.manifest?.metadata, { k: 'v', job_label: 'nightly' });
  });

  it('concludes from an exit code, unless the owner of the run knows better', async () => {
    const exited = '{"event":{"event_type":"exited","metadata":{"process.exit.code":"3"}}}';
    const concluded = await collector.collect('a', linesOf(exited));
    assert.deepEqual([concluded.status, concluded.errorType], ['failure', 'exit_code_3']);
    const told = await collector.collect('b', linesOf(exited), { outcome: async () => ({ status: 'cancelled' }) });
    assert.deepEqual([told.status, told.errorType], ['cancelled', undefined]);
    const ended = records(told.file).find(({ eventName }) => eventName === 'task.ended');
    assert.deepEqual([ended?.attributes['task.status'], ended?.severityNumber], ['cancelled', 13]);
  });

  it('keeps the rest of a stream that breaks, or is malformed', async () => {
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('{"log":{"message":"one"}}\n{"log":{"mess\n{"a":\n\xff\n{"log":{"message":"two"}}\n', 'latin1');
      yield Buffer.from('half a li');
      throw new TypeError('the pipe broke');
    }
    const result = await collector.collect('job-1', broken());
    assert.deepEqual([result.status, result.errorType], ['failure', 'TypeError']);
    assert.deepEqual(kinds(result.file), [
      'started',
      'one',
      '{"log":{"mess',
      '{"a":',
      '\ufffd',
      'two',
      'half a li',
      'the pipe broke',
      'ended',
      'manifest',
    ]);
  });

  it('takes what an outcome throws for the failure of the run', async () => {
    const options = { outcome: () => Promise.reject(new RangeError('no')) };
    const { status, errorType } = await collector.collect('job-1', ['one'], options);
    assert.deepEqual([status, errorType], ['failure', 'RangeError']);
  });

  it('collects both streams of a process, and its exit', async () => {
    const script = 'echo out; echo "ERROR: err" >&2; printf "\\033[31mred\\033[0m\\nno end"; exit 3';
    const child = spawn('bash', ['-c', script]);
    const exit = new Promise<number | null>((resolve) => child.once('exit', resolve));
    const { file, status } = await collector.collect('job-1', child, {
      outcome: async () => ((await exit) === 0 ? { status: 'success' } : { status: 'failure', errorType: 'exit' }),
    });
    assert.equal(status, 'failure');
    const lines = records(file).filter(({ eventName }) => eventName === '');
    const of = (stream: string): unknown[] =>
      lines.filter(({ attributes }) => attributes['log.iostream'] === stream).map(({ body }) => body);
    assert.deepEqual(of('stdout'), ['out', 'red', 'no end']);
    assert.deepEqual(of('stderr'), ['ERROR: err']);
    assert.equal(lines.find(({ body }) => body === 'ERROR: err')?.severityNumber, 17);
  });

  it('collects a socket', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const collected = new Promise<string[]>((resolve, reject) => {
      server.once('connection', (socket) => {
        collector.collect('job-1', socket).then(({ file }) => resolve(kinds(file)), reject);
      });
    });
    const address = server.address();
    if (address === null || typeof address === 'string') assert.fail('there is a port');
    connect(address.port, '127.0.0.1').end('one\r\ntwo\r\nthree');
    assert.deepEqual(await collected, ['started', 'one', 'two', 'three', 'ended', 'manifest']);
    server.close();
  });

  it('collects a file, its lines, a text as a whole and a stream of text that is cut anywhere', async () => {
    const path = join(folder, 'output');
    writeFileSync(path, 'one\ntwo');
    const text = new PassThrough({ encoding: 'utf8' });
    text.write('on');
    text.end('e\ntwo');
    const sources: readonly (() => CollectSource | Promise<CollectSource>)[] = [
      async () => (await open(path)).createReadStream(),
      async () => (await open(path)).readLines(),
      () => 'one\ntwo',
      () => Buffer.from('one\ntwo'),
      () => text,
    ];
    for (const [at, source] of sources.entries()) {
      const { file } = await collector.collect(`job-${at}`, await source());
      assert.deepEqual(kinds(file), ['started', 'one', 'two', 'ended', 'manifest'], `${at}`);
    }
  });

  it('never mixes runs that are collected at once', async () => {
    const LINES = 20;
    async function* output(name: string): AsyncGenerator<Uint8Array> {
      for (let at = 0; at < LINES; at += 1) {
        yield Buffer.from(`${name} line `);
        await new Promise((resolve) => setImmediate(resolve));
        yield Buffer.from(`${at}\n{"manifest":{"outputs":[{"str":"${name}"}]}}\n`);
      }
    }
    const names = Array.from({ length: 300 }, (_, at) => `job-${at}`);
    const results = await Promise.all(names.map((name) => collector.collect(name, output(name), { label: name })));
    for (const [at, { file }] of results.entries()) {
      const name = names[at] ?? '';
      const expected = Array.from({ length: LINES }, (_, line) => `${name} line ${line}`);
      assert.deepEqual(kinds(file), ['started', ...expected, 'ended', 'manifest']);
      assert.deepEqual(entries(file).at(-1)?.manifest?.outputs, [{ str: name }]);
    }
  });

  it('counts in the log what a limit drops', async () => {
    const lines = Array.from({ length: 1000 }, (_, at) => `line ${at}`);
    const { file } = await collector.collect('job-1', lines, { maxLinesPerSecond: 100 });
    const all = records(file);
    const dropped = all.reduce((sum, { attributes }) => sum + Number(attributes['log.dropped_lines'] ?? 0), 0);
    const kept = all.filter(({ body }) => String(body).startsWith('line ')).length;
    assert.ok(dropped > 0 && kept >= 100);
    assert.equal(kept + dropped, 1000);
  });

  it('keeps the attempts under one id apart, in one file', async () => {
    const [one, two] = await Promise.all([collector.collect('job-1', ['a']), collector.collect('job-1', ['b'])]);
    assert.equal(one.file, two.file);
    const of = (run: string): unknown[] =>
      records(one.file)
        .filter(({ attributes }) => attributes['task.run'] === run)
        .map(({ attributes }) => attributes['task.sequence']);
    assert.deepEqual(
      [of(one.run), of(two.run)],
      [
        [1, 2, 3, 4],
        [1, 2, 3, 4],
      ],
    );
  });

  it('contains hostile ids', async () => {
    for (const id of ['../../x', '', 'a/b', 'x'.repeat(5000), '\ud800', '__proto__']) {
      const { file, jobId } = await collector.collect(id, ['one']);
      assert.equal(entries(file)[0]?.job_id, Buffer.from(jobId).toString());
    }
    assert.deepEqual(readdirSync(folder), ['logs']);
  });

  it('has no more than a stream that says nothing', async () => {
    const { file } = await collector.collect('job-1', []);
    assert.deepEqual(kinds(file), ['started', 'ended', 'manifest']);
  });

  it('takes nothing once it is closed, which it is when what was open has ended', async () => {
    const stream = new PassThrough();
    const collecting = collector.collect('job-1', stream);
    const closed = collector.close();
    await assert.rejects(collector.collect('job-2', []), /closed/);
    stream.end('one\n');
    await closed;
    assert.deepEqual(kinds((await collecting).file), ['started', 'one', 'ended', 'manifest']);
  });
});
