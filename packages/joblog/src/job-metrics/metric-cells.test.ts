import assert from 'node:assert/strict';
import { MetricCells } from './metric-cells.ts';

describe('the cells of metrics', () => {
  it('give places to 512 operations, and one to all others', () => {
    const cells = new MetricCells();
    for (let at = 0; at < 600; at += 1) cells.operation(`operation-${at}`).start(undefined);
    assert.equal(cells.operations.size, 513);
    assert.equal(cells.operation('operation-0').started, 1);
    assert.equal(cells.operation('operation-599').operation, '_other');
    assert.equal(cells.operations.get('_other')?.started, 88);
  });

  it('give places to 1000 pairs of label and operation, and one per operation to all others', () => {
    const cells = new MetricCells();
    for (let at = 0; at < 3000; at += 1) cells.job(`label-${at}`, `operation-${at % 3}`).add(1);
    const jobs = [...cells.jobs.values()].flatMap((labels) => [...labels.values()]);
    assert.equal(jobs.length, 1003);
    assert.equal(
      jobs.reduce((sum, { rows = 0 }) => sum + rows, 0),
      3000,
    );
    assert.equal(cells.job('label-2999', 'operation-2').label, '_other');
  });

  it('are bounded whatever operations and labels there are', () => {
    const cells = new MetricCells();
    for (let at = 0; at < 5000; at += 1) cells.job(`label-${at}`, `operation-${at}`).add(1);
    const jobs = [...cells.jobs.values()].flatMap((labels) => [...labels.values()]);
    assert.ok(jobs.length <= 1000 + 513, String(jobs.length));
  });

  it('keep what the last run used, whichever is read last, and the most memory', () => {
    const cell = new MetricCells().job('l', 'o');
    cell.finish(2000, 5, 0.5);
    cell.finish(1000, 9, 9);
    cell.finish(3000, undefined, undefined);
    cell.remember(7);
    cell.remember(3);
    assert.deepEqual([cell.runtimeSeconds, cell.cpuSeconds, cell.memoryBytes], [5, 0.5, 7]);
    cell.finish(3000, 1, undefined);
    assert.deepEqual([cell.runtimeSeconds, cell.cpuSeconds], [1, 0.5]);
  });

  it('stay finite', () => {
    const cell = new MetricCells().job('l', 'o');
    cell.add(Number.MAX_VALUE);
    cell.add(Number.MAX_VALUE);
    assert.equal(cell.rows, Number.MAX_VALUE);
  });
});
