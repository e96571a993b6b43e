import assert from 'node:assert/strict';
import { MeterProvider, MetricReader, type ScopeMetrics } from '@opentelemetry/sdk-metrics';
import { recordMissedTask, runTask, startTask } from '@taskspan/core';
import { recordDropped, state } from '@taskspan/core/hub';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { METRICS } from './metrics-table.ts';
import { TaskMetrics } from './task-metrics.ts';
import { taskViews } from './task-views.ts';

class Reader extends MetricReader {
  protected override onShutdown(): Promise<void> {
    return Promise.resolve();
  }

  protected override onForceFlush(): Promise<void> {
    return Promise.resolve();
  }
}

/** The entries of an object in the order of its keys. */
function entries(object: object): [string, unknown][] {
  return Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1));
}

/** Without times, and sorted: which says the same in any order. */
function plain({ scope, metrics }: ScopeMetrics): unknown {
  const { name, version, schemaUrl } = scope;
  const plainMetrics = metrics.map(({ descriptor, dataPoints, ...rest }) => ({
    ...rest,
    name: descriptor.name,
    description: descriptor.description,
    unit: descriptor.unit,
    valueType: descriptor.valueType,
    points: dataPoints
      .map(({ attributes, value }) =>
        JSON.stringify([entries(attributes), typeof value === 'number' ? value : entries(value)]),
      )
      .sort(),
  }));
  return { scope: [name, version, schemaUrl], metrics: plainMetrics.sort((a, b) => (a.name < b.name ? -1 : 1)) };
}

describe('TaskMetrics.totals', () => {
  let taskMetrics: TaskMetrics;
  beforeEach(() => {
    taskMetrics = new TaskMetrics({ namespace: 'shop' });
    state.runObservers.push(taskMetrics);
    state.dropped.clear();
    state.missed.clear();
    state.delivery.set('spans', { spoolBytes: 4096, spoolOldestMs: undefined, lastSuccessMs: 5 });
  });
  afterEach(() => {
    state.runObservers.length = 0;
    state.dropped.clear();
    state.missed.clear();
    state.delivery.clear();
  });

  function work(): void {
    runTask('mail', () => {});
    assert.throws(() =>
      runTask('mail', () => {
        throw new TypeError('no');
      }),
    );
    startTask('mail', { enqueuedAt: Date.now() - 5000 }).end({ status: 'cancelled' });
    recordMissedTask('nightly', { reason: 'overlap', scheduledAt: Date.now() });
    recordDropped('logs', 'disk', 3);
    state.logsFolder = { files: 3, bytes: 4096 };
  }

  it('says what the SDK says, instantly', async () => {
    const reader = new Reader();
    const views = taskViews({ namespace: 'shop' });
    const provider = new MeterProvider({ readers: [reader], views });
    taskMetrics.bind(provider);
    work();
    // Also the samples that came from another thread in condensed form.
    const other = new TaskMetrics();
    state.runObservers.splice(0, 1, other);
    for (let at = 0; at < 50_001; at += 1) runTask('mail', () => {});
    taskMetrics.merge(7, other.takeReport());
    const { resourceMetrics, errors } = await reader.collect();
    assert.deepEqual(errors, []);
    const [seen] = resourceMetrics.scopeMetrics;
    assert.ok(seen);
    const [own, theirs] = [plain(taskMetrics.totals()), plain(seen)].map((one) => rounded(one));
    assert.deepEqual(own, theirs);
    await provider.shutdown();
  });

  it('needs no SDK, and leaves out what a View of the application selects', () => {
    work();
    const names = (list: ScopeMetrics): string[] => list.metrics.map(({ descriptor }) => descriptor.name);
    const all = names(taskMetrics.totals());
    assert.equal(all.length, Object.keys(METRICS).length);
    const some = names(taskMetrics.totals([{ instrumentName: 'shop_async_operation_*' }]));
    assert.deepEqual(
      all.filter((name) => !some.includes(name)),
      all.filter((name) => name.startsWith('shop_async_operation_')),
    );
  });
});

/** Sums of many doubles differ in their last digits by the order of adding. */
function rounded(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value).replace(/\d+\.\d+(?:e-?\d+)?/g, (number) => Number(Number(number).toPrecision(9)).toString()),
  );
}
