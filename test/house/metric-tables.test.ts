import assert from 'node:assert/strict';
import { JOB_METRICS, type JobMetricSpec } from '@taskspan/joblog';
import { METRICS, type MetricSpec } from '@taskspan/metrics';

const TYPES: Readonly<Record<MetricSpec['kind'], JobMetricSpec['type']>> = {
  histogram: 'histogram',
  'observable-counter': 'counter',
  'observable-gauge': 'gauge',
  'observable-up-down-counter': 'gauge',
};

describe('a metric that processes and files both tell', () => {
  const ofProcesses = new Map(Object.values(METRICS).map((spec: MetricSpec) => [spec.name, spec]));
  const shared = Object.values(JOB_METRICS).filter(({ name }: JobMetricSpec) => ofProcesses.has(name));

  it('is each of async_* but missed runs, which leave no file, the overflow of operations, and what the logs folder holds', () => {
    const expected = [...ofProcesses.keys()].filter((name) => name.startsWith('async_') && !name.includes('missed'));
    assert.deepEqual(
      shared.map(({ name }) => name).sort(),
      [...expected, METRICS.overflow.name, METRICS.logFiles.name, METRICS.logBytes.name].sort(),
    );
  });

  for (const spec of shared as readonly JobMetricSpec[]) {
    it(`${spec.name} is the same: type, labels, buckets`, () => {
      const other = ofProcesses.get(spec.name);
      assert.ok(other);
      assert.deepEqual([spec.type, [...spec.labels].sort()], [TYPES[other.kind], [...other.labels].sort()]);
      assert.deepEqual(spec.buckets, other.buckets);
    });
  }
});
