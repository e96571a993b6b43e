import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { CollectorStandIn, OK } from '../collector-stand-in.test.ts';
import { tempFolder, textsBelow } from '../spool/spool.test.fixture.ts';

const collector = new CollectorStandIn();

describe('flushAtExit', function () {
  this.timeout(20_000);
  let dir: ReturnType<typeof tempFolder>;
  let root: string;
  beforeEach(async () => {
    dir = tempFolder();
    root = join(dir.path, 'spool');
    collector.received.length = 0;
    collector.answer = OK;
    await collector.start();
  });
  afterEach(async () => {
    await collector.stop();
    dir.remove();
  });

  /** A process that ends `spans` spans, waits as `before` says, and leaves by `process.exit`. Of what is built: no loader. */
  async function leave(spans: number, before = '', target = {}): Promise<number> {
    const url = (file: string): string => JSON.stringify(new URL(file, import.meta.url).href);
    const script = `
      import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
      import { flushAtExit } from ${url('../../dist/exit/exit-flush.js')};
      import { LazySpool } from ${url('../../dist/spool/lazy-spool.js')};
      import { SpanExportProcessor } from ${url('../../dist/span-export-processor.js')};
      const spool = new LazySpool({ directory: ${JSON.stringify(dir.path)}, maxBytes: 1e8 });
      const processor = new SpanExportProcessor(${JSON.stringify(collector.target('traces', target))}, { spool, backoffMs: 20 });
      const tracer = new BasicTracerProvider({ spanProcessors: [processor] }).getTracer('t');
      for (let at = 0; at < ${spans}; at += 1) tracer.startSpan('s' + at).end();
      process.on('exit', () => {
        const began = performance.now();
        flushAtExit([processor], spool);
        console.log(performance.now() - began);
      });
      ${before}
      process.exit(3);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      cwd: fileURLToPath(new URL('.', import.meta.url)),
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let printed = '';
    child.stdout.on('data', (chunk) => {
      printed += chunk;
    });
    const [code] = await once(child, 'close');
    assert.equal(code, 3);
    return Number(printed);
  }

  function spooled(): string[] {
    if (!existsSync(root)) return [];
    return textsBelow(root).flatMap((text) =>
      // biome-ignore lint/suspicious/noExplicitAny: OTLP-JSON
      JSON.parse(text).resourceSpans.flatMap((r: any) =>
        // biome-ignore lint/suspicious/noExplicitAny: OTLP-JSON
        r.scopeSpans.flatMap((s: any) => s.spans.map((span: any) => span.name)),
      ),
    );
  }

  function all(spans: number): string[] {
    return Array.from({ length: spans }, (_, at) => `s${at}`);
  }

  it('delivers what was never sent, each once, and leaves no spool', async () => {
    const took = await leave(2000);
    // On a machine that is too busy for it, its second is over first, and the rest is on disk.
    const rest = took >= 900 ? spooled() : [];
    assert.deepEqual([...collector.spanNames(), ...rest], all(2000));
    if (rest.length === 0) assert.deepEqual(readdirSync(dir.path), []);
  });

  it('puts on disk what nobody takes', async () => {
    await collector.stop();
    await leave(2000);
    assert.deepEqual(spooled(), all(2000));
    assert.match(readdirSync(root).join(), /^v1\.free\./);
  });

  it('waits for a receiver that hangs no longer than a second', async () => {
    collector.answer = () => {};
    const took = await leave(1000);
    assert.ok(took >= 900 && took < 3000, `${took} ms`);
    assert.deepEqual(spooled(), all(1000));
  });

  it('does not ask a receiver again that has just failed', async () => {
    collector.answer = (response) => response.writeHead(503, { 'retry-after': '60' }).end();
    const { asked } = collector;
    await leave(1000, 'await processor.forceFlush(); tracer.startSpan("late").end();');
    assert.deepEqual(spooled(), [...all(1000), 'late']);
    assert.ok(collector.asked - asked <= 3, `${collector.asked - asked} requests`);
  });

  it('does not send again what was taken a moment ago, though the answer was not read to its end', async () => {
    collector.answer = (response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).write('{');
    };
    const { asked } = collector;
    await leave(
      512,
      `setInterval(() => {}, 1e6);
      const { subscribe } = await import('node:diagnostics_channel');
      await new Promise((resolve) => subscribe('http.client.response.finish', resolve));
      await new Promise(setImmediate);`,
    );
    assert.deepEqual([collector.asked - asked, readdirSync(dir.path)], [1, []]);
  });

  const ON_ITS_WAY = `setInterval(() => {}, 1e6);
    const { subscribe } = await import('node:diagnostics_channel');
    await new Promise((resolve) => subscribe('http.client.request.start', resolve));
    await new Promise((resolve) => setTimeout(resolve, 30));`;

  it('waits for the answer to what is on its way rather than sending it twice', async () => {
    collector.answer = (response, index) => setTimeout(() => OK(response, index), 150);
    const { asked } = collector;
    await leave(512, ON_ITS_WAY);
    assert.deepEqual([collector.asked - asked, readdirSync(dir.path)], [1, []]);
    assert.deepEqual(collector.spanNames(), all(512));
  });

  it('puts on disk what was on its way to a receiver that says no, or nothing', async () => {
    collector.answer = (response) => setTimeout(() => response.writeHead(503).end(), 100);
    await leave(512, ON_ITS_WAY);
    assert.deepEqual(spooled(), all(512));
    rmSync(root, { recursive: true });
    collector.answer = () => {};
    const took = await leave(512, ON_ITS_WAY);
    assert.ok(took >= 400 && took < 2500, `${took} ms`);
    assert.deepEqual(spooled(), all(512));
  });

  it('compresses, and keeps headers out of the spool', async () => {
    const headers = { authorization: 'Bearer secret' };
    await leave(10, '', { compression: 'gzip', headers });
    const [request] = collector.received;
    assert.deepEqual([request?.headers['content-encoding'], request?.headers.authorization], ['gzip', 'Bearer secret']);
    await collector.stop();
    await leave(10, '', { compression: 'gzip', headers });
    assert.equal(spooled().length, 10);
    assert.ok(!textsBelow(root).join().includes('secret'));
  });
});
