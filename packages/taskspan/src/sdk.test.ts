import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after, before, describe, it } from 'mocha';
import { AppFolder, endings, readJobLogs } from './app-folder.test.fixture.ts';
import { install } from './fake-libraries.test.fixture.ts';

/** What NodeSDK does with its configuration, with the providers that it is made of. */
const SDK = `
import { SpanStatusCode, metrics, trace } from '@opentelemetry/api';
import { logs } from '@opentelemetry/api-logs';
import { LoggerProvider } from '@opentelemetry/sdk-logs';
import { AggregationTemporality, InMemoryMetricExporter, MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { AlwaysOffSampler, AlwaysOnSampler, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import { runTask, startTask } from 'taskspan';
import { taskProcessors, taskSampler, taskViews } from 'taskspan/sdk';
const exporter = new InMemorySpanExporter();
const { spanProcessors, logRecordProcessors } = taskProcessors({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
const sampler = taskSampler(process.env.SAMPLE === 'off' ? new AlwaysOffSampler() : new AlwaysOnSampler());
new NodeTracerProvider({ spanProcessors, sampler }).register();
logs.setGlobalLoggerProvider(new LoggerProvider({ processors: logRecordProcessors }));
const memory = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
const reader = new PeriodicExportingMetricReader({ exporter: memory, exportIntervalMillis: 1e6 });
metrics.setGlobalMeterProvider(new MeterProvider({ views: taskViews(), readers: [reader] }));

await runTask('job', async (task) => {
  task.log('info', 'by the task');
  logs.getLogger('app').emit({ body: 'by the app' });
  trace.getTracer('app').startActiveSpan('below', (span) => span.end());
}, { id: 'run' });
await runTask('job', async () => { throw new TypeError('no'); }, { id: 'bad' }).catch(() => {});
startTask('open', { id: 'open' });
await reader.forceFlush();
const points = memory.getMetrics().at(-1).scopeMetrics.flatMap((scope) => scope.metrics).flatMap((metric) =>
  metric.dataPoints.map(({ attributes, value }) => [metric.descriptor.name, attributes.operation, attributes.status, value.count ?? value].join(' ')));
console.log(JSON.stringify({ spans: exporter.getFinishedSpans().map((span) => span.name), points }));
`;

interface Seen {
  readonly spans: string[];
  readonly points: string[];
}

describe('taskspan/sdk', () => {
  let app: AppFolder;
  before(() => {
    app = new AppFolder();
  });
  after(() => app.remove());

  for (const sample of ['on', 'off'] as const) {
    it(`plugs spans, metrics and files into the providers of the app, sampling ${sample}`, async () => {
      const data = app.ownData();
      const ended = await app.run(SDK, { nodeArgs: [], env: { ...data, SAMPLE: sample } });
      assert.deepEqual([ended.code, ended.stderr], [0, '']);
      const { spans, points } = JSON.parse(ended.stdout) as Seen;
      assert.deepEqual(spans, sample === 'on' ? ['below', 'job', 'job'] : []);
      for (const point of [
        'async_operations_total job success 1',
        'async_operations_total job failure 1',
        'async_operation_duration_seconds job failure 1',
        'async_operations_running open  1',
      ]) {
        assert.ok(points.includes(point), `${point} is not among\n${points.join('\n')}`);
      }
      assert.deepEqual(endings(data.TASKSPAN_DIR), {
        run: 'success',
        bad: 'failure TypeError',
        open: 'cancelled process_exit',
      });
      const log = readJobLogs(data.TASKSPAN_DIR).get('run');
      assert.deepEqual(log?.records.map((record) => record.eventName || record.body).sort(), [
        'by the app',
        'by the task',
        'task.ended',
        'task.started',
      ]);
      for (const record of log?.records ?? []) assert.equal(record.attributes['task.id'], 'run');
      assert.deepEqual(
        log?.spans.map(({ name }) => name),
        sample === 'on' ? ['below', 'job'] : [],
      );
    });
  }

  it('hands the processors of the app on, and does no more, when OTEL_SDK_DISABLED is true', async () => {
    const data = app.ownData();
    const source = `import { taskProcessors } from 'taskspan/sdk';
      const mine = { onStart() {}, onEnd() {} };
      const { spanProcessors, logRecordProcessors } = taskProcessors({ spanProcessors: [mine] });
      console.log(spanProcessors.length, spanProcessors[0] === mine, logRecordProcessors.length);`;
    const ended = await app.run(source, { nodeArgs: [], env: { ...data, OTEL_SDK_DISABLED: 'true' } });
    assert.deepEqual([ended.stdout, ended.stderr, ended.code], ['1 true 0\n', '', 0]);
    assert.equal(existsSync(data.TASKSPAN_DIR), false);
  });

  it('writes no files when they are off', async () => {
    const data = app.ownData();
    const ended = await app.run(SDK, { nodeArgs: [], env: { ...data, TASKSPAN_FILES: 'off' } });
    assert.deepEqual([ended.code, ended.stderr], [0, '']);
    assert.ok((JSON.parse(ended.stdout) as Seen).points.includes('async_operations_total job success 1'));
    assert.equal(existsSync(data.TASKSPAN_DIR), false);
  });

  it('leaves the hooks of imports to the application, whose instrumentations see ES modules with them', async () => {
    for (const name of ['p-queue', 'node-schedule']) install(app, name);
    for (const name of ['@taskspan/instrumentations', '@opentelemetry/instrumentation']) app.link(name);
    app.write(
      'instrumentation.mjs',
      `import { register } from 'node:module';
       import { registerInstrumentations } from '@opentelemetry/instrumentation';
       import { NodeScheduleInstrumentation, PQueueInstrumentation } from '@taskspan/instrumentations';
       import { InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
       import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
       if (process.env.HOOKS) register('@opentelemetry/instrumentation/hook.mjs', import.meta.url);
       globalThis.exporter = new InMemorySpanExporter();
       new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).register();
       registerInstrumentations({ instrumentations: [new NodeScheduleInstrumentation(), new PQueueInstrumentation()] });`,
    );
    const source = `import PQueue from 'p-queue'; import { Job } from 'node-schedule';
      await new PQueue().add(async function queueJob() {});
      await new Job('schedule-job', async () => {}).invoke(new Date());
      console.log(exporter.getFinishedSpans().map(({ name }) => name).join());`;
    const seen = async (env: Record<string, string>): Promise<string> =>
      (await app.run(source, { nodeArgs: ['--import', './instrumentation.mjs'], env })).stdout;
    assert.equal(await seen({ HOOKS: 'yes' }), 'queueJob,schedule-job\n');
    assert.equal(await seen({}), '\n');
  });
});
