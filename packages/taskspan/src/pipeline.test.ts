import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AlwaysOnSampler, type ReadableSpan, type SpanProcessor } from '@opentelemetry/sdk-trace-base';
import { readDeliveryConfig } from '@taskspan/delivery/config';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { readJobLogs, series } from './app-folder.test.fixture.ts';
import { Collector } from './collector.test.fixture.ts';
import { Pipeline, type PipelineOptions } from './pipeline.ts';

const OF_RUN = { 'task.id': 'run', 'task.file': '2026-03-04/run' };

describe('Pipeline', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'taskspan-pipeline-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  function pipelineOf(changes: Partial<PipelineOptions> = {}): Pipeline {
    return new Pipeline({
      attributes: { 'service.name': 'shop', 'service.instance.id': 'instance-1' },
      instanceId: 'instance-1',
      logsFolder: join(folder, 'logs'),
      runFilesPerHour: 10,
      namespace: undefined,
      ignoreScopes: [],
      delivery: readDeliveryConfig({ OTEL_METRICS_EXPORTER: 'prometheus' }),
      spool: undefined,
      redact: undefined,
      sampler: () => new AlwaysOnSampler(),
      views: [],
      spanProcessors: [],
      metricReaders: [],
      ...changes,
    });
  }

  it('counts a span with an operation, whoever started it, also before metrics are loaded', async () => {
    const pipeline = pipelineOf();
    const span = pipeline.tracerProvider.getTracer('by hand').startSpan('job', { attributes: { operation: 'job' } });
    span.end();
    const { text } = await collect(pipeline);
    assert.equal(series(text, 'async_operations_total', { operation: 'job', status: 'success' }), 1);
    assert.equal(series(text, 'async_operations_running', { operation: 'job' }), 0);
    await pipeline.shutdown();
  });

  it('names files for a collector as it does for itself, within the budget of the hour', async () => {
    const started = Date.UTC(2026, 2, 4, 15, 30);
    const names = (changes: Partial<PipelineOptions>): (string | undefined)[] => {
      const { fileNamer } = pipelineOf({ runFilesPerHour: 1, ...changes });
      return ['run-1', 'run-2'].map((id) => fileNamer?.(id, started));
    };
    const own = names({});
    assert.equal(own[0], '2026-03-04/run-1');
    assert.match(own[1] ?? '', /^2026-03-04\/_15\.[0-9a-f]{8}$/);
    const delivery = readDeliveryConfig({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' });
    assert.deepEqual(names({ logsFolder: undefined, delivery }), own);
    assert.deepEqual(names({ logsFolder: undefined }), [undefined, undefined], 'nobody writes any');
  });

  it('writes spans and lines of a run into its file, flushed at once or in an exit handler', async () => {
    const pipeline = pipelineOf();
    const tracer = pipeline.tracerProvider.getTracer('app');
    tracer.startSpan('one', { attributes: OF_RUN }).end();
    pipeline.loggerProvider.getLogger('app').emit({ body: 'line', attributes: OF_RUN });
    await pipeline.forceFlush();
    const run = readJobLogs(folder).get('run');
    assert.deepEqual([run?.spans.length, run?.records.length], [1, 1]);
    assert.equal(run?.spans[0]?.resource.attributes['service.name'], 'shop');
    tracer.startSpan('two', { attributes: OF_RUN }).end();
    pipeline.flushSync();
    assert.deepEqual(
      readJobLogs(folder)
        .get('run')
        ?.spans.map(({ name }) => name),
      ['one', 'two'],
    );
    await pipeline.shutdown();
  });

  it('sends all signals where they are to go, and writes no files without a folder', async () => {
    const collector = new Collector();
    const endpoint = await collector.start();
    try {
      const delivery = readDeliveryConfig({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint });
      const pipeline = pipelineOf({ logsFolder: undefined, delivery });
      pipeline.warmUp(0);
      pipeline.tracerProvider
        .getTracer('app')
        .startSpan('job', { attributes: { operation: 'job' } })
        .end();
      pipeline.loggerProvider.getLogger('app').emit({ body: 'line' });
      pipeline.meterProvider.getMeter('app').createCounter('of_the_app').add(1);
      await pipeline.forceFlush(5000);
      assert.deepEqual(collector.spans(), ['job']);
      assert.equal(collector.records().length, 1);
      const names = collector.metrics().map(({ name }) => name);
      assert.ok(names.includes('async_operations_total') && names.includes('of_the_app'), names.join());
      await pipeline.shutdown();
      assert.equal(readJobLogs(folder).size, 0);
    } finally {
      collector.stop();
    }
  });

  it('goes on when a processor of the app throws or rejects', async () => {
    const ended: string[] = [];
    const broken: SpanProcessor = {
      onStart() {},
      onEnd(span: ReadableSpan) {
        ended.push(span.name);
      },
      forceFlush: () => Promise.reject(new Error('cannot flush')),
      shutdown: () => Promise.reject(new Error('cannot stop')),
    };
    const pipeline = pipelineOf({ spanProcessors: [broken] });
    pipeline.tracerProvider.getTracer('app').startSpan('one', { attributes: OF_RUN }).end();
    await pipeline.forceFlush();
    await pipeline.shutdown();
    assert.deepEqual(ended, ['one']);
    assert.equal(readJobLogs(folder).get('run')?.spans.length, 1);
  });

  it('refuses a scrape where metrics are not served', async () => {
    const pipeline = pipelineOf({ delivery: readDeliveryConfig({ OTEL_METRICS_EXPORTER: 'none' }) });
    await assert.rejects(pipeline.scrapeSource(), /metrics are not served/);
    await pipeline.shutdown();
  });
});

/** The text that `/metrics` would have. */
async function collect(pipeline: Pipeline): Promise<{ text: string }> {
  const { MetricsServer } = await import('@taskspan/metrics');
  const server = new MetricsServer(() => pipeline.scrapeSource());
  const url = await server.start({ port: 0 });
  assert.ok(url);
  const text = await (await fetch(url)).text();
  await server.stop();
  return { text };
}
