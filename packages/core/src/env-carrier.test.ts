import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { context, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { runEnvironment, runOfEnvironment, spanOfEnvironment } from './env-carrier.ts';
import { type Recording, startRecording, stopRecording } from './recorded-sdk.test.ts';
import { runTask, startTask } from './run-task.ts';

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
const SPAN_ID = 'b7ad6b7169203331';
const TRACEPARENT = `00-${TRACE_ID}-${SPAN_ID}-01`;

describe('the environment of what a run starts', () => {
  let seen: Recording;
  beforeEach(() => {
    seen = startRecording();
  });
  afterEach(stopRecording);

  it('holds the active span and the id of the run', () => {
    const env = runTask('op', () => runEnvironment(), { id: 'id-1' });
    const { traceId, spanId } = seen.span('op').spanContext();
    assert.deepEqual(env, {
      TRACEPARENT: `00-${traceId}-${spanId}-01`,
      TRACESTATE: undefined,
      TASKSPAN_TASK_ID: 'id-1',
    });
  });

  it('names the step in which the child was started', () => {
    const env = runTask('op', (task) => task.step('build', () => runEnvironment()));
    assert.equal(env?.TRACEPARENT?.split('-')[2], seen.span('build').spanContext().spanId);
  });

  it('carries the trace state', () => {
    const base = trace.setSpanContext(ROOT_CONTEXT, {
      ...(spanOfEnvironment({ TRACEPARENT, TRACESTATE: 'vendor=a' }) ?? assert.fail('no span')),
    });
    const env = context.with(base, () => runTask('op', () => runEnvironment(), { relation: 'child' }));
    assert.equal(env?.TRACESTATE, 'vendor=a');
  });

  it('is none outside a run, and none after its end', () => {
    assert.equal(runEnvironment(), undefined);
    const task = startTask('op');
    task.run(() => {
      assert.notEqual(runEnvironment(), undefined);
      task.end();
      assert.equal(runEnvironment(), undefined);
    });
  });

  it('leaves out an id that no environment can hold', () => {
    const env = runTask('op', () => runEnvironment(), { id: 'a\0b' });
    assert.equal(env?.TASKSPAN_TASK_ID, undefined);
    assert.notEqual(env?.TRACEPARENT, undefined);
  });

  it('names no span when nobody records any', () => {
    stopRecording();
    seen = startRecording({ spans: false });
    assert.deepEqual(
      runTask('op', () => runEnvironment(), { id: 'id-1' }),
      { TRACEPARENT: undefined, TRACESTATE: undefined, TASKSPAN_TASK_ID: 'id-1' },
    );
  });
});

describe('the span of an environment', () => {
  beforeEach(() => {
    startRecording();
  });
  afterEach(stopRecording);

  it('is that of TRACEPARENT, with its state', () => {
    const span = spanOfEnvironment({ TRACEPARENT, TRACESTATE: 'vendor=a' });
    assert.equal(span?.traceId, TRACE_ID);
    assert.equal(span?.spanId, SPAN_ID);
    assert.equal(span?.traceState?.get('vendor'), 'a');
  });

  for (const [what, env] of Object.entries({
    'an environment without one': {},
    'an empty one': { TRACEPARENT: '' },
    'a text that is none': { TRACEPARENT: 'yes' },
    'an invalid one': { TRACEPARENT: `00-${'0'.repeat(32)}-${SPAN_ID}-01` },
  })) {
    it(`is none for ${what}`, () => {
      assert.equal(spanOfEnvironment(env), undefined);
    });
  }
});

describe('runOfEnvironment', () => {
  const given = { TASKSPAN_TASK_ID: 'id-1', TASKSPAN_TASK_RUN: SPAN_ID, TRACEPARENT };

  it('is the run that started this process', () => {
    assert.deepEqual(runOfEnvironment(given), { id: 'id-1', run: SPAN_ID });
    assert.deepEqual(runOfEnvironment({ TASKSPAN_TASK_ID: 'id-1' }), { id: 'id-1', run: undefined });
  });

  it('is not mistaken for the run around it', () => {
    assert.deepEqual(runOfEnvironment({ ...given, TASKSPAN_TASK_RUN: '3'.repeat(16) }), { id: 'id-1', run: undefined });
  });

  it('is none without an id', () => {
    assert.equal(runOfEnvironment({ ...given, TASKSPAN_TASK_ID: undefined }), undefined);
    assert.equal(runOfEnvironment({ ...given, TASKSPAN_TASK_ID: '' }), undefined);
  });
});

/** Prints the links of runs that a process begins in several ways. */
const CHILD = `
import { context, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { runTask } from '${new URL('run-task.ts', import.meta.url)}';
const exporter = new InMemorySpanExporter();
trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }));
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
runTask('plain', () => runTask('nested', () => {}));
runTask('child', () => {}, { relation: 'child' });
runTask('scheduled', () => {}, { relation: 'root' });
runTask('job without carrier', () => {}, { carrier: {} });
runTask('job', () => {}, { carrier: { traceparent: '00-${'1'.repeat(32)}-${'2'.repeat(16)}-01' } });
trace.getTracer('app').startActiveSpan('request', () => runTask('requested', () => {}));
delete process.env.TRACEPARENT;
runTask('later', () => {});
console.log(JSON.stringify(Object.fromEntries(exporter.getFinishedSpans().map((span) =>
  [span.name, { parent: span.parentSpanContext?.spanId, links: span.links.map((link) => link.context.spanId) }]))));
`;

describe('a process that a run started', () => {
  it('links to it the runs that have no other enqueuer', async function () {
    this.timeout(20_000);
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--import', 'tsx', '--input-type=module', '--eval', CHILD],
      // Coverage of the same files as another process compiles them would be added up wrongly.
      { env: { ...process.env, TRACEPARENT, NODE_V8_COVERAGE: '' }, cwd: import.meta.dirname },
    );
    const spans = JSON.parse(stdout) as Record<string, { parent?: string; links: string[] }>;
    for (const name of ['plain', 'child', 'later']) assert.deepEqual(spans[name], { links: [SPAN_ID] }, name);
    for (const name of ['scheduled', 'job without carrier']) assert.deepEqual(spans[name], { links: [] }, name);
    assert.deepEqual(spans['job'], { links: ['2'.repeat(16)] });
    for (const name of ['nested', 'requested']) assert.equal(spans[name]?.links.includes(SPAN_ID), false, name);
  });
});
