import assert from 'node:assert/strict';
import { JOB_METRICS, type JobMetricSpec } from './job-metric-table.ts';

describe('the table of metrics from the files', () => {
  const specs: readonly JobMetricSpec[] = Object.values(JOB_METRICS);

  it('has each name once, as Prometheus takes it', () => {
    assert.equal(new Set(specs.map(({ name }) => name)).size, specs.length);
    for (const { name } of specs) assert.match(name, /^[a-z][a-z0-9_]*$/);
  });

  it('ends the name of each counter, and of no other, in _total', () => {
    for (const { name, type } of specs) assert.equal(name.endsWith('_total'), type === 'counter', name);
  });

  it('says something of each, in one line', () => {
    for (const { description } of specs) assert.match(description, /^[A-Z][^\n\\]+\.$/);
  });

  it('has no label without a bound: no run, no output', () => {
    const labels = new Set(specs.flatMap((spec) => spec.labels));
    assert.deepEqual([...labels].sort(), ['job_label', 'operation', 'status']);
  });

  it('has bounds that rise, of histograms alone', () => {
    for (const { type, buckets, name } of specs) {
      assert.equal(buckets !== undefined, type === 'histogram', name);
      assert.deepEqual(
        [...(buckets ?? [])].sort((a, b) => a - b),
        buckets ?? [],
      );
    }
  });
});
