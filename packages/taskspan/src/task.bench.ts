/**
 * What a task costs beside what its users could write by hand: one reader, exporters that do nothing, queues that drop
 * nothing. Each set-up runs in this one process and the rounds are interleaved; `state` is switched between them.
 * Run: node --import tsx packages/taskspan/src/task.bench.ts
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { context, SpanStatusCode } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { ExportResultCode } from '@opentelemetry/core';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import {
  AlwaysOffSampler,
  BatchSpanProcessor,
  type Sampler,
  type SpanExporter,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import { runTask } from '@taskspan/core';
import { type RunRecord, state } from '@taskspan/core/hub';
import { JobLogWriter } from '@taskspan/joblog';
import { TaskMetrics, taskSampler, taskViews } from '@taskspan/metrics';
import { interleave } from '../../../test/interleave.ts';
import { FileSpanProcessor } from './file-processors.ts';
import { SpanIds } from './span-ids.ts';

const CALLS = 20_000;
const work = async (): Promise<number> => 1;
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());

const noExport: SpanExporter = {
  export: (_spans, done) => done({ code: ExportResultCode.SUCCESS }),
  shutdown: async () => {},
};
const processors: BatchSpanProcessor[] = [];

function batch(): BatchSpanProcessor {
  const processor = new BatchSpanProcessor(noExport, { maxQueueSize: CALLS * 2, scheduledDelayMillis: 1000 });
  processors.push(processor);
  return processor;
}

function reader(): PeriodicExportingMetricReader {
  return new PeriodicExportingMetricReader({
    exporter: new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE),
    exportIntervalMillis: 3_600_000,
  });
}

function bare(sampler?: Sampler): () => unknown {
  const tracer = new NodeTracerProvider({ spanProcessors: [batch()], ...(sampler && { sampler }) }).getTracer('bench');
  return () =>
    tracer.startActiveSpan('bench', async (span) => {
      try {
        return await work();
      } catch (error) {
        span.setStatus({ code: SpanStatusCode.ERROR });
        throw error;
      } finally {
        span.end();
      }
    });
}

/** An active span and four synchronous instrument calls: what most people write. */
function naive(sampler?: Sampler): () => unknown {
  const tracer = new NodeTracerProvider({ spanProcessors: [batch()], ...(sampler && { sampler }) }).getTracer('bench');
  const meter = new MeterProvider({ readers: [reader()] }).getMeter('bench');
  const running = meter.createUpDownCounter('running');
  const total = meter.createCounter('total');
  const duration = meter.createHistogram('duration');
  return () =>
    tracer.startActiveSpan('bench', { attributes: { operation: 'bench' } }, async (span) => {
      const start = performance.now();
      running.add(1, { operation: 'bench' });
      let status = 'success';
      try {
        return await work();
      } catch (error) {
        status = 'failure';
        span.setStatus({ code: SpanStatusCode.ERROR });
        throw error;
      } finally {
        running.add(-1, { operation: 'bench' });
        total.add(1, { operation: 'bench', status });
        duration.record((performance.now() - start) / 1000, { operation: 'bench', status });
        span.end();
      }
    });
}

interface Set {
  readonly call: () => unknown;
  readonly drain: () => Promise<void>;
}

function taskspan(name: string, options: { sampler?: Sampler; writer?: JobLogWriter }): Set {
  const metrics = new TaskMetrics();
  metrics.bind(new MeterProvider({ readers: [reader()], views: taskViews() }));
  const { writer } = options;
  const spanProcessors: SpanProcessor[] = [metrics, batch()];
  if (writer !== undefined) spanProcessors.push(new FileSpanProcessor(writer));
  const provider = new NodeTracerProvider({
    idGenerator: new SpanIds(),
    sampler: taskSampler(options.sampler, { runsAreObserved: true }),
    spanProcessors,
  });
  const sink = writer === undefined ? undefined : (record: RunRecord): void => writer.sink(record);
  return {
    call: () => {
      // The price of several set-ups in one process: switching costs this contender a few nanoseconds.
      if (state.tracerProvider !== provider) {
        state.tracerProvider = provider;
        state.sinks.length = 0;
        if (sink !== undefined) state.sinks.push(sink);
        state.fileNamer = fileNamers.get(name);
        state.runObservers[0] = metrics;
      }
      return runTask('bench', work);
    },
    drain: async () => {
      await metrics.forceFlush();
      await writer?.forceFlush();
    },
  };
}

const fileNamers = new Map<string, (id: string, startTimeMs: number) => string>();
const folders: string[] = [];

function writerOf(name: string, runFilesPerHour: number | 'unlimited'): JobLogWriter {
  const directory = mkdtempSync(join(tmpdir(), 'taskspan-bench-'));
  folders.push(directory);
  const writer = new JobLogWriter({
    directory,
    resource: { attributes: { 'service.name': 'bench', 'service.instance.id': 'bench' } },
    instanceId: '0123456789abcdef',
    runFilesPerHour,
  });
  fileNamers.set(name, (id, startTimeMs) => writer.fileNamer(id, startTimeMs));
  return writer;
}

const off = new AlwaysOffSampler();
const withMetrics = taskspan('metrics', {});
await interleave(
  'a sampled task: (a) is the bare span, (b) the naive form',
  {
    '(a) bare startActiveSpan': bare(),
    '(b) naive: span and four instrument calls': naive(),
    'runTask, span and metrics': withMetrics.call,
  },
  { calls: CALLS, between: drain(withMetrics) },
);

const unsampled = taskspan('unsampled', { sampler: off });
await interleave(
  'an unsampled task',
  { 'naive, unsampled': naive(off), 'bare, unsampled': bare(off), 'runTask, unsampled': unsampled.call },
  { calls: CALLS, between: drain(unsampled) },
);

const shared = taskspan('shared', { writer: writerOf('shared', 0) });
const perRun = taskspan('per run', { writer: writerOf('per run', 'unlimited') });
await interleave(
  'with its two lifecycle records and its span in files',
  {
    '(a) bare startActiveSpan': bare(),
    'runTask, metrics and shared files': shared.call,
    'runTask, metrics and a file per run': perRun.call,
  },
  { calls: 2000, between: drain(shared, perRun) },
);
for (const folder of folders) rmSync(folder, { recursive: true, force: true });
process.exit(0);

function drain(...sets: readonly Set[]): () => Promise<void> {
  return async () => {
    for (const processor of processors) await processor.forceFlush();
    for (const set of sets) await set.drain();
  };
}
