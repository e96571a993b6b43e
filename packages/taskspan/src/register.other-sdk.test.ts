/** Apps that start an OpenTelemetry SDK of their own, after the hook or before it; apps with official instrumentations. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'mocha';
import { AppFolder, endings, readJobLogs, series } from './app-folder.test.fixture.ts';

const SDK = `
import { trace } from '@opentelemetry/api';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
const exporter = new InMemorySpanExporter();
const spanProcessors = [new SimpleSpanProcessor(exporter)];
globalThis.exported = () => exporter.getFinishedSpans().map((span) => span.name);
`;

const WORK = `
const tracer = trace.getTracer('app');
tracer.startActiveSpan('of the app', (span) => span.end());
globalThis.early?.startActiveSpan('of an early tracer', (span) => span.end());
await runTask('job', async () => {
  tracer.startActiveSpan('inside the task', (span) => span.end());
}, { id: 'run' });
const { metrics } = globalThis.quiet ? {} : await import('./own.mjs');
console.log(JSON.stringify({ names: exported(), metrics: await metrics?.() }));
`;

interface Seen {
  readonly names: string[];
  readonly metrics?: string;
}

describe('taskspan/register beside an SDK of the app', () => {
  let app: AppFolder;
  before(() => {
    app = new AppFolder();
  });
  after(() => app.remove());

  const LATER = {
    'a NodeTracerProvider': 'new NodeTracerProvider({ spanProcessors }).register();',
    'a BasicTracerProvider':
      'if (!trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors }))) throw 1;',
  };
  for (const [name, registration] of Object.entries(LATER)) {
    it(`that comes later (${name}): it gets its spans, tasks go on, one warning names taskspan/sdk`, async () => {
      const data = app.ownData();
      const source = `${SDK} import { runTask } from 'taskspan';
        globalThis.early = trace.getTracer('early');
        await runTask('job', async () => {}, { id: 'before' });
        ${registration}
        ${WORK}`;
      const ended = await app.run(source, { env: data });
      assert.deepEqual([ended.code, ended.signal], [0, null]);
      const { names, metrics = '' } = JSON.parse(ended.stdout) as Seen;
      for (const span of ['of the app', 'of an early tracer', 'inside the task']) assert.ok(names.includes(span), span);
      assert.ok(!names.includes('job'), 'tasks stay with us');
      assert.equal(series(metrics, 'async_operations_total', { operation: 'job', status: 'success' }), 2);
      assert.deepEqual(endings(data.TASKSPAN_DIR), { before: 'success', run: 'success' });
      assert.equal(ended.stderr.trim().split('\n').length, 1, ended.stderr);
      assert.match(ended.stderr, /^taskspan: .*taskspan\/sdk/);
    });
  }

  it('that was there before: it keeps everything, one warning names taskspan/sdk', async () => {
    const data = app.ownData();
    app.write('sdk.mjs', `${SDK} new NodeTracerProvider({ spanProcessors }).register();`);
    const source = `import { trace } from '@opentelemetry/api';
      import { runTask } from 'taskspan';
      globalThis.quiet = true;
      ${WORK}`;
    const nodeArgs = ['--import', './sdk.mjs', '--import', 'taskspan/register'];
    const ended = await app.run(source, { env: data, nodeArgs });
    assert.equal(ended.code, 0);
    const { names } = JSON.parse(ended.stdout) as Seen;
    assert.deepEqual(names, ['of the app', 'inside the task', 'job']);
    assert.equal(ended.stderr.trim().split('\n').length, 1, ended.stderr);
    assert.match(ended.stderr, /^taskspan: .*taskspan\/sdk/);
    assert.deepEqual(readJobLogs(data.TASKSPAN_DIR).size, 0);
  });
});
