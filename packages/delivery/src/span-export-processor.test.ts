import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BasicTracerProvider, SamplingDecision } from '@opentelemetry/sdk-trace-base';
import { clearReports, state } from '@taskspan/core/hub';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { CollectorStandIn, OK, protobufFields } from './collector-stand-in.test.ts';
import type { OtlpTarget } from './otlp-config.ts';
import { type ExportProcessorOptions, SpanExportProcessor } from './span-export-processor.ts';

const collector = new CollectorStandIn();
const warnings: string[] = [];
let warnBefore: typeof state.warn;
const open: SpanExportProcessor[] = [];

function setUp(target: OtlpTarget, options: ExportProcessorOptions = {}) {
  const processor = new SpanExportProcessor(target, options);
  open.push(processor);
  const resource = resourceFromAttributes({ 'service.name': 'test' });
  const provider = new BasicTracerProvider({ resource, spanProcessors: [processor] });
  return { processor, provider, tracer: provider.getTracer('test') };
}

function dropped(reason: 'overflow' | 'refused'): number {
  return state.dropped.get('spans')?.get(reason) ?? 0;
}

describe('SpanExportProcessor', () => {
  beforeEach(async () => {
    warnBefore = state.warn;
    state.warn = (message) => warnings.push(message);
    warnings.length = 0;
    state.dropped.clear();
    clearReports();
    collector.received.length = 0;
    collector.answer = OK;
    await collector.start();
  });

  afterEach(async () => {
    state.warn = warnBefore;
    await Promise.all(open.splice(0).map((processor) => processor.shutdown(0)));
    await collector.stop();
  });

  it('loses none of 20 000 spans that end in one tick, two requests at a time', async () => {
    const { processor, tracer } = setUp(collector.target('traces'));
    for (let i = 0; i < 20_000; i += 1) tracer.startSpan(`s${i}`).end();
    await processor.forceFlush();
    assert.equal(new Set(collector.spanNames()).size, 20_000);
    assert.equal(collector.spanNames().length, 20_000);
    assert.ok(collector.mostAtOnce <= 2);
    assert.equal(state.dropped.size, 0);
  });

  it('sends by itself when the delay is over', async () => {
    const { tracer } = setUp(collector.target('traces'), { delayMs: 20 });
    tracer.startSpan('alone').end();
    await collector.until(() => collector.received.length > 0);
    assert.deepEqual(collector.spanNames(), ['alone']);
  });

  it('sends a full batch without waiting for the delay', async () => {
    const { tracer } = setUp(collector.target('traces'), { delayMs: 1_000_000 });
    for (let i = 0; i < 513; i += 1) tracer.startSpan('s').end();
    await collector.until(() => collector.received.length > 0);
    assert.equal(collector.spanNames().length, 512);
  });

  it('keeps what ended while the server was down, and delivers it once it is up', async () => {
    await collector.stop();
    const { processor, tracer } = setUp(collector.target('traces'), { backoffMs: 20, delayMs: 1 });
    for (let i = 0; i < 2000; i += 1) tracer.startSpan(`s${i}`).end();
    await processor.forceFlush();
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? '', /cannot be delivered now: .*ECONNREFUSED/);
    await collector.start();
    await collector.until(() => collector.spanNames().length === 2000);
    assert.equal(new Set(collector.spanNames()).size, 2000);
    assert.equal(state.dropped.size, 0);
  });

  it('waits as long as Retry-After says, one request at a time', async () => {
    const askedAt: number[] = [];
    collector.answer = (response, index) => {
      askedAt.push(performance.now());
      if (askedAt.length === 1) response.writeHead(503, { 'retry-after': '1' }).end();
      else OK(response, index);
    };
    const { tracer } = setUp(collector.target('traces'), { delayMs: 1, backoffMs: 1 });
    tracer.startSpan('patient').end();
    await collector.until(() => collector.received.length === 1);
    assert.deepEqual(collector.spanNames(), ['patient']);
    const waited = (askedAt[1] ?? 0) - (askedAt[0] ?? 0);
    assert.ok(waited >= 990, `waited ${waited} ms`);
  });

  it('counts what is refused, warns once per episode, and goes on', async () => {
    collector.answer = (response) => response.writeHead(400).end('no such thing');
    const { processor, tracer } = setUp(collector.target('traces'));
    for (let i = 0; i < 600; i += 1) tracer.startSpan('bad').end();
    await processor.forceFlush();
    assert.equal(dropped('refused'), 600);
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? '', /refused.*HTTP 400 no such thing/);
    collector.answer = OK;
    tracer.startSpan('good').end();
    await processor.forceFlush();
    assert.deepEqual(collector.spanNames(), ['good']);
    collector.answer = (response) => response.writeHead(401).end();
    tracer.startSpan('bad').end();
    await processor.forceFlush();
    assert.equal(warnings.length, 2);
  });

  it('drops the oldest above its bound, counts them and warns once', async () => {
    collector.answer = (response) => response.writeHead(503).end();
    const { processor, tracer } = setUp(collector.target('traces'), { maxBytes: 400_000, backoffMs: 10_000 });
    for (let i = 0; i < 5000; i += 1) tracer.startSpan(`s${i}`).end();
    await processor.forceFlush();
    collector.answer = OK;
    await processor.forceFlush();
    const names = collector.spanNames();
    assert.equal(names.length + dropped('overflow'), 5000);
    assert.ok(names.includes('s4999') && !names.includes('s0'));
    assert.equal(warnings.filter((warning) => warning.includes('overflow')).length, 1);
  });

  it('ends its shutdown in time when the server hangs, and counts the rest', async () => {
    collector.answer = () => {};
    const { processor, tracer } = setUp(collector.target('traces'));
    for (let i = 0; i < 1000; i += 1) tracer.startSpan('s').end();
    const began = performance.now();
    await processor.shutdown(200);
    const took = performance.now() - began;
    assert.ok(took >= 190 && took < 2000, `took ${took} ms`);
    assert.equal(dropped('overflow'), 1000);
    tracer.startSpan('late').end();
    assert.equal(dropped('overflow'), 1001);
  });

  it('takes a request that hangs for one worth another try', async () => {
    let hang = true;
    collector.answer = (response, index) => {
      if (!hang) OK(response, index);
      hang = false;
    };
    const { tracer } = setUp(collector.target('traces', { timeoutMs: 50 }), { delayMs: 1, backoffMs: 1 });
    tracer.startSpan('again').end();
    await collector.until(() => collector.received.length === 1);
    assert.match(warnings[0] ?? '', /no answer within 50 ms/);
  });

  it('compresses and sends the given headers', async () => {
    const target = collector.target('traces', { compression: 'gzip', headers: { authorization: 'Bearer x' } });
    const { processor, tracer } = setUp(target);
    tracer.startSpan('small').end();
    await processor.forceFlush();
    const [request] = collector.received;
    assert.equal(request?.path, '/v1/traces');
    assert.equal(request?.headers['content-encoding'], 'gzip');
    assert.equal(request?.headers['authorization'], 'Bearer x');
    assert.deepEqual(collector.spanNames(), ['small']);
  });

  it('speaks protobuf', async () => {
    const { processor, tracer } = setUp(collector.target('traces', { protocol: 'http/protobuf' }));
    for (let i = 0; i < 3; i += 1) tracer.startSpan(`p${i}`, { attributes: { load: Number.NaN } }).end();
    await processor.forceFlush();
    const [request] = collector.received;
    assert.equal(request?.headers['content-type'], 'application/x-protobuf');
    let level = [request?.body ?? Buffer.alloc(0)];
    // ExportTraceServiceRequest.resource_spans, .scope_spans, .spans, .name
    for (const field of [1, 2, 2, 5]) level = level.flatMap((message) => protobufFields(message, field));
    assert.deepEqual(level.map(String), ['p0', 'p1', 'p2']);
  });

  it('leaves alone what is recorded but not sampled', async () => {
    const processor = new SpanExportProcessor(collector.target('traces'));
    open.push(processor);
    const provider = new BasicTracerProvider({
      spanProcessors: [processor],
      sampler: { shouldSample: () => ({ decision: SamplingDecision.RECORD }), toString: () => 'record only' },
    });
    const askedBefore = collector.asked;
    provider.getTracer('t').startSpan('unsampled').end();
    await processor.forceFlush();
    assert.equal(collector.asked, askedBefore);
    assert.equal(state.dropped.size, 0);
  });

  it('keeps no idle process alive, not even while a request hangs', async function () {
    this.timeout(20_000);
    const hung = createServer().listen(0, '127.0.0.1');
    await once(hung, 'listening');
    const { port } = hung.address() as AddressInfo;
    const script = `
      import { SpanExportProcessor } from ${JSON.stringify(new URL('./span-export-processor.ts', import.meta.url).href)};
      import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
      const target = { ...${JSON.stringify(collector.target('traces'))}, url: 'http://127.0.0.1:${port}/v1/traces', timeoutMs: 60000 };
      const processor = new SpanExportProcessor(target, { delayMs: 1 });
      new BasicTracerProvider({ spanProcessors: [processor] }).getTracer('t').startSpan('s').end();
      setTimeout(() => {}, 300);`;
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
      cwd: fileURLToPath(new URL('.', import.meta.url)),
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    const asked = once(hung, 'connection');
    const [code] = await once(child, 'exit');
    assert.equal(code, 0);
    const [socket] = await asked;
    socket.destroy();
    hung.close();
  });
});
