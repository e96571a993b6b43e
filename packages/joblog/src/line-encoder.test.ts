import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LinesContent, type RecordSink, runLines, tellLines } from '@taskspan/core/hub';
import { type DecodedRecord, decodeLine } from './decode.ts';
import { ended, fakeRun, INSTANCE_ID, RESOURCE, START_MS, started } from './fake-run.test.fixture.ts';
import { JobLogWriter } from './job-log-writer.ts';

const RUN_ID = 'b7ad6b7169203331';
const IDENTITY = { runId: RUN_ID, spanContext: { traceId: 'c'.repeat(32), spanId: RUN_ID, traceFlags: 1 } };

describe('lines that came together', () => {
  function content(texts: readonly string[], options: Partial<LinesContent> = {}): LinesContent {
    const all = texts.join('');
    return {
      texts,
      isAscii: /^[\0-\x7f]*$/.test(all),
      isPlain: !/[^ -\uffff]|["\\]/.test(all),
      timeMs: START_MS + 0.25,
      isAlone: true,
      severity: 9,
      attributes: { 'log.iostream': 'stdout' },
      ...options,
    };
  }

  /** The file of a run whose lines are told at once, or as single records. */
  function fileOf(contents: readonly LinesContent[], way: 'at once' | 'one by one', id = 'run-1'): string {
    const directory = mkdtempSync(join(tmpdir(), 'line-encoder-'));
    try {
      const options = { directory, resource: RESOURCE, instanceId: INSTANCE_ID, thread: false, minFreeRatio: 0 };
      const writer = new JobLogWriter(options);
      const run = fakeRun(id, IDENTITY);
      const sink: RecordSink = way === 'at once' ? writer.recordSink : (record) => writer.sink(record);
      writer.sink(started(run));
      for (const lines of contents) tellLines(sink, runLines(run, lines));
      writer.sink(ended(run));
      writer.writeNow();
      return readFileSync(join(directory, `${run.file}.jsonl`), 'utf8');
    } finally {
      rmSync(directory, { recursive: true });
    }
  }

  function records(text: string): DecodedRecord[] {
    assert.ok(text.endsWith('\n'), 'a whole line');
    const lines = text.slice(0, -1).split('\n');
    return lines.flatMap((line) => {
      const decoded = decodeLine(line);
      if (decoded.error !== undefined) assert.fail(`${decoded.error}: ${line.slice(0, 200)}`);
      return decoded.records;
    });
  }

  const cases: Readonly<Record<string, readonly string[]>> = {
    'short ones': ['', 'a', 'line of text', '{}'],
    'quotes, backslashes and controls': ['say "hi"', 'C:\\n', 'a\tb', '\u0000\u001f\u007f'],
    'text beyond ASCII': ['grüße', '🙈', 'こんにちは', '\u2028', 'say "ü"'],
    'long ones': ['x'.repeat(41), 'y'.repeat(300_000), 'ü'.repeat(300_000), '\u0000'.repeat(100_000), 'z'],
    many: Array.from({ length: 3000 }, (_, at) => `line ${at}`),
  };
  for (const [what, texts] of Object.entries(cases)) {
    for (const isAlone of [true, false]) {
      it(`become the same records as one by one: ${what}, ${isAlone ? 'in lines of their own' : 'in batches'}`, () => {
        const contents = [content(texts, { isAlone }), content(['more'], { severity: 17, attributes: undefined })];
        const atOnce = records(fileOf(contents, 'at once'));
        assert.equal(atOnce.length, texts.length + 3);
        assert.deepEqual(atOnce, records(fileOf(contents, 'one by one')));
      });
    }
  }

  it('become the same bytes as one by one, each in a line of its own', () => {
    const contents = [content(['one', 'two "2"', 'drei ü']), content(['four'])];
    assert.equal(fileOf(contents, 'at once'), fileOf(contents, 'one by one'));
  });

  it('share lines of a readable length where they are loud', () => {
    const lines = fileOf([content(cases['many'] ?? [], { isAlone: false })], 'at once').split('\n');
    assert.ok(lines.length > 5 && lines.length < 20, `${lines.length}`);
    assert.ok(lines.every((line) => line.length <= 257 * 1024));
  });

  it('are those of their run, whatever it is called', () => {
    for (const id of ['"', '\\', '\u0000', 'ü', '"inside"', '9007199254740991']) {
      const bodies = records(fileOf([content(['one'])], 'at once', id)).map(({ body, attributes }) => [
        body,
        attributes['task.id'],
        attributes['task.sequence'],
      ]);
      assert.deepEqual(bodies, [
        [null, id, 1],
        ['one', id, 2],
        [null, id, 3],
      ]);
    }
  });

  it('are numbered on through every power of ten', () => {
    const texts = Array.from({ length: 12_000 }, () => 'x');
    const numbers = records(fileOf([content(texts, { isAlone: false })], 'at once')).map(
      ({ attributes }) => attributes['task.sequence'],
    );
    assert.deepEqual(
      numbers,
      Array.from({ length: 12_002 }, (_, at) => at + 1),
    );
  });
});
