import assert from 'node:assert/strict';
import { after, before, describe, it } from 'mocha';
import { AppFolder, endings, readJobLogs, series } from './app-folder.test.fixture.ts';

describe('start()', () => {
  let app: AppFolder;
  before(() => {
    app = new AppFolder();
  });
  after(() => app.remove());

  for (const [system, load] of [
    ['an ES module', `import { runTask, start } from 'taskspan';`],
    ['a CommonJS module', `const { runTask, start } = require('taskspan');`],
  ] as const) {
    it(`in ${system} sees tasks until shutdown(), and can be called again then`, async () => {
      const data = app.ownData();
      const source = `${load}
        async function main() {
          const first = start({ serviceName: 'mailer', namespace: 'lakefs', prometheusPort: 0 });
          await runTask('job', async () => {}, { id: 'first' });
          const url = await first.metricsUrl;
          console.log(await (await fetch(url)).text());
          await first.shutdown();
          await first.shutdown();
          const closed = await fetch(url).then(() => 'open', () => 'closed');
          await runTask('job', async () => {}, { id: 'between' });
          const second = start();
          await runTask('job', async () => {}, { id: 'second' });
          await second.forceFlush();
          await second.shutdown();
          console.log(closed, first === second);
        }
        main();`;
      const ended = await app.run(source, { nodeArgs: [], env: data });
      assert.deepEqual([ended.code, ended.stderr], [0, '']);
      assert.equal(series(ended.stdout, 'lakefs_async_operations_total', { operation: 'job', status: 'success' }), 1);
      assert.match(ended.stdout, /closed false\n$/);
      assert.deepEqual(endings(data.TASKSPAN_DIR), { first: 'success', second: 'success' });
      const resource = readJobLogs(data.TASKSPAN_DIR).get('first')?.records[0]?.resource.attributes;
      assert.equal(resource?.['service.name'], 'mailer');
    });
  }

  it('goes before the environment, which goes before the defaults', async () => {
    const data = app.ownData();
    const source = `import { start } from 'taskspan';
      const taskspan = start({ files: false, prometheusPort: 0, metricsExporter: ['none'] });
      console.log(taskspan.logsFolder, await taskspan.metricsUrl);`;
    const ended = await app.run(source, { nodeArgs: [], env: { ...data, TASKSPAN_FILES: 'on' } });
    assert.deepEqual([ended.stdout, ended.stderr], ['undefined undefined\n', '']);
  });

  it('under the hook is the one that runs, and its URL can be waited for by an app with nothing else to do', async () => {
    const source = `import { start } from 'taskspan';
      console.log((await fetch(await start({ quiet: true }).metricsUrl)).status);`;
    const ended = await app.run(source, { env: app.ownData() });
    assert.deepEqual([ended.code, ended.stdout], [0, '200\n']);
  });

  it('says each setting that it does not understand once, and takes the default', async () => {
    const source = `import { runTask, start } from 'taskspan';
      start(); console.log(runTask('job', () => 7));`;
    const env = { ...app.ownData(), OTEL_TRACES_SAMPLER: 'sometimes', TASKSPAN_RUN_FILES_PER_HOUR: 'many' };
    const ended = await app.run(source, { nodeArgs: [], env });
    assert.equal(ended.stdout, '7\n');
    const said = ended.stderr.trim().split('\n').sort();
    assert.equal(said.length, 2, ended.stderr);
    assert.match(
      said[0] ?? '',
      /^taskspan: OTEL_TRACES_SAMPLER: "sometimes" is not understood; using parentbased_always_on$/,
    );
    assert.match(said[1] ?? '', /^taskspan: TASKSPAN_RUN_FILES_PER_HOUR: "many" is not understood; using 10000$/);
  });

  it('takes span processors, metric readers and Views of the app; its View of ours counts nothing twice', async () => {
    const source = `import { AggregationTemporality, AggregationType, InMemoryMetricExporter, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
      import { runTask, start } from 'taskspan';
      const names = [];
      const memory = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
      const reader = new PeriodicExportingMetricReader({ exporter: memory, exportIntervalMillis: 1e6 });
      const taskspan = start({
        spanProcessors: [{ onStart() {}, onEnd(span) { names.push(span.name); }, async forceFlush() {}, async shutdown() {} }],
        metricReaders: [reader],
        views: [{ instrumentName: 'async_operation_duration_seconds',
          aggregation: { type: AggregationType.EXPLICIT_BUCKET_HISTOGRAM, options: { boundaries: [1, 2] } } }],
      });
      await runTask('job', async () => {}, { id: 'run' });
      const url = await taskspan.metricsUrl;
      const text = await (await fetch(url)).text();
      await reader.forceFlush();
      const durations = memory.getMetrics().at(-1).scopeMetrics.flatMap((scope) => scope.metrics)
        .filter((metric) => metric.descriptor.name === 'async_operation_duration_seconds');
      console.log(JSON.stringify({ names, text, durations: durations.map((one) => one.dataPoints.map((point) =>
        [point.value.buckets.boundaries, point.value.count])) }));
      await taskspan.shutdown();`;
    const ended = await app.run(source, { nodeArgs: [], env: app.ownData() });
    assert.deepEqual([ended.code, ended.stderr], [0, '']);
    const { names, text, durations } = JSON.parse(ended.stdout) as {
      names: string[];
      text: string;
      durations: unknown;
    };
    assert.deepEqual(names, ['job']);
    assert.deepEqual(durations, [[[[1, 2], 1]]]);
    const labels = { operation: 'job', status: 'success' };
    assert.equal(series(text, 'async_operation_duration_seconds_count', labels), 1);
    assert.equal(text.match(/async_operation_duration_seconds_bucket\{/g)?.length, 3, 'its three buckets, no other');
  });
});
