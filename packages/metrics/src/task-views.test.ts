import assert from 'node:assert/strict';
import { AggregationType, InstrumentType, type ViewOptions } from '@opentelemetry/sdk-metrics';
import type { RunInfo } from '@taskspan/core/hub';
import { type Collected, ThreeReaders } from './collected.test.fixture.ts';
import { CARDINALITY_LIMIT, METRICS } from './metrics-table.ts';
import { TaskMetrics } from './task-metrics.ts';
import { taskViews } from './task-views.ts';

const ALL = Object.values(METRICS).map(({ name }) => name);

function namesOf(views: readonly ViewOptions[]): (string | undefined)[] {
  return views.map(({ instrumentName }) => instrumentName);
}

/** What three readers see of three successes and a failure, with these Views of the application. */
async function collectWith(userViews: ViewOptions[]): Promise<Collected[]> {
  const readers = new ThreeReaders([...userViews, ...taskViews({ userViews })]);
  const taskMetrics = new TaskMetrics();
  taskMetrics.bind(readers.provider);
  for (const status of ['success', 'success', 'success', 'failure'] as const) {
    const run = { operation: 'commit', status, durationSeconds: 3, waitSeconds: 1, startTimeMs: 0 } as RunInfo;
    taskMetrics.onRunStart(run);
    taskMetrics.onRunEnd(run);
  }
  const seen = [await readers.pull(), await readers.pushed(), ...(await readers.deltas())];
  await readers.close();
  return seen;
}

describe('taskViews', () => {
  it('covers every metric of the table by its exact name and scope', () => {
    const views = taskViews();
    assert.deepEqual(namesOf(views), ALL);
    for (const view of views) {
      assert.equal(view.meterName, 'taskspan');
      assert.equal(view.aggregationCardinalityLimit, CARDINALITY_LIMIT);
    }
  });

  it('sets buckets and label sets of histograms, and nothing of that on observables', () => {
    for (const view of taskViews()) {
      const spec = Object.values(METRICS).find(({ name }) => name === view.instrumentName);
      assert.equal(view.aggregation !== undefined, spec?.kind === 'histogram', spec?.name);
      assert.equal(view.attributesProcessors !== undefined, spec?.kind === 'histogram');
      if (spec?.kind !== 'histogram') continue;
      assert.deepEqual(view.aggregation, {
        type: AggregationType.EXPLICIT_BUCKET_HISTOGRAM,
        options: { boundaries: spec.buckets },
      });
      const labels = { operation: 'a', status: 'success', user: 'jane' };
      const kept = view.attributesProcessors?.[0]?.process(labels) ?? {};
      assert.deepEqual(Object.keys(kept).sort(), spec.labels);
    }
  });

  it('follows the namespace', () => {
    assert.ok(namesOf(taskViews({ namespace: 'lakefs' })).includes('lakefs_async_operations_total'));
    const userViews = [{ instrumentName: 'lakefs_async_operations_total' }];
    assert.equal(taskViews({ namespace: 'lakefs', userViews }).length, ALL.length - 1);
    assert.equal(taskViews({ userViews }).length, ALL.length);
  });

  const histograms = [METRICS.duration.name, METRICS.wait.name];
  const cases: [what: string, view: ViewOptions, selected: string[]][] = [
    ['an exact name', { instrumentName: METRICS.total.name }, [METRICS.total.name]],
    ['everything', { instrumentName: '*' }, ALL],
    ['a prefix', { instrumentName: 'taskspan_*' }, ALL.filter((name) => name.startsWith('taskspan_'))],
    ['a suffix', { instrumentName: '*_duration_seconds' }, [METRICS.duration.name]],
    ['a middle, which later SDKs may understand', { instrumentName: '*operation_wait*' }, [METRICS.wait.name]],
    ['a type', { instrumentType: InstrumentType.HISTOGRAM }, histograms],
    ['a type', { instrumentType: InstrumentType.OBSERVABLE_UP_DOWN_COUNTER }, [METRICS.running.name]],
    [
      'a type',
      { instrumentType: InstrumentType.OBSERVABLE_GAUGE },
      [
        METRICS.oldestRunning,
        METRICS.lastSuccess,
        METRICS.spoolBytes,
        METRICS.spoolOldest,
        METRICS.lastExport,
        METRICS.logFiles,
        METRICS.logBytes,
      ].map(({ name }) => name),
    ],
    ['a type and a name', { instrumentType: InstrumentType.COUNTER, instrumentName: '*' }, []],
    ['a unit', { instrumentUnit: '{item}' }, [METRICS.dropped.name]],
    ['our meter', { meterName: 'taskspan' }, ALL],
    ['our meter in another version', { meterName: 'taskspan', meterVersion: '0.0.0' }, []],
    ['another meter', { meterName: 'mine', instrumentName: '*' }, []],
    ['another schema', { meterSchemaUrl: 'https://example.org/', instrumentName: '*' }, []],
    ['a name with a dot, which is no wildcard', { instrumentName: 'async.operations.total' }, []],
    ['a pattern that no SDK takes', { instrumentName: '+**' }, []],
  ];
  for (const [what, view, selected] of cases) {
    it(`steps aside for a View that selects ${what}: ${JSON.stringify(view)}`, () => {
      const left = namesOf(taskViews({ userViews: [view] }));
      assert.deepEqual(
        ALL.filter((name) => !left.includes(name)),
        selected,
      );
    });
  }

  for (const [what, view] of [
    ['exact', { instrumentName: METRICS.duration.name }],
    ['wildcard', { instrumentName: 'async_operation_*' }],
    ['type', { instrumentType: InstrumentType.HISTOGRAM }],
  ] as const) {
    it(`lets a user's View (${what}) replace ours, in every reader, and counts nothing twice`, async () => {
      const aggregation: NonNullable<ViewOptions['aggregation']> = {
        type: AggregationType.EXPLICIT_BUCKET_HISTOGRAM,
        options: { boundaries: [1, 10] },
      };
      for (const seen of await collectWith([{ ...view, aggregation }])) {
        const point = seen.histogram(METRICS.duration.name, { operation: 'commit', status: 'success' });
        assert.deepEqual(point.buckets, { boundaries: [1, 10], counts: [0, 3, 0] });
        assert.equal(point.sum, 9);
        assert.equal(seen.sum(METRICS.duration.name), 4);
        assert.equal(seen.sum(METRICS.started.name), 4);
      }
    });
  }

  it("lets a user's View of everything replace all of ours, and counts nothing twice", async () => {
    for (const seen of await collectWith([{ instrumentName: '*' }])) {
      assert.equal(seen.sum(METRICS.started.name), 4);
      assert.equal(seen.sum(METRICS.total.name), 4);
      assert.equal(seen.sum(METRICS.duration.name), 4);
      assert.equal(seen.sum(METRICS.wait.name), 4);
    }
  });

  it("lets a user's View rename a metric", async () => {
    for (const seen of await collectWith([{ instrumentName: METRICS.started.name, name: 'my_runs' }])) {
      assert.equal(seen.sum('my_runs'), 4);
      assert.equal(seen.metrics.has(METRICS.started.name), false);
    }
  });
});
