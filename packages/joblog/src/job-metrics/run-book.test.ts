import assert from 'node:assert/strict';
import fc from 'fast-check';
import { MetricCells } from './metric-cells.ts';
import { RunBook } from './run-book.ts';
import type { RunEvent, RunEventContent } from './run-event.ts';
import { DAY, START_MS } from './stored-runs.test.fixture.ts';
import { TextHash } from './text-hash.ts';

function event(run: string, content: RunEventContent, options: Partial<RunEvent> = {}): RunEvent {
  return {
    run,
    timeMs: START_MS,
    operation: 'import',
    label: undefined,
    cpuSeconds: undefined,
    memoryBytes: undefined,
    content,
    ...options,
  };
}

function started(run: string, isCountedHere = true): RunEvent {
  return event(run, { kind: 'started', isCountedHere, waitSeconds: undefined }, { label: 'nightly' });
}

function ended(run: string): RunEvent {
  return event(run, { kind: 'ended', status: 'success', durationSeconds: 2 }, { timeMs: START_MS + 2000 });
}

function rows(run: string, count: number, sequence: number | undefined): RunEvent {
  return event(run, { kind: 'rows', rows: count, sequence });
}

describe('the book of runs', () => {
  let cells: MetricCells;
  let book: RunBook;
  beforeEach(() => {
    cells = new MetricCells();
    book = new RunBook(cells, new TextHash());
  });

  it('counts each event once, however often and in whatever order it comes', () => {
    const events = ['a', 'b', 'c'].flatMap((run) => [started(run), rows(run, 1, 2), rows(run, 10, 3), ended(run)]);
    const order = fc.shuffledSubarray([...events, ...events], { minLength: 0 });
    fc.assert(
      fc.property(order, (some) => {
        cells = new MetricCells();
        book = new RunBook(cells, new TextHash());
        for (const one of [...some, ...events]) book.take(one, DAY);
        const cell = cells.operation('import');
        assert.deepEqual([cell.started, cell.totals[0]], [3, 3]);
        assert.equal(cell.durations[0]?.sum, 6);
        const points = [...(cells.jobs.get('import')?.values() ?? [])].reduce((sum, job) => sum + (job.rows ?? 0), 0);
        assert.equal(points, 33);
        assert.equal(book.open(START_MS).size, 0);
      }),
    );
  });

  it('remembers of a run that has ended a number, and of one that is not counted nothing for long', () => {
    for (let at = 0; at < 20_000; at += 1) {
      book.take(started(`counted-${at}`), DAY);
      book.take(ended(`counted-${at}`), DAY);
      book.take(started(`other-${at}`, false), DAY);
      book.take(ended(`other-${at}`), DAY);
    }
    assert.deepEqual([book.runs.size, book.ended.size], [0, 20_000]);
    assert.equal(cells.operation('import').started, 20_000);
  });

  it('gives what comes after the end of a run to nobody, but late points', () => {
    for (const isCounted of [true, false]) {
      const run = `run-${isCounted}`;
      book.take(started(run, isCounted), DAY);
      book.take(ended(run), DAY);
      book.take(event(run, { kind: 'manifest', durationSeconds: 99 }, { memoryBytes: 5 }), DAY);
      book.take(event(run, { kind: 'alive' }, { memoryBytes: 5 }), DAY);
    }
    const labels = cells.jobs.get('import') ?? new Map();
    assert.deepEqual([...labels.keys()], ['nightly']);
    assert.deepEqual([labels.get('nightly')?.memoryBytes, labels.get('nightly')?.runtimeSeconds], [undefined, 2]);
    book.take(rows('run-true', 5, 9), DAY);
    assert.equal(cells.job('', 'import').rows, 5);
  });

  it('forgets days that are gone, and silent runs that are not counted here', () => {
    book.take(started('open'), DAY);
    book.take(started('other', false), DAY);
    book.take(started('old'), '2026-01-01');
    for (const day of [DAY, '2026-01-01']) {
      book.take(started(`ended-${day}`), day);
      book.take(rows(`ended-${day}`, 1, 2), day);
      book.take(ended(`ended-${day}`), day);
    }
    book.forget((day) => day === DAY, START_MS + 86_400_001);
    assert.deepEqual([...book.runs.keys()], ['open']);
    assert.deepEqual([book.ended.size, book.points.size], [1, 1]);
  });

  it('holds no more open runs than fit', () => {
    for (let at = 0; at < 100_005; at += 1) book.take(started(`r${at}`), DAY);
    assert.equal(book.runs.size, 100_000);
    assert.equal(book.runs.has('r4'), false);
    assert.equal(cells.operation('import').started, 100_005);
  });

  it('counts each run once that has no place for its label', () => {
    for (let at = 0; at < 1000; at += 1) cells.job(`l${at}`, 'o');
    book.take({ ...started('a'), memoryBytes: 1 }, DAY);
    book.take({ ...started('a'), memoryBytes: 2 }, DAY);
    book.take(ended('a'), DAY);
    assert.equal(cells.labelOverflow, 1);
    assert.equal(cells.job('nightly', 'import').label, '_other');
  });

  it('counts each run once that has no place for its operation', () => {
    for (let at = 0; at < 512; at += 1) cells.operation(`o${at}`);
    for (const run of ['a', 'b', 'b']) book.take(started(run), DAY);
    assert.equal(cells.operationOverflow, 2);
    assert.deepEqual([...book.open(START_MS)], [['_other', { count: 2, oldestMs: START_MS }]]);
  });
});
