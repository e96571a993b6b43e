import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RecordContent, runRecord } from '@taskspan/core/hub';
import { decodeLine } from '../decode.ts';
import { fakeRun, INSTANCE_ID, RESOURCE } from '../fake-run.test.fixture.ts';
import { JobLogWriter } from '../job-log-writer.ts';
import { OutputLog, type OutputLogOptions, type OutputStream } from './output-log.ts';

describe('the log of a process output', () => {
  /** What the output becomes; each piece is a chunk, of stdout unless it says otherwise. */
  function logged(
    pieces: readonly (string | Uint8Array | readonly [OutputStream, string])[],
    options: OutputLogOptions = {},
  ): RecordContent[] {
    const contents: RecordContent[] = [];
    const output = new OutputLog(fakeRun('run'), { ...options, emit: (_, content) => contents.push(content) });
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

  it('is in the file as soon as a writer without a thread is told to write', () => {
    const directory = mkdtempSync(join(tmpdir(), 'output-log-'));
    try {
      const writer = new JobLogWriter({ directory, resource: RESOURCE, instanceId: INSTANCE_ID, thread: false });
      const run = fakeRun('run-1');
      const output = new OutputLog(run, { emit: (_, content) => writer.sink(runRecord(run, content)) });
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
