import assert from 'node:assert/strict';
import { createNoopMeter, metrics, SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import { recordOrphanedTask, startTask, TASK_STATUSES } from '@taskspan/core';
import { clearReports, type RunInfo, recordDropped, state } from '@taskspan/core/hub';
import fc from 'fast-check';
import { type Collected, ThreeReaders } from './collected.test.fixture.ts';
import { METRICS, type MetricSpec } from './metrics-table.ts';
import { QUEUE_LIMIT } from './sample-queue.ts';
import { TaskMetrics, type TaskMetricsOptions } from './task-metrics.ts';
import { taskSampler } from './task-sampler.ts';
import { taskViews } from './task-views.ts';

const NAME = Object.fromEntries(Object.entries(METRICS).map(([key, spec]) => [key, spec.name])) as Record<
  keyof typeof METRICS,
  string
>;

interface Setup {
  readonly taskMetrics: TaskMetrics;
  readonly readers: ThreeReaders;
  readonly tracers: BasicTracerProvider;
}

const open: ThreeReaders[] = [];

/** A tracer provider whose spans `taskMetrics` counts, used by the task API, and three readers. */
function setUp(options: TaskMetricsOptions & { readonly bound?: boolean } = {}): Setup {
  const taskMetrics = new TaskMetrics(options);
  const tracers = new BasicTracerProvider({ sampler: taskSampler(), spanProcessors: [taskMetrics] });
  state.tracerProvider = tracers;
  const readers = new ThreeReaders(taskViews({ namespace: options.namespace }));
  open.push(readers);
  if (options.bound !== false) assert.equal(taskMetrics.bind(readers.provider), true);
  return { taskMetrics, readers, tracers };
}

/** A run as the task API describes it to observers. */
function run(overrides: Partial<RunInfo> & { readonly operation: string }): RunInfo {
  return {
    id: 'x',
    runId: '0000000000000001',
    spanContext: { traceId: '', spanId: '', traceFlags: 0 },
    file: '2026-01-01/x',
    startTimeMs: Date.now(),
    attempt: undefined,
    waitSeconds: undefined,
    fields: undefined,
    orphan: false,
    status: undefined,
    errorType: undefined,
    durationSeconds: undefined,
    nextSequence: () => 1,
    ...overrides,
  };
}

/** Counts one run from start to end. */
function count(taskMetrics: TaskMetrics, overrides: Partial<RunInfo> & { readonly operation: string }): void {
  const info = run({ status: 'success', durationSeconds: 0.2, ...overrides });
  taskMetrics.onRunStart(info);
  taskMetrics.onRunEnd(info);
}

function assertEquation(seen: Collected): void {
  for (const { attributes, value } of seen.points(NAME.started)) {
    const { operation } = attributes;
    const finished = seen.sum(
      NAME.total,
      (labels) => labels['operation'] === operation && labels['status'] !== 'orphaned',
    );
    assert.equal(value, finished + (seen.value(NAME.running, attributes) ?? 0), String(operation));
  }
}

describe('TaskMetrics', () => {
  beforeEach(() => {
    state.missed.clear();
    state.dropped.clear();
    state.delivery.clear();
    state.logsFolder = undefined;
    clearReports();
  });

  afterEach(async () => {
    state.tracerProvider = undefined;
    state.missed.clear();
    state.dropped.clear();
    state.delivery.clear();
    await Promise.all(open.splice(0).map((readers) => readers.close()));
  });

  describe('the rows of the table', () => {
    it('are all there, with their kind, unit, description and labels, in every reader', async () => {
      const { readers } = setUp();
      state.missed.set('commit', new Map([['overlap', 1]]));
      state.delivery.set('logs', { spoolBytes: 1, spoolOldestMs: 1, lastSuccessMs: 1 });
      state.logsFolder = { files: 1, bytes: 1 };
      startTask('commit', { enqueuedAt: Date.now() - 100 }).end();
      const kinds: Record<MetricSpec['kind'], string> = {
        histogram: 'HISTOGRAM',
        'observable-counter': 'OBSERVABLE_COUNTER',
        'observable-gauge': 'OBSERVABLE_GAUGE',
        'observable-up-down-counter': 'OBSERVABLE_UP_DOWN_COUNTER',
      };
      for (const seen of [await readers.pull(), await readers.pushed(), ...(await readers.deltas())]) {
        assert.deepEqual([...seen.metrics.keys()].sort(), Object.values(NAME).sort());
        for (const spec of Object.values(METRICS)) {
          const descriptor = seen.metrics.get(spec.name)?.descriptor as unknown as Record<string, unknown>;
          assert.equal(descriptor['type'], kinds[spec.kind], spec.name);
          assert.equal(descriptor['unit'], spec.unit);
          assert.equal(descriptor['description'], spec.description);
          for (const { attributes } of seen.points(spec.name)) {
            assert.deepEqual(Object.keys(attributes).sort(), spec.labels);
          }
        }
      }
    });

    it('running: goes up and down, and stays at 0', async () => {
      const { readers } = setUp();
      const tasks = [startTask('commit'), startTask('commit')];
      assert.equal((await readers.pull()).value(NAME.running, { operation: 'commit' }), 2);
      tasks[0]?.end();
      assert.equal((await readers.pull()).value(NAME.running, { operation: 'commit' }), 1);
      tasks[1]?.end();
      tasks[1]?.end();
      assert.equal((await readers.pull()).value(NAME.running, { operation: 'commit' }), 0);
    });

    it('total: all six statuses stand at 0 from the first start', async () => {
      const { readers } = setUp();
      startTask('commit');
      const seen = await readers.pull();
      for (const status of TASK_STATUSES) assert.equal(seen.value(NAME.total, { operation: 'commit', status }), 0);
    });

    for (const status of TASK_STATUSES.filter((status) => status !== 'orphaned')) {
      it(`total and duration: ${status}`, async () => {
        const { readers, taskMetrics } = setUp();
        count(taskMetrics, { operation: 'commit', status, durationSeconds: 7 });
        const seen = await readers.pull();
        assert.equal(seen.value(NAME.total, { operation: 'commit', status }), 1);
        assert.equal(seen.sum(NAME.total), 1);
        assert.equal(seen.histogram(NAME.duration, { operation: 'commit', status }).sum, 7);
        assert.equal(seen.sum(NAME.duration), 1);
        assert.equal(seen.value(NAME.started, { operation: 'commit' }), 1);
      });
    }

    it('total: an orphan moves nothing else', async () => {
      const { readers, taskMetrics } = setUp();
      recordOrphanedTask(undefined, { id: 'lost-1', operation: 'commit' });
      const observed = run({ operation: 'merge', orphan: true, status: 'orphaned', durationSeconds: 5 });
      taskMetrics.onRunStart(observed);
      taskMetrics.onRunEnd(observed);
      const seen = await readers.pull();
      for (const operation of ['commit', 'merge']) {
        assert.equal(seen.value(NAME.total, { operation, status: 'orphaned' }), 1, operation);
        assert.equal(seen.value(NAME.started, { operation }), 0);
        assert.equal(seen.value(NAME.running, { operation }), 0);
      }
      assert.equal(seen.sum(NAME.total), 2);
      assert.equal(seen.sum(NAME.duration), 0);
    });

    it('duration: comes from the run, in the buckets of the table', async () => {
      const { readers, taskMetrics } = setUp();
      for (const durationSeconds of [0.05, 45, 4000]) count(taskMetrics, { operation: 'commit', durationSeconds });
      const point = (await readers.pull()).histogram(NAME.duration, { operation: 'commit', status: 'success' });
      assert.deepEqual(point.buckets.boundaries, METRICS.duration.buckets);
      assert.deepEqual(point.buckets.counts, [1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1]);
    });

    it('duration: nonsense is 0, so that every finished run is one sample', async () => {
      const { readers, taskMetrics } = setUp();
      for (const durationSeconds of [-1, Number.NaN, Number.POSITIVE_INFINITY, undefined]) {
        count(taskMetrics, { operation: 'commit', durationSeconds });
      }
      const point = (await readers.pull()).histogram(NAME.duration, { operation: 'commit', status: 'success' });
      assert.deepEqual([point.count, point.sum], [4, 0]);
    });

    it('wait: only where one is known', async () => {
      const { readers, taskMetrics } = setUp();
      for (const waitSeconds of [undefined, 0, 0.02, 3, Number.NaN])
        count(taskMetrics, { operation: 'commit', waitSeconds });
      const point = (await readers.pull()).histogram(NAME.wait, { operation: 'commit' });
      assert.equal(point.count, 3);
      assert.equal(point.sum, 3.02);
      assert.deepEqual(point.buckets.boundaries, METRICS.wait.buckets);
    });

    it('oldest running: the longest open run, 0 when there is none', async () => {
      const { readers, taskMetrics } = setUp();
      const runs = [100, 900, 500].map((age) => run({ operation: 'commit', startTimeMs: Date.now() - age * 1000 }));
      for (const info of runs) taskMetrics.onRunStart(info);
      const age = async (): Promise<number> =>
        Math.round((await readers.pull()).value(NAME.oldestRunning, { operation: 'commit' }) ?? -1);
      assert.equal(await age(), 900);
      taskMetrics.onRunEnd(runs[1] as RunInfo);
      assert.equal(await age(), 500);
      taskMetrics.onRunEnd(runs[2] as RunInfo);
      taskMetrics.onRunEnd(runs[0] as RunInfo);
      assert.equal(await age(), 0);
    });

    it('oldest running: never negative when the clock is set back', async () => {
      const { readers, taskMetrics } = setUp();
      taskMetrics.onRunStart(run({ operation: 'commit', startTimeMs: Date.now() + 60_000 }));
      assert.equal((await readers.pull()).value(NAME.oldestRunning, { operation: 'commit' }), 0);
    });

    it('last success: only for operations that succeeded', async () => {
      const { readers } = setUp();
      const before = Date.now() / 1000;
      startTask('commit').end();
      startTask('merge').end({ error: new Error('conflict') });
      const seen = await readers.pull();
      const time = seen.value(NAME.lastSuccess, { operation: 'commit' }) ?? 0;
      assert.ok(time >= before && time <= Date.now() / 1000);
      assert.equal(seen.points(NAME.lastSuccess).length, 1);
    });

    it('missed: by operation and reason', async () => {
      const { readers } = setUp();
      state.missed.set('nightly', new Map([['missed', 2]]));
      const seen = await readers.pull();
      assert.equal(seen.value(NAME.missed, { operation: 'nightly', reason: 'missed' }), 2);
      assert.equal(seen.value(NAME.missed, { operation: 'nightly', reason: 'overlap' }), 0);
      assert.equal(seen.value(NAME.missed, { operation: 'nightly', reason: 'skipped' }), 0);
    });

    it('dropped: twelve series at 0 before anything is lost, then what was', async () => {
      const { readers } = setUp();
      assert.equal((await readers.pull()).points(NAME.dropped).length, 12);
      assert.equal((await readers.pull()).sum(NAME.dropped), 0);
      recordDropped('logs', 'disk', 3);
      const seen = await readers.pull();
      assert.equal(seen.value(NAME.dropped, { signal: 'logs', reason: 'disk' }), 3);
      assert.equal(seen.sum(NAME.dropped), 3);
    });

    it('logs folder: when somebody has counted', async () => {
      const { readers } = setUp();
      assert.deepEqual((await readers.pull()).points(NAME.logFiles), []);
      state.logsFolder = { files: 3, bytes: 4096 };
      const seen = await readers.pull();
      assert.deepEqual([seen.value(NAME.logFiles, {}), seen.value(NAME.logBytes, {})], [3, 4096]);
    });

    it('delivery: of the signals that are exported, and of no other', async () => {
      const { readers } = setUp();
      assert.deepEqual((await readers.pull()).points(NAME.spoolBytes), []);
      state.delivery.set('spans', { spoolBytes: 4096, spoolOldestMs: Date.now() - 5000, lastSuccessMs: 7500 });
      state.delivery.set('logs', { spoolBytes: 0, spoolOldestMs: undefined, lastSuccessMs: undefined });
      const seen = await readers.pull();
      assert.equal(seen.value(NAME.spoolBytes, { signal: 'spans' }), 4096);
      assert.ok((seen.value(NAME.spoolOldest, { signal: 'spans' }) ?? 0) >= 5);
      assert.equal(seen.value(NAME.lastExport, { signal: 'spans' }), 7.5);
      assert.deepEqual(
        [NAME.spoolBytes, NAME.spoolOldest, NAME.lastExport].map((name) => seen.value(name, { signal: 'logs' })),
        [0, 0, undefined],
      );
      assert.equal(seen.points(NAME.spoolBytes).length, 2);
    });

    it('overflow: 0 while the budget holds', async () => {
      const { readers } = setUp();
      startTask('commit').end();
      assert.equal((await readers.pull()).value(NAME.overflow), 0);
    });
  });

  describe('spans of other libraries', () => {
    const foreign = (setup: Setup, scope = 'other'): ReturnType<BasicTracerProvider['getTracer']> =>
      setup.tracers.getTracer(scope);

    for (const kind of [SpanKind.INTERNAL, SpanKind.CONSUMER]) {
      it(`count when they are ${SpanKind[kind]} and start with an operation`, () => {
        const setup = setUp();
        const span = foreign(setup).startSpan('any', { kind, attributes: { operation: 'mail' } });
        assert.equal(setup.taskMetrics.snapshot().operations['mail']?.running, 1);
        span.end();
        assert.equal(setup.taskMetrics.snapshot().operations['mail']?.total.success, 1);
      });
    }

    for (const kind of [SpanKind.CLIENT, SpanKind.SERVER, SpanKind.PRODUCER]) {
      it(`do not count when they are ${SpanKind[kind]}`, () => {
        const setup = setUp();
        const attributes = { operation: 'mail', 'messaging.operation.type': 'process' };
        foreign(setup).startSpan('any', { kind, attributes }).end();
        assert.deepEqual(setup.taskMetrics.snapshot().operations, {});
      });
    }

    it('do not count when the operation comes later', () => {
      const setup = setUp();
      const span = foreign(setup).startSpan('any');
      span.setAttribute('operation', 'mail').end();
      assert.deepEqual(setup.taskMetrics.snapshot().operations, {});
    });

    it('end where they began when their operation changes', () => {
      const setup = setUp();
      const span = foreign(setup).startSpan('any', { attributes: { operation: 'mail' } });
      span.setAttribute('operation', 'other').end();
      assert.deepEqual(Object.keys(setup.taskMetrics.snapshot().operations), ['mail']);
      assert.equal(setup.taskMetrics.snapshot().operations['mail']?.total.success, 1);
    });

    for (const [what, operation] of [
      ['empty', ''],
      ['a number', 7],
      ['a list', ['a', 'b']],
      ['a flag', false],
    ] as const) {
      it(`count as unknown when the operation is ${what}`, () => {
        const setup = setUp();
        const attributes = { operation: typeof operation === 'object' ? [...operation] : operation };
        foreign(setup).startSpan('any', { attributes }).end();
        assert.equal(setup.taskMetrics.snapshot().operations['unknown']?.started, 1);
      });
    }

    it('have their operation cut at 256 characters', () => {
      const setup = setUp();
      foreign(setup)
        .startSpan('any', { attributes: { operation: 'x'.repeat(10_000) } })
        .end();
      assert.deepEqual(Object.keys(setup.taskMetrics.snapshot().operations), ['x'.repeat(256)]);
    });

    for (const key of ['messaging.operation.type', 'messaging.operation']) {
      it(`count when they process a message (${key}), under its destination or their operation`, () => {
        const setup = setUp();
        const start = (attributes: Record<string, string>): void =>
          foreign(setup).startSpan('process orders', { kind: SpanKind.CONSUMER, attributes }).end();
        start({ [key]: 'process' });
        start({ [key]: 'process', operation: 'bill' });
        start({ [key]: 'receive' });
        assert.deepEqual(Object.keys(setup.taskMetrics.snapshot().operations), ['orders', 'bill']);
      });
    }

    for (const status of TASK_STATUSES) {
      it(`end with the task.status they claim: ${status}`, async () => {
        const setup = setUp();
        foreign(setup)
          .startSpan('any', { attributes: { operation: 'late' } })
          .setAttribute('task.status', status)
          .end();
        foreign(setup)
          .startSpan('any', { attributes: { operation: 'early', 'task.status': status } })
          .end();
        const seen = await setup.readers.pull();
        for (const operation of ['late', 'early']) {
          assert.equal(seen.value(NAME.total, { operation, status }), 1);
          assert.equal(seen.value(NAME.running, { operation }), 0);
        }
        assert.equal(seen.sum(NAME.total), 2);
        assert.equal(seen.sum(NAME.duration), status === 'orphaned' ? 0 : 2);
        assertEquation(seen);
      });
    }

    it('end by their span status when task.status is missing or no status', () => {
      const setup = setUp();
      const start = (): ReturnType<ReturnType<typeof foreign>['startSpan']> =>
        foreign(setup).startSpan('any', { attributes: { operation: 'mail' } });
      start().setStatus({ code: SpanStatusCode.ERROR }).end();
      start().setStatus({ code: SpanStatusCode.OK }).end();
      start().setAttribute('task.status', 'splendid').setStatus({ code: SpanStatusCode.ERROR }).end();
      const { total } = setup.taskMetrics.snapshot().operations['mail'] ?? {};
      assert.deepEqual([total?.failure, total?.success], [2, 1]);
    });

    it('have the duration and end of the span', async () => {
      const setup = setUp();
      const startTime = Date.now() - 20_000;
      foreign(setup)
        .startSpan('any', { startTime, attributes: { operation: 'mail' } })
        .end(startTime + 12_500);
      const seen = await setup.readers.pull();
      assert.equal(seen.histogram(NAME.duration, { operation: 'mail', status: 'success' }).sum, 12.5);
      assert.equal(seen.value(NAME.lastSuccess, { operation: 'mail' }), (startTime + 12_500) / 1000);
    });

    it('do not count when their scope is ignored; runs of the task API always do', () => {
      const setup = setUp({ ignoreScopes: ['noisy', 'taskspan'] });
      foreign(setup, 'noisy')
        .startSpan('any', { attributes: { operation: 'mail' } })
        .end();
      foreign(setup, 'other')
        .startSpan('any', { attributes: { operation: 'other' } })
        .end();
      startTask('commit').end();
      assert.deepEqual(Object.keys(setup.taskMetrics.snapshot().operations), ['other', 'commit']);
    });

    it('are not mixed up with the run in which they start and end', () => {
      const setup = setUp();
      const task = startTask('commit');
      const span = foreign(setup).startSpan('any', { attributes: { operation: 'mail' } });
      task.end();
      assert.equal(setup.taskMetrics.snapshot().operations['mail']?.running, 1);
      span.end();
      assert.equal(setup.taskMetrics.snapshot().operations['mail']?.total.success, 1);
      assert.equal(setup.taskMetrics.snapshot().operations['commit']?.total.success, 1);
    });
  });

  describe('sampling', () => {
    for (const [sampler, arg] of [
      ['always_off', undefined],
      ['traceidratio', '0.01'],
      ['parentbased_traceidratio', '0.01'],
    ] as const) {
      it(`changes no number: ${sampler} ${arg ?? ''}`, async () => {
        process.env['OTEL_TRACES_SAMPLER'] = sampler;
        if (arg !== undefined) process.env['OTEL_TRACES_SAMPLER_ARG'] = arg;
        try {
          const { readers } = setUp();
          for (let i = 0; i < 500; i++) startTask('commit').end(i % 5 === 0 ? { error: 'no' } : {});
          const seen = await readers.pull();
          assert.equal(seen.value(NAME.total, { operation: 'commit', status: 'success' }), 400);
          assert.equal(seen.value(NAME.total, { operation: 'commit', status: 'failure' }), 100);
          assert.equal(seen.sum(NAME.duration), 500);
        } finally {
          delete process.env['OTEL_TRACES_SAMPLER'];
          delete process.env['OTEL_TRACES_SAMPLER_ARG'];
        }
      });
    }

    it('counts runs whose span nobody records, and each run once', () => {
      const taskMetrics = new TaskMetrics();
      state.runObservers.push(taskMetrics);
      try {
        startTask('commit').end();
        assert.equal(taskMetrics.snapshot().operations['commit']?.total.success, 1);
      } finally {
        state.runObservers.splice(state.runObservers.indexOf(taskMetrics), 1);
      }
      const info = run({ operation: 'twice', status: 'success', durationSeconds: 1 });
      for (let i = 0; i < 2; i++) taskMetrics.onRunStart(info);
      assert.equal(taskMetrics.snapshot().operations['twice']?.running, 1);
      for (let i = 0; i < 2; i++) taskMetrics.onRunEnd(info);
      assert.equal(taskMetrics.snapshot().operations['twice']?.started, 1);
    });
  });

  describe('the equation', () => {
    it('holds at every scrape of every reader, whatever happens in between', async () => {
      const step = fc.record({ what: fc.integer({ min: 0, max: 9 }), operation: fc.constantFrom('a', 'b', 'c') });
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
          const { readers, taskMetrics } = setUp();
          const running: RunInfo[] = [];
          for (const { what, operation } of steps) {
            if (what < 4) {
              const info = run({ operation, status: TASK_STATUSES[what] ?? 'success', durationSeconds: what });
              running.push(info);
              taskMetrics.onRunStart(info);
            } else if (what < 7) {
              const info = running.splice(what % (running.length || 1), 1)[0];
              if (info !== undefined) taskMetrics.onRunEnd(info);
            } else if (what === 7) {
              count(taskMetrics, { operation, orphan: true, status: 'orphaned' });
            } else {
              // Two collections at once, with a run that starts between them.
              const first = readers.pull();
              const late = run({ operation });
              taskMetrics.onRunStart(late);
              running.push(late);
              for (const seen of await Promise.all([first, readers.pushed()])) assertEquation(seen);
            }
          }
          const seen = await readers.pull();
          assertEquation(seen);
          assert.equal(seen.sum(NAME.running), running.length);
          await readers.close();
          open.splice(open.indexOf(readers), 1);
        }),
        { numRuns: 30 },
      );
    });

    it('adds up in the deltas', async () => {
      const { readers, taskMetrics } = setUp();
      const longRun = run({ operation: 'commit', status: 'success', durationSeconds: 1 });
      taskMetrics.onRunStart(longRun);
      await readers.pull();
      await readers.deltas();
      for (let i = 0; i < 5; i++) count(taskMetrics, { operation: 'commit' });
      await readers.pull();
      taskMetrics.onRunEnd(longRun);
      const deltas = await readers.deltas();
      const sumOf = (name: string): number => deltas.reduce((sum, seen) => sum + seen.sum(name), 0);
      assert.equal(deltas.length, 2);
      assert.equal(sumOf(NAME.running), 0);
      assert.equal(sumOf(NAME.started), 6);
      assert.equal(sumOf(NAME.total), 6);
      assert.equal(sumOf(NAME.duration), 6);
    });
  });

  describe('the operation budget', () => {
    it('holds 512 operations in six statuses, and loses nothing in any reader', async () => {
      const { readers, taskMetrics } = setUp();
      for (let i = 0; i < 512; i++) {
        for (const status of TASK_STATUSES)
          count(taskMetrics, { operation: `op-${i}`, status, orphan: status === 'orphaned' });
      }
      const [delta] = await readers.deltas();
      for (const seen of [await readers.pull(), await readers.pushed(), delta as Collected]) {
        assert.equal(seen.points(NAME.total).length, 3072);
        assert.equal(seen.sum(NAME.total), 3072);
        assert.equal(seen.sum(NAME.started), 2560);
        assert.equal(seen.sum(NAME.duration), 2560);
        for (const name of Object.values(NAME)) {
          for (const { attributes } of seen.points(name)) assert.ok(!('otel.metric.overflow' in attributes));
        }
      }
    }).timeout(20_000);

    it('counts what goes beyond under _other, and says how much', async () => {
      const { readers, taskMetrics, tracers } = setUp({ operationBudget: 3 });
      for (const operation of ['a', 'b', 'c', 'd', 'e', 'a']) count(taskMetrics, { operation });
      count(taskMetrics, { operation: 'lost', orphan: true, status: 'orphaned' });
      tracers
        .getTracer('other')
        .startSpan('any', { attributes: { operation: 'f' } })
        .end();
      const seen = await readers.pull();
      assert.equal(seen.value(NAME.total, { operation: '_other', status: 'success' }), 3);
      assert.equal(seen.value(NAME.total, { operation: '_other', status: 'orphaned' }), 1);
      assert.equal(seen.value(NAME.overflow), 4);
      assert.equal(seen.value(NAME.total, { operation: 'a', status: 'success' }), 2);
      assertEquation(seen);
    });

    it('gives unknown a place and _other none', () => {
      const { taskMetrics } = setUp({ operationBudget: 2 });
      for (const operation of ['_other', 'unknown', 'a', 'b']) count(taskMetrics, { operation });
      assert.deepEqual(Object.keys(taskMetrics.snapshot().operations), ['_other', 'unknown', 'a']);
      assert.equal(taskMetrics.snapshot().overflow, 2);
    });

    it('holds for missed runs too, summed under _other', async () => {
      const { readers, taskMetrics } = setUp({ operationBudget: 2 });
      count(taskMetrics, { operation: 'a' });
      for (const operation of ['x', 'y', 'z']) state.missed.set(operation, new Map([['skipped', 2]]));
      for (const seen of [await readers.pull(), await readers.pushed()]) {
        assert.equal(seen.value(NAME.missed, { operation: 'x', reason: 'skipped' }), 2);
        assert.equal(seen.value(NAME.missed, { operation: '_other', reason: 'skipped' }), 4);
      }
    });

    it('falls back to 512 when it is nonsense', () => {
      const { taskMetrics } = setUp({ operationBudget: Number.NaN });
      for (let i = 0; i < 513; i++) count(taskMetrics, { operation: `op-${i}` });
      assert.equal(taskMetrics.snapshot().overflow, 1);
    });
  });

  describe('binding', () => {
    it('shows what was counted before it, samples included', async () => {
      const { readers, taskMetrics } = setUp({ bound: false });
      count(taskMetrics, { operation: 'commit', durationSeconds: 2, waitSeconds: 1 });
      taskMetrics.bind(readers.provider);
      const seen = await readers.pull();
      assert.equal(seen.value(NAME.started, { operation: 'commit' }), 1);
      assert.equal(seen.histogram(NAME.duration, { operation: 'commit', status: 'success' }).sum, 2);
      assert.equal(seen.histogram(NAME.wait, { operation: 'commit' }).sum, 1);
    });

    it('keeps count, sum, extremes and buckets of any number of samples that waited', async () => {
      let backlogs = 0;
      const { readers, taskMetrics } = setUp({ bound: false, onBacklog: () => backlogs++ });
      const samples = Array.from({ length: 3 * QUEUE_LIMIT + 17 }, (_, i) => (i % 4999) / 7);
      for (const durationSeconds of samples) count(taskMetrics, { operation: 'commit', durationSeconds });
      assert.equal(backlogs, 1);
      taskMetrics.bind(readers.provider);
      const late = setUp();
      for (const durationSeconds of samples) count(late.taskMetrics, { operation: 'commit', durationSeconds });
      const labels = { operation: 'commit', status: 'success' };
      const [seen, expected] = await Promise.all([readers.pull(), late.readers.pull()]);
      const [a, b] = [seen.histogram(NAME.duration, labels), expected.histogram(NAME.duration, labels)];
      assert.deepEqual(a.buckets.counts, b.buckets.counts);
      assert.deepEqual([a.count, a.min, a.max], [b.count, b.min, b.max]);
      assert.ok(Math.abs((a.sum ?? 0) - (b.sum ?? 0)) < 1e-3);
      assertEquation(seen);
    });

    it('survives an onBacklog that throws', () => {
      const { taskMetrics } = setUp({
        bound: false,
        onBacklog: () => {
          throw new Error('cannot load');
        },
      });
      for (let i = 0; i <= QUEUE_LIMIT; i++) count(taskMetrics, { operation: 'commit' });
      assert.equal(taskMetrics.snapshot().operations['commit']?.started, QUEUE_LIMIT + 1);
    });

    it('records at once when 50 000 samples wait, and after a second otherwise', async () => {
      const { taskMetrics, readers } = setUp();
      for (let i = 0; i < QUEUE_LIMIT + 5; i++) count(taskMetrics, { operation: 'commit' });
      await taskMetrics.forceFlush();
      await taskMetrics.shutdown();
      assert.equal((await readers.pull()).sum(NAME.duration), QUEUE_LIMIT + 5);
    });

    it('takes one provider, and says so when it is given another', () => {
      const { taskMetrics, readers } = setUp();
      const second = new ThreeReaders();
      open.push(second);
      assert.equal(taskMetrics.bind(readers.provider), true);
      assert.equal(taskMetrics.bind(second.provider), false);
      assert.ok(state.reported.has('metrics.bind'));
    });

    it('refuses a provider that does nothing, and keeps what waits', async () => {
      const { taskMetrics, readers } = setUp({ bound: false });
      assert.equal(taskMetrics.bind({ getMeter: () => createNoopMeter() }), false);
      count(taskMetrics, { operation: 'commit' });
      assert.equal(taskMetrics.bind(readers.provider), true);
      assert.equal((await readers.pull()).sum(NAME.duration), 1);
    });

    it('waits for the global provider when asked to', async () => {
      const { taskMetrics, readers, tracers } = setUp({ bound: false });
      taskMetrics.bindWhenReady();
      count(taskMetrics, { operation: 'before' });
      try {
        metrics.setGlobalMeterProvider(readers.provider);
        tracers
          .getTracer('other')
          .startSpan('any', { attributes: { operation: 'after' } })
          .end();
        const seen = await readers.pull();
        assert.equal(seen.value(NAME.started, { operation: 'before' }), 1);
        assert.equal(seen.value(NAME.started, { operation: 'after' }), 1);
        assert.equal(seen.sum(NAME.duration), 2);
        taskMetrics.bindWhenReady();
      } finally {
        metrics.disable();
      }
    });

    it('gives the buckets to an SDK without our Views', async () => {
      const taskMetrics = new TaskMetrics();
      const readers = new ThreeReaders();
      open.push(readers);
      taskMetrics.bind(readers.provider);
      count(taskMetrics, { operation: 'commit' });
      const point = (await readers.pull()).histogram(NAME.duration, { operation: 'commit', status: 'success' });
      assert.deepEqual(point.buckets.boundaries, METRICS.duration.buckets);
    });

    it('uses the namespace for async metrics alone', async () => {
      const { readers } = setUp({ namespace: 'lakefs' });
      startTask('commit').end();
      const names = [...(await readers.pull()).metrics.keys()];
      assert.ok(names.includes('lakefs_async_operations_total'));
      assert.ok(names.every((name) => name.startsWith('lakefs_async_') || name.startsWith('taskspan_')));
    });

    it('counts a sample as dropped when a histogram throws', async () => {
      const taskMetrics = new TaskMetrics();
      const meter = createNoopMeter();
      const throwing = Object.create(meter);
      throwing.createHistogram = () => ({
        record() {
          throw new Error('full');
        },
      });
      assert.equal(taskMetrics.bind({ getMeter: () => throwing }), true);
      count(taskMetrics, { operation: 'commit' });
      await taskMetrics.forceFlush();
      assert.equal(state.dropped.get('metrics')?.get('refused'), 1);
    });
  });

  it('records samples within a second or so without being asked', async () => {
    const taskMetrics = new TaskMetrics();
    // The timer under test is unref'd; this one keeps the test going until the sample arrives.
    const keepAlive = setInterval(() => undefined, 1000);
    const value = await new Promise<number>((resolve) => {
      const meter = Object.create(createNoopMeter());
      meter.createHistogram = () => ({ record: resolve });
      taskMetrics.bind({ getMeter: () => meter });
      count(taskMetrics, { operation: 'commit', durationSeconds: 5 });
    });
    clearInterval(keepAlive);
    assert.equal(value, 5);
  });
});
