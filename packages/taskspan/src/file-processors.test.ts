import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LoggerProvider } from '@opentelemetry/sdk-logs';
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import { JobLogWriter } from '@taskspan/joblog';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { readJobLogs } from './app-folder.test.fixture.ts';
import { FileLogProcessor, FileSpanProcessor } from './file-processors.ts';

const OF_RUN = { 'task.id': 'run', 'task.file': '2026-03-04/run' };

describe('file processors', () => {
  let folder: string;
  let writer: JobLogWriter;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'taskspan-processors-'));
    writer = new JobLogWriter({
      directory: join(folder, 'logs'),
      resource: { attributes: { 'service.name': 'shop' } },
      instanceId: '0b0c0d0e-1111-4222-8333-444455556666',
      runFilesPerHour: 10,
    });
  });
  afterEach(async () => {
    await writer.shutdown();
    rmSync(folder, { recursive: true });
  });

  it('write what belongs to a run into its file, and the rest into that of the process', async () => {
    const tracers = new BasicTracerProvider({ spanProcessors: [new FileSpanProcessor(writer)] });
    const loggers = new LoggerProvider({ processors: [new FileLogProcessor(writer)] });
    const tracer = tracers.getTracer('app');
    const open = tracer.startSpan('open', { attributes: OF_RUN });
    tracer.startSpan('ended', { attributes: OF_RUN }).end();
    tracer.startSpan('elsewhere').end();
    loggers.getLogger('app').emit({ body: 'line', attributes: OF_RUN });
    await Promise.all([tracers.forceFlush(), loggers.forceFlush()]);
    const run = readJobLogs(folder).get('run');
    assert.deepEqual(
      run?.spans.map(({ name }) => name),
      ['ended'],
    );
    assert.deepEqual(
      run?.records.map(({ body }) => body),
      ['line'],
    );
    const others = [...readJobLogs(folder)].filter(([name]) => name !== 'run');
    assert.deepEqual(
      others.map(([name]) => name),
      ['_process.0b0c0d0e'],
    );
    assert.deepEqual(
      others.flatMap(([, log]) => log.spans.map(({ name }) => name)),
      ['elsewhere'],
    );
    open.end();
  });

  it('write all at the shutdown of the log provider, and nothing is lost when the spans are shut down first', async () => {
    const tracers = new BasicTracerProvider({ spanProcessors: [new FileSpanProcessor(writer)] });
    const loggers = new LoggerProvider({ processors: [new FileLogProcessor(writer)] });
    tracers.getTracer('app').startSpan('ended', { attributes: OF_RUN }).end();
    await tracers.shutdown();
    loggers.getLogger('app').emit({ body: 'last', attributes: OF_RUN });
    await loggers.shutdown();
    const run = readJobLogs(folder).get('run');
    assert.deepEqual([run?.spans.length, run?.records.map(({ body }) => body), run?.broken], [1, ['last'], []]);
  });
});
