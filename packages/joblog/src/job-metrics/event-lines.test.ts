import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { DecodedRecord } from '../decode.ts';
import { EventLines, type LineTaker, takeLine } from './event-lines.ts';
import { lineOf, StoredRun } from './stored-runs.test.fixture.ts';

class Taken implements LineTaker {
  readonly names: string[] = [];
  skippedLines = 0;

  record({ eventName }: DecodedRecord): void {
    this.names.push(eventName);
  }

  skipped(): void {
    this.skippedLines += 1;
  }
}

describe('lines with events', () => {
  const run = new StoredRun('é𝄞');
  const [started, ended] = [lineOf(run.started()), lineOf(run.ended())];
  const plain = lineOf(run.event(undefined, 0, { body: 'é𝄞'.repeat(50) }));

  it('are found however the bytes are cut', () => {
    const bytes = Buffer.from(plain + started + plain + plain + ended + plain);
    fc.assert(
      fc.property(fc.array(fc.nat(bytes.length), { maxLength: 12 }), (cuts) => {
        const taken = new Taken();
        const lines = new EventLines(taken);
        const ends = [...cuts, bytes.length].sort((a, b) => a - b);
        // One buffer for all chunks, as a file is read.
        const memory = Buffer.alloc(bytes.length);
        ends.forEach((end, index) => {
          const chunk = bytes.subarray(ends[index - 1] ?? 0, end);
          lines.add(memory.subarray(0, chunk.copy(memory)));
        });
        lines.end();
        assert.deepEqual([taken.names, taken.skippedLines], [['task.started', 'task.ended'], 0]);
        assert.equal(lines.heldBytes, 0);
      }),
    );
  });

  it('end where the last whole one ends', () => {
    const taken = new Taken();
    const lines = new EventLines(taken);
    lines.add(Buffer.from(started + ended.slice(0, -20)));
    lines.end();
    assert.deepEqual(taken.names, ['task.started']);
    assert.equal(lines.heldBytes, Buffer.byteLength(ended.slice(0, -20)));
  });

  it('are taken at the end of a file when only the newline lacks', () => {
    const taken = new Taken();
    const lines = new EventLines(taken);
    lines.add(Buffer.from(ended.trimEnd()));
    lines.end();
    assert.deepEqual([taken.names, lines.heldBytes], [['task.ended'], 0]);
  });

  it('beyond 64 MiB are passed over, and held by nobody', () => {
    const taken = new Taken();
    const lines = new EventLines(taken);
    const chunk = Buffer.alloc(1 << 20, 'x');
    for (let at = 0; at < 65; at += 1) lines.add(chunk);
    lines.end();
    assert.equal(lines.heldBytes, 0);
    lines.add(Buffer.from(`\n${started}`));
    assert.deepEqual([taken.names, taken.skippedLines], [['task.started'], 1]);
  });

  it('that are glued together are told apart', () => {
    const glued: readonly (readonly [string, readonly string[], number])[] = [
      [started.trimEnd() + ended.trimEnd(), ['task.started', 'task.ended'], 0],
      [`${started.slice(0, 60)}${ended.trimEnd()}`, ['task.ended'], 1],
      [`${started.trimEnd()}{"resource`, [], 1],
      [`${started.trimEnd()}{"resourceLogs":[{"reso`, ['task.started'], 1],
      [`{"resource${started.slice(0, 90)}{"resourceLogs"${ended.trimEnd()}`, ['task.ended'], 3],
      ['eventName', [], 1],
      ['{"resourceLogs":[{"scopeLogs":3}],"eventName":0}', [], 1],
    ];
    for (const [line, names, skipped] of glued) {
      const taken = new Taken();
      takeLine(line, taken);
      assert.deepEqual([taken.names, taken.skippedLines], [names, skipped], line);
    }
  });
});
