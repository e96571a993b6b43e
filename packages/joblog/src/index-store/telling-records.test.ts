import assert from 'node:assert/strict';
import { batchesOf } from '../reader/line-batches.ts';
import { batchLine, recordsOf } from './log-tree.test.fixture.ts';
import { tellingLine } from './telling-records.ts';

const isEnd = (record: string): boolean => record.includes('"task.ended"');

describe('tellingLine', () => {
  it('keeps the first record, the last, and those that tell something', () => {
    const run = { id: 'a', startMs: 1000, messages: ['one', 'two', '},{"timeUnixNano":"3"},{"logRecords":["', 'four'] };
    const records = recordsOf(run);
    const line = batchLine([...records, ...recordsOf({ ...run, run: 'b' })]);
    const kept = batchesOf(tellingLine(line, isEnd));
    assert.equal(kept.skipped, 0);
    assert.deepEqual(
      kept.records.map(({ eventName }) => eventName),
      ['task.started', 'task.ended', 'task.ended'],
    );
  });

  for (const line of [
    '',
    'no line',
    batchLine(recordsOf({ id: 'a', startMs: 1000 })),
    JSON.stringify(JSON.parse(batchLine(recordsOf({ id: 'a', startMs: 1000, messages: ['1', '2', '3'] }))), null, 1),
    `{"resourceLogs":[{"scopeLogs":[{"logRecords":[]},{"logRecords":[]}]}]}`,
  ]) {
    it(`leaves ${JSON.stringify(line.slice(0, 30))} as it is`, () => {
      assert.equal(tellingLine(line, isEnd), line);
    });
  }
});
