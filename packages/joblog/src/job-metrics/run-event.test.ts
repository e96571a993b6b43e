import assert from 'node:assert/strict';
import { type DecodedRecord, decodeLine } from '../decode.ts';
import { type RunEvent, runEvent } from './run-event.ts';
import { lineOf, START_MS, type StoredRecord, StoredRun } from './stored-runs.test.fixture.ts';

function decoded(record: StoredRecord): DecodedRecord {
  const line = decodeLine(lineOf(record));
  if (line.error !== undefined) assert.fail(line.error);
  const [only] = line.records;
  assert.ok(only);
  return only;
}

function tell(record: DecodedRecord): RunEvent | undefined {
  return runEvent(record, START_MS + 3_600_000);
}

describe('the event of a record', () => {
  const run = new StoredRun('a', { label: 'nightly' });

  it('is told with its run, time, operation and label', () => {
    assert.deepEqual(tell(decoded(run.started({ 'task.enqueued_at': START_MS / 1000 - 3 }))), {
      run: 'run-a',
      timeMs: START_MS,
      operation: 'import',
      label: 'nightly',
      cpuSeconds: undefined,
      memoryBytes: undefined,
      content: { kind: 'started', isCountedHere: true, waitSeconds: 3 },
    });
  });

  it('does not lie in the future', () => {
    assert.equal(tell(decoded(run.event('task.heartbeat', 3601)))?.timeMs, START_MS + 3_600_000);
  });

  it('has what processes used, the peak before what was used just then', () => {
    const usage = { 'task.memory.rss_bytes': 5, 'task.cpu.seconds': 0.25 };
    const alive = tell(decoded(run.event('task.heartbeat', 1, usage)));
    assert.deepEqual([alive?.memoryBytes, alive?.cpuSeconds, alive?.content.kind], [5, 0.25, 'alive']);
    const peak = tell(decoded(run.event('task.exited', 1, { ...usage, 'task.memory.peak_bytes': 9 })));
    assert.equal(peak?.memoryBytes, 9);
  });

  it('takes 0 for what was not measured', () => {
    const usage = { 'task.memory.rss_bytes': 0, 'task.memory.peak_bytes': 0, 'task.cpu.seconds': 0 };
    const exited = tell(decoded(run.event('task.exited', 1, usage)));
    assert.deepEqual([exited?.memoryBytes, exited?.cpuSeconds], [undefined, undefined]);
  });

  const contents: readonly (readonly [string, StoredRecord, unknown])[] = [
    ['an end', run.ended(2.5, 'expired'), { kind: 'ended', status: 'expired', durationSeconds: 2.5 }],
    ['an end of no known status', run.ended(1, 'great'), { kind: 'ended', status: 'success', durationSeconds: 1 }],
    [
      'the same, of an error',
      { ...run.ended(1, ''), severityNumber: 17 },
      { kind: 'ended', status: 'failure', durationSeconds: 1 },
    ],
    [
      'an end after no time that is one',
      run.ended(-1),
      { kind: 'ended', status: 'success', durationSeconds: undefined },
    ],
    ['a lost run', run.event('task.orphaned', 0), { kind: 'ended', status: 'orphaned', durationSeconds: undefined }],
    ['another metric', run.event('task.metric', 0, { 'metric.name': 'x', 'metric.value': 3 }), { kind: 'alive' }],
    ['a negative number of rows', run.rows(-3), { kind: 'alive' }],
    [
      'more rows than can be counted',
      run.event('task.metric', 0, { 'metric.name': 'rows_processed', 'metric.value': 9.1e15 }),
      { kind: 'alive' },
    ],
    [
      'a manifest',
      run.event('task.manifest', 0, { 'manifest.start_time': 5, 'manifest.end_time': 7.5 }),
      { kind: 'manifest', durationSeconds: 2.5 },
    ],
    [
      'a manifest that ends first',
      run.event('task.manifest', 0, { 'manifest.start_time': 5, 'manifest.end_time': 4 }),
      { kind: 'manifest', durationSeconds: undefined },
    ],
    ['a step', run.event('task.step', 0), { kind: 'alive' }],
  ];
  for (const [what, record, content] of contents) {
    it(`says of ${what} what counts`, () => assert.deepEqual(tell(decoded(record))?.content, content));
  }

  it('has the number of rows with the place in the run', () => {
    const point = tell(decoded(new StoredRun('b').rows(12.5)));
    assert.deepEqual(point?.content, { kind: 'rows', rows: 12.5, sequence: 1 });
  });

  it('is none for lines of text, exceptions, and records of no run', () => {
    assert.equal(tell(decoded(run.event(undefined, 0))), undefined);
    assert.equal(tell(decoded(run.event('exception', 0))), undefined);
    assert.equal(tell(decoded({ ...run.started(), attributes: [] })), undefined);
  });

  it('is of a run per process and id where a writer knows no runs', () => {
    const attributes = [{ key: 'task.id', value: { stringValue: 'x' } }];
    assert.equal(tell(decoded({ ...run.started(), attributes }))?.run, '["x","i-1"]');
  });
});
