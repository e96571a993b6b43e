import assert from 'node:assert/strict';
import fc from 'fast-check';
import { batchesOf } from './line-batches.ts';
import { logsLine, type RecordSpec, spansLine } from './otlp-line.test.fixture.ts';
import { RunFacts } from './run-facts.ts';

const SECOND = 1_000_000_000;
const NOW_MS = Date.UTC(2026, 2, 4, 6);

describe('RunFacts', () => {
  const run = { id: 'a', run: 'r1' };
  const records: readonly RecordSpec[] = [
    {
      ...run,
      seq: 1,
      event: 'task.started',
      attributes: { 'task.attempt': 2, 'task.outputs': ['planned'], 'task.label': 'first' },
    },
    { ...run, seq: 2, at: SECOND, event: 'task.progress', attributes: { 'task.progress': 0.25 } },
    { ...run, seq: 3, at: 2 * SECOND, event: 'task.progress', attributes: { 'task.progress': 0.5 } },
    { ...run, at: SECOND, body: 'of a child', service: 'tool', instance: 'i-2' },
    { ...run, at: 9 * SECOND, event: 'task.orphaned', attributes: { 'task.status': 'orphaned' }, instance: 'i-3' },
    {
      ...run,
      seq: 4,
      at: 3 * SECOND,
      event: 'task.ended',
      attributes: {
        'task.status': 'failure',
        'task.duration_seconds': 3,
        'error.type': 'E',
        'task.outputs': ['x', 'y'],
        'task.label': 'last',
      },
    },
  ];
  const expected = {
    job_id: 'a',
    run: 'r1',
    operation: 'commit',
    label: 'last',
    status: 'failure',
    attempt: 2,
    started_at: '2026-03-04T05:06:07.000Z',
    ended_at: '2026-03-04T05:06:10.000Z',
    duration_seconds: 3,
    outputs: ['x', 'y'],
    error_type: 'E',
    progress: 0.5,
    service: 'shop',
  };

  function factsOf(specs: readonly RecordSpec[]): RunFacts {
    const facts = new RunFacts('a', 'r1');
    for (const spec of specs) for (const record of batchesOf(logsLine(spec)).records) facts.add(record);
    return facts;
  }

  it('are the same in whatever order records come, and however often', () => {
    fc.assert(
      fc.property(
        fc.shuffledSubarray([...records], { minLength: records.length }),
        fc.subarray([...records]),
        (order, again) => {
          assert.deepEqual(factsOf([...order, ...again]).row(NOW_MS), expected);
        },
      ),
    );
  });

  it('are the same when parts of them are merged', () => {
    fc.assert(
      fc.property(
        fc.shuffledSubarray([...records], { minLength: records.length }),
        fc.nat({ max: records.length }),
        (order, cut) => {
          const facts = factsOf(order.slice(0, cut));
          facts.merge(factsOf(order.slice(cut)).state);
          assert.deepEqual(facts.row(NOW_MS), expected);
        },
      ),
    );
  });

  it('take from a span what no record tells', () => {
    const facts = new RunFacts('a', 'r1');
    const span = {
      id: 'a',
      spanId: 'r1',
      attributes: { operation: 'merge', 'task.status': 'expired', 'task.outputs': ['z'] },
    };
    for (const each of batchesOf(spansLine(span)).spans) facts.addSpan(each);
    const { operation, status, duration_seconds, outputs } = facts.row(NOW_MS);
    assert.deepEqual(
      { operation, status, duration_seconds, outputs },
      { operation: 'merge', status: 'expired', duration_seconds: 1.5, outputs: ['z'] },
    );
    for (const record of records.flatMap((spec) => batchesOf(logsLine(spec)).records)) facts.add(record);
    assert.equal(facts.row(NOW_MS).status, 'failure');
    assert.equal(facts.row(NOW_MS).started_at, expected.started_at);
  });

  it('do not believe everything', () => {
    const odd = {
      'task.status': 'splendid',
      'task.duration_seconds': Number.NaN,
      'task.attempt': -1,
      'task.outputs': [1, 'x'],
    };
    const facts = factsOf([
      { ...run, event: 'task.progress', attributes: { 'task.progress': 7 } },
      { ...run, event: 'task.ended', attributes: odd },
    ]);
    const { status, duration_seconds, attempt, outputs, progress, started_at } = facts.row(NOW_MS);
    assert.deepEqual(
      { status, duration_seconds, attempt, outputs, progress, started_at },
      { status: 'unknown', duration_seconds: null, attempt: null, outputs: ['x'], progress: 1, started_at: null },
    );
  });
});
