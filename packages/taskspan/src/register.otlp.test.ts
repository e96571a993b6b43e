/** With a collector, and with samplers. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'mocha';
import { AppFolder, endings, readJobLogs, series } from './app-folder.test.fixture.ts';
import { Collector, type SentMetric } from './collector.test.fixture.ts';

const RUNS = 200;

/** Runs with a child span each; the end flushes what is not pushed yet. */
const SOURCE = `import { trace } from '@opentelemetry/api';
import { runTask, start } from 'taskspan';
import { own } from './own.mjs';
const tracer = trace.getTracer('app');
for (let at = 0; at < ${RUNS}; at++) {
  await runTask('job', async (task) => {
    tracer.startActiveSpan('below', (span) => span.end());
    task.log('info', 'line');
    if (at % 4 === 0) throw new TypeError('no');
  }, { id: 'run-' + at }).catch(() => {});
}
const entry = await own();
if (entry.metrics_url) console.log(await (await fetch(entry.metrics_url)).text());
else await start().forceFlush();
`;

describe('taskspan/register', () => {
  let app: AppFolder;
  before(() => {
    app = new AppFolder();
  });
  after(() => app.remove());

  function value(metrics: readonly SentMetric[], name: string, status: string): number | undefined {
    const metric = metrics.find((one) => one.name === name);
    return metric?.points.find(({ labels }) => labels['operation'] === 'job' && labels['status'] === status)?.value;
  }

  it('sends the metrics of a process that ends at once', async () => {
    const own = new Collector();
    const endpoint = await own.start();
    try {
      const source = "import { runTask } from 'taskspan'; await runTask('job', async () => 1);";
      const ended = await app.run(source, { env: { ...app.ownData(), OTEL_EXPORTER_OTLP_ENDPOINT: endpoint } });
      assert.deepEqual([ended.code, ended.stderr], [0, '']);
      assert.equal(value(own.metrics(), 'async_operations_total', 'success'), 1);
    } finally {
      own.stop();
    }
  });

  for (const [how, end] of [
    ['process.exit at once', 'process.exit(0);'],
    ['process.exit after a push', 'await start().forceFlush(); runTask("job", () => 1); process.exit(0);'],
    ['an uncaught error', 'setImmediate(() => { throw new Error("over"); });'],
    ['a shutdown in the same turn', 'await start().shutdown();'],
  ] as const) {
    it(`sends the last totals at ${how}, and once`, async () => {
      const own = new Collector();
      const endpoint = await own.start();
      try {
        const source = `import { runTask, start } from 'taskspan';
          for (let at = 0; at < 9; at++) runTask('job', () => 1);
          ${end}`;
        const runs = how.includes('after') ? 10 : 9;
        await app.run(source, { env: { ...app.ownData(), OTEL_EXPORTER_OTLP_ENDPOINT: endpoint } });
        assert.equal(value(own.metrics(), 'async_operations_total', 'success'), runs);
        assert.equal(value(own.metrics(), 'async_operation_duration_seconds', 'success'), runs);
      } finally {
        own.stop();
      }
    });
  }

  it('asks nobody at its end when all was said', async () => {
    const own = new Collector();
    const endpoint = await own.start();
    try {
      const source = `import { runTask, start } from 'taskspan';
        runTask('job', () => 1);
        await start().forceFlush();
        process.exit(0);`;
      await app.run(source, { env: { ...app.ownData(), OTEL_EXPORTER_OTLP_ENDPOINT: endpoint } });
      assert.equal(own.requests('/v1/metrics'), 1);
    } finally {
      own.stop();
    }
  });

  it('does not hold up the end of a process whose collector is not there', async () => {
    const source =
      "import { runTask } from 'taskspan'; await runTask('job', () => new Promise((done) => setTimeout(done, 300)));";
    // A port that was free a moment ago.
    const gone = new Collector();
    const endpoint = await gone.start();
    gone.stop();
    const ended = await app.run(source, { env: { ...app.ownData(), OTEL_EXPORTER_OTLP_ENDPOINT: endpoint } });
    assert.equal(ended.code, 0);
    assert.doesNotMatch(ended.stderr, /timed out/);
    assert.ok(ended.milliseconds < 5000, `${ended.milliseconds} ms`);
  });

  for (const exporters of [undefined, 'prometheus,otlp']) {
    it(`sends all three signals to a collector, ${exporters === undefined ? 'and serves no /metrics' : 'and serves /metrics when asked'}`, async () => {
      const own = new Collector();
      const endpoint = await own.start();
      try {
        const data = app.ownData();
        const env = { ...data, OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_METRICS_EXPORTER: exporters };
        const ended = await app.run(SOURCE, { env });
        assert.deepEqual([ended.code, ended.signal], [0, null]);
        assert.equal(ended.stderr, '');
        assert.equal(own.spans().filter((name) => name === 'job').length, RUNS);
        assert.equal(own.spans().filter((name) => name === 'below').length, RUNS);
        const records = own.records();
        assert.equal(records.filter((record) => record.includes('"task.started"')).length, RUNS);
        assert.equal(records.filter((record) => record.includes('"task.ended"')).length, RUNS);
        assert.equal(records.filter((record) => record.includes('"line"')).length, RUNS);
        assert.equal(value(own.metrics(), 'async_operations_total', 'success'), RUNS * 0.75);
        assert.equal(value(own.metrics(), 'async_operations_total', 'failure'), RUNS / 4);
        assert.equal(value(own.metrics(), 'async_operation_duration_seconds', 'failure'), RUNS / 4);
        const served = series(ended.stdout, 'async_operations_total', { operation: 'job', status: 'success' });
        assert.equal(served, exporters === undefined ? undefined : RUNS * 0.75);
        assert.equal(Object.keys(endings(data.TASKSPAN_DIR)).length, RUNS, 'the files are there as well');
      } finally {
        own.stop();
      }
    });
  }

  for (const [sampler, argument, most] of [
    ['always_off', undefined, 0],
    ['traceidratio', '0.01', RUNS / 8],
    ['parentbased_always_on', undefined, RUNS],
  ] as const) {
    it(`counts and logs every run under ${sampler} ${argument ?? ''}, and keeps the sampled spans alone`, async () => {
      const data = app.ownData();
      const collector = new Collector();
      const env = {
        ...data,
        OTEL_TRACES_SAMPLER: sampler,
        OTEL_TRACES_SAMPLER_ARG: argument,
        OTEL_EXPORTER_OTLP_ENDPOINT: await collector.start(),
        OTEL_METRICS_EXPORTER: 'prometheus,otlp',
      };
      const ended = await app.run(SOURCE, { env }).finally(() => collector.stop());
      assert.deepEqual([ended.code, ended.stderr], [0, '']);
      const total = (status: string): number | undefined =>
        series(ended.stdout, 'async_operations_total', { operation: 'job', status });
      assert.deepEqual([total('success'), total('failure')], [RUNS * 0.75, RUNS / 4]);
      const labels = { operation: 'job', status: 'failure' };
      assert.equal(series(ended.stdout, 'async_operation_duration_seconds_count', labels), RUNS / 4);
      const ends = Object.values(endings(data.TASKSPAN_DIR));
      assert.deepEqual(
        [ends.filter((end) => end === 'success').length, ends.filter((end) => end === 'failure TypeError').length],
        [RUNS * 0.75, RUNS / 4],
      );
      const logs = [...readJobLogs(data.TASKSPAN_DIR).values()];
      const lines = logs.flatMap(({ records }) => records.filter((record) => record.body === 'line'));
      assert.equal(lines.length, RUNS);
      const spans = logs.flatMap((log) => log.spans);
      const roots = spans.filter(({ name }) => name === 'job').length;
      assert.equal(spans.filter(({ name }) => name === 'below').length, roots, 'a trace is kept whole');
      const sent = (name: string): number => collector.spans().filter((span) => span === name).length;
      assert.deepEqual([sent('job'), sent('below')], [roots, roots], 'exactly those are exported');
      assert.equal(collector.records().filter((record) => record.includes('"task.ended"')).length, RUNS);
      assert.equal(value(collector.metrics(), 'async_operations_total', 'success'), RUNS * 0.75);
      assert.ok(most === RUNS ? roots === RUNS : roots <= most, `${roots} of ${RUNS} spans`);
    });
  }
});
