import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunRecord } from '@taskspan/core/hub';
import { decodeLine } from '../decode.ts';
import { fakeRun, INSTANCE_ID, RESOURCE } from '../fake-run.test.fixture.ts';
import { JobLogWriter } from '../job-log-writer.ts';
import { emitterTo, OutputLog, type OutputLogOptions, type OutputStream } from './output-log.ts';

describe('the log of a process output', () => {
  /** What the output becomes; each piece is a chunk, of stdout unless it says otherwise. */
  function logged(
    pieces: readonly (string | Uint8Array | readonly [OutputStream, string])[],
    options: OutputLogOptions = {},
  ): RunRecord[] {
    const contents: RunRecord[] = [];
    const run = fakeRun('run');
    const output = new OutputLog(run, { ...options, emitter: emitterTo((record) => contents.push(record), run) });
    for (const piece of pieces) {
      if (typeof piece === 'string' || piece instanceof Uint8Array) output.take('stdout', Buffer.from(piece));
      else output.take(piece[0], Buffer.from(piece[1]));
    }
    output.end();
    return contents;
  }

  it('makes a record of each line, in the order of arrival', () => {
    const contents = logged(['one\ntwo\n', ['stderr', 'three\n'], 'four']);
    assert.deepEqual(
      contents.map(({ body, attributes, severity }) => [body, attributes?.['log.iostream'], severity]),
      [
        ['one', 'stdout', 9],
        ['two', 'stdout', 9],
        ['three', 'stderr', 9],
        ['four', 'stdout', 9],
      ],
    );
  });

  it('has no escape sequences, and of each line what follows its last return', () => {
    assert.deepEqual(
      logged(['\u001b[32mok\u001b[0m\r\n10%\r', '99%\rdone\n']).map(({ body }) => body),
      ['ok', 'done'],
    );
  });

  it('has the levels of JSON loggers, and those that a plain line of stderr says', () => {
    const contents = logged([
      '{"level":50,"msg":"no","order":7}\n{"levelname":"WARNING","message":"old"}\nERROR: on stdout\n',
      ['stderr', 'progress\nERROR: no\n  at f\n[warn] old\n'],
    ]);
    assert.deepEqual(
      contents.map(({ severity, body, attributes }) => [severity, body, attributes]),
      [
        [17, 'no', { order: 7, 'log.iostream': 'stdout' }],
        [13, 'old', { 'log.iostream': 'stdout' }],
        [9, 'ERROR: on stdout', { 'log.iostream': 'stdout' }],
        [9, 'progress', { 'log.iostream': 'stderr' }],
        [17, 'ERROR: no', { 'log.iostream': 'stderr' }],
        [17, '  at f', { 'log.iostream': 'stderr' }],
        [13, '[warn] old', { 'log.iostream': 'stderr' }],
      ],
    );
  });

  it('keeps JSON that is neither an entry nor a line of a logger as it is', () => {
    const lines = [
      '{"a":1}',
      '{',
      '{"log":1}',
      '{"log":{},"metric":{"name":"x"}}',
      '[1]',
      '  {"level":"high","msg":"x"}',
    ];
    const contents = logged([`${lines.join('\n')}\n`]);
    assert.deepEqual(
      contents.map(({ body, severity, eventName }) => [body, severity, eventName]),
      lines.map((line) => [line, 9, undefined]),
    );
  });

  it('makes of an entry what it says', () => {
    const contents = logged(
      [
        '{"metric":{"name":"rows_processed","value":12,"unit":"rows","labels":{"table":"t"}}}\n',
        ' {"timestamp":"2026-01-27T10:30:45.000000001Z","job_id":"other","sequence_number":99,"log":{"level":"WARN","message":"m","fields":{"a":"1","task.id":"x"}}}\n',
        '{"event":{"event_type":"ended","metadata":{"task.status":"success"}}}\n',
        '{"content":{"job_event":{"event_type":"loaded","job_label":"own","metadata":{"k":"v"}}},"outputs":[{"str":"o"}]}\n',
      ],
      { label: 'nightly' },
    );
    assert.deepEqual(
      contents.map(({ eventName, severity, body, attributes, timeNanos }) => [
        eventName,
        severity,
        body,
        { ...attributes },
        timeNanos,
      ]),
      [
        [
          'task.metric',
          9,
          undefined,
          { 'metric.name': 'rows_processed', 'metric.value': 12, 'metric.unit': 'rows', 'metric.label.table': 't' },
          undefined,
        ],
        [undefined, 13, 'm', { a: '1', 'field.field.task.id': 'x', 'log.iostream': 'stdout' }, '1769509845000000001'],
        [
          'task.event',
          9,
          undefined,
          { 'event.type': 'ended', 'field.task.status': 'success', 'task.label': 'nightly' },
          undefined,
        ],
        [
          'task.event',
          9,
          undefined,
          { 'event.type': 'loaded', k: 'v', 'task.label': 'own', 'task.outputs': ['o'] },
          undefined,
        ],
      ],
    );
  });

  it('merges manifests, and leaves writing them to the owner of the run', () => {
    const contents: RunRecord[] = [];
    const run = fakeRun('run');
    const output = new OutputLog(run, { emitter: emitterTo((record) => contents.push(record), run) });
    output.take(
      'stdout',
      Buffer.from('{"manifest":{"outputs":[{"str":"a"}]}}\n{"manifest":{"inputs":[{"str":"b"}]}}\n'),
    );
    output.end();
    assert.deepEqual(contents, []);
    assert.deepEqual(output.manifest.content().attributes, { 'manifest.outputs': ['a'], 'manifest.inputs': ['b'] });
  });

  it('lets an owner tell the life of the run', () => {
    const [content] = logged(['{"event":{"event_type":"exited","metadata":{"process.exit.code":"0"}}}\n'], {
      teller: 'owner',
    });
    assert.equal(content?.eventName, 'task.exited');
    assert.deepEqual({ ...content?.attributes }, { 'process.exit.code': 0 });
  });

  it('cuts a long line with a mark and the number of bytes', () => {
    const [content, ...more] = logged(['x'.repeat(600_000), 'y'.repeat(600_000), '\nnext\n']);
    const { body = '', attributes } = content ?? {};
    const cut = attributes?.['log.truncated_bytes'];
    assert.ok(typeof cut === 'number' && cut > 100_000);
    assert.ok(body.endsWith(`…[cut ${cut} bytes]`));
    assert.deepEqual(
      more.map((other) => other.body),
      ['next'],
    );
  });

  it('puts records into lines of their own, unless a chunk is loud', () => {
    const chunk = (lines: number): string => 'x\n'.repeat(lines);
    assert.ok(logged([chunk(64)]).every(({ isAlone }) => isAlone === true));
    assert.ok(logged([chunk(65)]).every(({ isAlone }) => isAlone === false));
  });

  describe('with a limit', () => {
    it('counts in the log what it drops, and drops neither metrics nor events', () => {
      const contents = logged(
        [
          '1\n2\n3\n4\n{"metric":{"name":"m","value":1}}\n{"level":30,"msg":"5"}\n{"log":{"message":"6"}}\n{"event":{"event_type":"e"}}\n',
        ],
        { maxLinesPerSecond: 2 },
      );
      assert.deepEqual(
        contents.map(({ body, eventName, attributes }) => body ?? eventName ?? attributes),
        ['1', '2', 'task.metric', 'task.event', '4 lines dropped: more than 2 in a second'],
      );
      assert.deepEqual([contents.at(-1)?.severity, contents.at(-1)?.attributes], [13, { 'log.dropped_lines': 4 }]);
    });

    it('goes on in the next second, and says what is missing although nothing more comes', async () => {
      const contents: RunRecord[] = [];
      let told: (() => void) | undefined;
      const report = new Promise<void>((resolve) => {
        told = resolve;
      });
      const run = fakeRun('run');
      const emitter = emitterTo((record) => {
        contents.push(record);
        if (record.attributes?.['log.dropped_lines'] !== undefined) told?.();
      }, run);
      const output = new OutputLog(run, { maxLinesPerSecond: 1, emitter });
      output.take('stdout', Buffer.from('1\n2\n'));
      await report;
      output.take('stderr', Buffer.from('3\n'));
      output.end();
      assert.deepEqual(
        contents.map(({ body }) => body),
        ['1', '1 line dropped: more than 1 in a second', '3'],
      );
    });

    it('is none where it is no number of lines', () => {
      for (const maxLinesPerSecond of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, undefined]) {
        assert.equal(logged(['1\n2\n3\n'], { maxLinesPerSecond }).length, 3);
      }
    });
  });

  it('is in the file as soon as a writer without a thread is told to write', () => {
    const directory = mkdtempSync(join(tmpdir(), 'output-log-'));
    try {
      const writer = new JobLogWriter({ directory, resource: RESOURCE, instanceId: INSTANCE_ID, thread: false });
      const run = fakeRun('run-1');
      const output = new OutputLog(run, { emitter: emitterTo(writer.recordSink, run) });
      output.take('stdout', Buffer.from('one\ntwo\nth'));
      writer.writeNow();
      const lines = readFileSync(join(directory, `${run.file}.jsonl`), 'utf8')
        .trimEnd()
        .split('\n');
      assert.deepEqual(
        lines.map((line) => {
          const decoded = decodeLine(line);
          return decoded.error ?? decoded.records.map(({ body }) => body);
        }),
        [['one'], ['two']],
      );
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
