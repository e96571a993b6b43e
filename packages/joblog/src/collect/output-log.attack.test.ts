import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DecodedRecord, decodeLine } from '../decode.ts';
import { entryOf } from '../entry/entry-of.ts';
import type { JobLogEntry } from '../entry/job-log-entry.ts';
import { ended, fakeRun, INSTANCE_ID, RESOURCE, started } from '../fake-run.test.fixture.ts';
import { JobLogWriter } from '../job-log-writer.ts';
import { emitterTo, OutputLog, type OutputLogOptions } from './output-log.ts';

const MIB = 1024 * 1024;

/** All the way into the file and back: what a hostile program prints must be read as what it is. */
describe('a hostile output', () => {
  let directory: string;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'output-attack-'));
  });

  afterEach(() => {
    rmSync(directory, { recursive: true });
  });

  function read(chunks: Iterable<string | Uint8Array>, options: OutputLogOptions = {}): DecodedRecord[] {
    const writer = new JobLogWriter({ directory, resource: RESOURCE, instanceId: INSTANCE_ID, thread: false });
    const run = fakeRun('run-1');
    writer.sink(started(run));
    const output = new OutputLog(run, { ...options, emitter: emitterTo(writer.recordSink, run) });
    for (const chunk of chunks) {
      output.take('stdout', Buffer.from(chunk));
      writer.writeNow();
    }
    output.end();
    writer.sink(ended(run));
    writer.writeNow();
    const lines = readFileSync(join(directory, `${run.file}.jsonl`), 'utf8').split('\n');
    assert.equal(lines.pop(), '');
    const records = lines.flatMap((line) => {
      const decoded = decodeLine(line);
      if (decoded.error !== undefined) assert.fail(decoded.error);
      return decoded.records;
    });
    assert.deepEqual(
      records.map(({ attributes }) => [attributes['task.id'], attributes['task.run'], attributes['task.sequence']]),
      records.map((_, at) => [run.id, run.runId, at + 1]),
      'each record is of the run, under the next number',
    );
    return records.slice(1, -1);
  }

  function entries(...lines: readonly string[]): JobLogEntry[] {
    return read([`${lines.join('\n')}\n`]).map(entryOf);
  }

  it('of a progress bar of megabytes is its last state, in no more memory than that', () => {
    function* bar(): Generator<Buffer> {
      const states = Buffer.from(Array.from({ length: 4000 }, (_, at) => `\r${at} of 4000 packages`).join(''));
      for (let at = 0; at < 64; at += 1) yield states;
      yield Buffer.from('\ndone\n');
    }
    assert.deepEqual(
      read(bar()).map(({ body }) => body),
      ['3999 of 4000 packages', 'done'],
    );
  });

  it('of zeros and of half characters is text', () => {
    const cat = Buffer.from('🐈');
    const records = read([
      Buffer.alloc(1000),
      Buffer.from('\n'),
      cat.subarray(0, 3),
      cat.subarray(3),
      Buffer.from([0x0a, 0xe2]),
      Buffer.from([0x82]),
      Buffer.from([0x0a, 0xed, 0xa0, 0x80, 0x0a]),
    ]);
    assert.deepEqual(
      records.map(({ body }) => body),
      ['\0'.repeat(1000), '🐈', '\ufffd', '\ufffd\ufffd\ufffd'],
    );
  });

  it('of JSON that is nested without end is a line, whoever it claims to come from', () => {
    const deep = (levels: number): string => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`;
    const nested = [10, 1000, 100_000].map(deep);
    const printed = [
      ...nested,
      ...nested.map((json) => `{"level":30,"msg":"deep","x":${json}}`),
      ...nested.map((json) => `{"log":{"message":"m","fields":{"f":${json}}}}`),
      ...nested.map((json) => `{"event":{"event_type":"e","metadata":{"f":${json}}}}`),
      ...nested.map((json) => `{"metric":${json}}`),
      `${'['.repeat(500_000)}${']'.repeat(500_000)}`,
      `{"level":30,"msg":"array","x":${'['.repeat(200_000)}${']'.repeat(200_000)}}`,
    ];
    const records = read([`${printed.join('\n')}\nlast\n`]);
    assert.equal(records.length, printed.length + 1);
    assert.equal(records.at(-1)?.body, 'last');
  });

  it('of wide JSON is one record each', () => {
    const keys = Object.fromEntries(Array.from({ length: 9000 }, (_, at) => [`key${at}`, 'x'.repeat(10)]));
    const lines = [
      JSON.stringify({ level: 30, msg: 'wide', ...keys }),
      JSON.stringify({ log: { message: 'wide', fields: keys } }),
      JSON.stringify({ event: { event_type: 'wide', metadata: keys } }),
      JSON.stringify({ metric: { name: 'wide', value: 1, labels: keys } }),
    ];
    const [line, log, event, metric] = entries(...lines);
    assert.deepEqual(
      [line?.log?.message, log?.log?.message, event?.event?.event_type, metric?.metric?.name],
      ['wide', 'wide', 'wide', 'wide'],
    );
  });

  it('of JSON with more values than a record holds is text, all of it', () => {
    const keys = Object.fromEntries(Array.from({ length: 30_000 }, (_, at) => [`key${at}`, '1']));
    const lines = [
      `{"level":30,"msg":"x","array":[${'1,'.repeat(200_000)}1]}`,
      JSON.stringify({ level: 30, msg: 'x', ...keys }),
      JSON.stringify({ log: { message: 'x', fields: keys } }),
      JSON.stringify({ metric: { name: 'x', labels: keys } }),
      JSON.stringify({ event: { event_type: 'x' }, outputs: Object.keys(keys) }),
    ];
    assert.deepEqual(
      read([`${lines.join('\n')}\n`]).map(({ body }) => body),
      lines,
    );
  });

  it('of JSON of a megabyte is what it says', () => {
    const message = 'x'.repeat(MIB - 50_000);
    const quoted = '"'.repeat(250_000);
    const [long, escaped, text] = entries(
      JSON.stringify({ level: 50, msg: message }),
      JSON.stringify({ log: { level: 'WARN', message: quoted, fields: { a: 'x'.repeat(400_000) } } }),
      `{"level":50,"msg":"${'x'.repeat(MIB)}"}`,
    );
    assert.deepEqual([long?.log?.level, long?.log?.message], ['ERROR', message]);
    assert.deepEqual([escaped?.log?.level, escaped?.log?.message], ['WARN', quoted]);
    assert.match(text?.log?.message ?? '', /…\[cut \d+ bytes\]$/);
  });

  it('changes no object of this process, and keeps keys that are named like those', () => {
    const [log, event, metric, line, manifest, wrapped] = entries(
      '{"log":{"message":"m","fields":{"__proto__":"p","constructor":"c","toString":"t"}}}',
      '{"event":{"event_type":"e","metadata":{"__proto__":{"polluted":1},"hasOwnProperty":"h"}}}',
      '{"metric":{"name":"m","value":1,"labels":{"__proto__":"p","valueOf":"v"}}}',
      '{"level":30,"msg":"m","__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":1}}}',
      '{"__proto__":{"log":{"message":"m"}}}',
      '{"log":{"message":"m"},"__proto__":{"polluted":1}}',
    );
    assert.equal(({} as Record<string, unknown>)['polluted'], undefined);
    const fields = Object.entries(log?.log?.fields ?? {});
    assert.deepEqual(
      fields.filter(([key]) => !/^(?:task|log)\.|^operation$/.test(key)),
      [
        ['__proto__', 'p'],
        ['constructor', 'c'],
        ['toString', 't'],
      ],
    );
    assert.equal(Object.getOwnPropertyDescriptor(event?.event?.metadata ?? {}, '__proto__')?.value, '{"polluted":1}');
    assert.equal(Object.getOwnPropertyDescriptor(metric?.metric?.labels ?? {}, '__proto__')?.value, 'p');
    assert.ok(Object.hasOwn(line?.log?.fields ?? {}, '__proto__'));
    assert.equal(manifest?.log?.message, '{"__proto__":{"log":{"message":"m"}}}');
    assert.equal(wrapped?.log?.message, '{"log":{"message":"m"},"__proto__":{"polluted":1}}');
  });

  it('cannot say whose it is, how often it was said, or two things at once', () => {
    const two = '{"log":{"message":"a"},"event":{"event_type":"b"}}';
    const inside = '{"log":{"message":"a"},"content":{"job_event":{"event_type":"b"}}}';
    const twice = '{"event":{"event_type":"b"},"job_event":{"event_type":"c"}}';
    const all = entries(
      '{"job_id":"other","sequence_number":"18446744073709551615","log":{"message":"far"}}',
      '{"job_id":"other","sequence_number":3,"log":{"message":"one","fields":{"task.id":"other","task.run":"x","task.sequence":"9","task.file":"../../x","operation":"o"}}}',
      '{"level":30,"msg":"two","task.id":"other","task.run":"x","task.sequence":9,"task.file":"../../x"}',
      two,
      inside,
      twice,
    );
    assert.deepEqual(
      all.map(({ log }) => log?.message),
      [
        '{"job_id":"other","sequence_number":"18446744073709551615","log":{"message":"far"}}',
        'one',
        'two',
        two,
        inside,
        twice,
      ],
    );
    assert.ok(all.every(({ job_id: id }) => id === 'run-1'));
  });

  it('has the numbers that JSON has no sign for', () => {
    const all = entries(
      '{"metric":{"name":"a","value":"NaN"}}',
      '{"metric":{"name":"b","value":"-Infinity"}}',
      '{"metric":{"name":"c","value":1e400}}',
      '{"metric":{"name":"d","value":NaN}}',
      '{"metric":{"name":"e","value":-0}}',
      '{"metric":{"name":"f","value":null}}',
      '{"metric":{"name":"g","value":[1]}}',
    );
    assert.deepEqual(
      all.map(({ metric, log }) => (metric === undefined ? log?.message : [metric.name, metric.value])),
      [
        ['a', 'NaN'],
        ['b', '-Infinity'],
        '{"metric":{"name":"c","value":1e400}}',
        '{"metric":{"name":"d","value":NaN}}',
        ['e', -0],
        ['f', 0],
        '{"metric":{"name":"g","value":[1]}}',
      ],
    );
  });

  it('is the same lines, however it is cut, where a loud part follows a quiet one', () => {
    const lines = Array.from({ length: 3000 }, (_, at) =>
      at % 7 === 0 ? `ü ${at} "x"` : `${at}`.padEnd(at % 90, '.'),
    );
    const bytes = Buffer.from(`${lines.join('\n')}\n`);
    const chunks: Buffer[] = [];
    for (let at = 0, size = 1; at < bytes.length; at += size, size = (size * 7) % 20_011)
      chunks.push(bytes.subarray(at, at + size));
    assert.deepEqual(
      read(chunks).map(({ body }) => body),
      lines,
    );
  });

  it('has lines as long as a record can be, and no longer', () => {
    for (const unit of ['x', '"', '\u0001', 'ü', '\ud83d\ude00']) {
      const [record, ...more] = read([unit.repeat((2 * MIB) / Buffer.byteLength(unit)), '\nnext\n']);
      assert.match(String(record?.body), /…\[cut \d+ bytes\]$/);
      assert.equal(
        Buffer.byteLength(String(record?.body).replace(/…\[cut \d+ bytes\]$/, '')) +
          Number(record?.attributes['log.truncated_bytes']),
        2 * MIB,
      );
      assert.deepEqual(
        more.map(({ body }) => body),
        ['next'],
      );
      rmSync(directory, { recursive: true });
    }
    read([]);
  });

  it('is counted where it is too much, line by line', () => {
    const chunks = Array.from({ length: 50 }, (_, at) => `${`line ${at}\n`.repeat(100)}`);
    const records = read(chunks, { maxLinesPerSecond: 300 });
    const dropped = records.map(({ attributes }) => Number(attributes['log.dropped_lines'] ?? 0));
    const kept = records.filter(({ attributes }) => attributes['log.dropped_lines'] === undefined).length;
    assert.equal(kept + dropped.reduce((sum, count) => sum + count, 0), 5000);
    assert.ok(kept >= 300);
  });
});
