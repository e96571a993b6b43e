import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, type Server } from 'node:net';
import { fileURLToPath } from 'node:url';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { clearReports, type RunInfo, state } from '@taskspan/core/hub';
import { MetricsServer, type ScrapeSource } from './metrics-server.ts';
import { METRICS } from './metrics-table.ts';
import { loadPrometheusReader } from './prometheus-reader.ts';
import { TaskMetrics } from './task-metrics.ts';
import { taskViews } from './task-views.ts';
import { UNCOVERED } from './typescript-worker.test.fixture.ts';

const fixed: ScrapeSource = { scrape: async () => 'up 1\n' };

/** Runs a fixture of this folder to its end, at most 20 s. */
async function runFixture(file: URL): Promise<{ code: number | null; lines: string[] }> {
  const child = spawn(process.execPath, ['--import', 'tsx', fileURLToPath(file)], {
    env: UNCOVERED,
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: 20_000,
  });
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, lines: output.trim().split('\n') };
}

async function takePort(port = 0): Promise<Server> {
  const server = createServer();
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

describe('MetricsServer', () => {
  const started: MetricsServer[] = [];
  async function start(load: () => Promise<ScrapeSource>, port = 0): Promise<{ server: MetricsServer; url: string }> {
    const server = new MetricsServer(load);
    started.push(server);
    const url = await server.start({ port });
    assert.ok(url !== undefined);
    return { server, url };
  }

  beforeEach(() => clearReports());
  afterEach(async () => {
    await Promise.all(started.splice(0).map((server) => server.stop()));
  });

  it('serves the metrics of a lazily loaded reader as valid text', async () => {
    const taskMetrics = new TaskMetrics();
    let loads = 0;
    let provider: MeterProvider | undefined;
    const { url } = await start(async () => {
      loads++;
      const prometheus = await loadPrometheusReader();
      provider = new MeterProvider({ readers: [prometheus.reader], views: taskViews() });
      taskMetrics.bind(provider);
      return prometheus;
    });
    const run = { operation: 'say "hi"\n', status: 'success', durationSeconds: 0.3, waitSeconds: 1 } as RunInfo;
    taskMetrics.onRunStart(run);
    taskMetrics.onRunEnd(run);
    assert.equal(loads, 0);
    const [response] = await Promise.all([fetch(url), fetch(url)]);
    const text = await response.text();
    assert.equal(loads, 1);
    assert.equal(response.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
    for (const line of text.trimEnd().split('\n')) {
      assert.match(
        line,
        /^(# (HELP|TYPE|UNIT) \w+ .+|[a-zA-Z_]\w*(\{(\w+="(\\.|[^"\\])*",?)*\})? (-?[\d.e+-]+|\+Inf|NaN))$/,
      );
      assert.ok(!line.includes('otel_scope'), line);
    }
    const labels = 'operation="say \\"hi\\"\\n"';
    assert.ok(text.includes(`async_operations_total{${labels},status="success"} 1\n`));
    assert.ok(text.includes(`async_operation_duration_seconds_count{${labels},status="success"} 1\n`));
    assert.ok(text.endsWith('\n'));
    const type = { histogram: 'histogram', 'observable-counter': 'counter', 'observable-gauge': 'gauge' };
    for (const spec of Object.values(METRICS)) {
      // Only where runs were missed, where something is exported, and where the logs folder was counted.
      if (spec.name === METRICS.missed.name || spec.labels.join() === 'signal') continue;
      if (spec === METRICS.logFiles || spec === METRICS.logBytes) continue;
      const shown = spec.kind === 'observable-up-down-counter' ? 'gauge' : type[spec.kind];
      assert.ok(text.includes(`# TYPE ${spec.name} ${shown}\n`), spec.name);
      assert.ok(text.includes(`# HELP ${spec.name} ${spec.description}\n`), spec.name);
    }
    await provider?.shutdown();
  });

  it('holds 512 operations with six statuses', async () => {
    const taskMetrics = new TaskMetrics();
    const prometheus = await loadPrometheusReader();
    // Without Views: the reader's own limit must hold.
    const provider = new MeterProvider({ readers: [prometheus.reader] });
    taskMetrics.bind(provider);
    for (let i = 0; i < 512; i++) {
      const run = { operation: `op-${i}`, status: 'success', durationSeconds: 1 } as RunInfo;
      taskMetrics.onRunStart(run);
      taskMetrics.onRunEnd(run);
    }
    const text = await prometheus.scrape();
    assert.equal(text.match(/^async_operations_total\{/gm)?.length, 3072);
    assert.ok(!text.includes('otel_metric_overflow'));
    await provider.shutdown();
  });

  for (const [method, path, status] of [
    ['GET', '/metrics', 200],
    ['GET', '/metrics?name[]=up', 200],
    ['HEAD', '/metrics', 200],
    ['POST', '/metrics', 405],
    ['DELETE', '/metrics', 405],
    ['GET', '/', 404],
    ['GET', '/metrics/', 404],
    ['POST', '/other', 404],
  ] as const) {
    it(`answers ${method} ${path} with ${status}`, async () => {
      const { url } = await start(async () => fixed);
      const response = await fetch(new URL(path, url), { method });
      assert.equal(response.status, status);
      assert.equal(response.headers.get('allow'), status === 405 ? 'GET, HEAD' : null);
      if (status === 200) assert.equal(await response.text(), method === 'HEAD' ? '' : 'up 1\n');
      else await response.text();
    });
  }

  it('answers 503 when the reader cannot be loaded, reports it once, and tries again at the next scrape', async () => {
    let attempts = 0;
    const { url } = await start(async () => {
      if (++attempts < 3) throw new Error('not installed');
      return fixed;
    });
    const statuses = [];
    for (let i = 0; i < 3; i++) statuses.push((await fetch(url)).status);
    assert.deepEqual(statuses, [503, 503, 200]);
    assert.ok(state.reported.has('metrics.scrape'));
  });

  it('takes the next free port when its own is taken, and tells its URL', async () => {
    const taken = await takePort();
    const seen: string[] = [];
    const server = new MetricsServer(async () => fixed);
    started.push(server);
    const url = await server.start({ port: portOf(taken), onReady: (ready) => seen.push(ready) });
    assert.ok(url !== undefined);
    assert.ok(Number(new URL(url).port) > portOf(taken));
    assert.deepEqual(seen, [url]);
    assert.equal(server.url, url);
    assert.equal(await server.start(), url);
    taken.close();
  });

  it('takes any free port when there is no next one', async () => {
    const last = await takePort(65_535).catch(() => undefined);
    const { url } = await start(async () => fixed, 65_535);
    if (last !== undefined) assert.notEqual(new URL(url).port, '65535');
    last?.close();
  });

  it('reports a host it cannot listen on, and goes on without', async () => {
    const server = new MetricsServer(async () => fixed);
    assert.equal(await server.start({ host: '192.0.2.1', port: 0 }), undefined);
    assert.equal(server.url, undefined);
    assert.ok(state.reported.has('metrics.listen'));
  });

  it('survives an onReady that throws', async () => {
    const server = new MetricsServer(async () => fixed);
    started.push(server);
    const onReady = (): never => {
      throw new Error('on purpose');
    };
    assert.match((await server.start({ port: 0, onReady })) ?? '', /^http/);
  });

  it('serves on every address when asked to, and shows one that works', async () => {
    const server = new MetricsServer(async () => fixed);
    started.push(server);
    const url = await server.start({ host: '0.0.0.0', port: 0 });
    assert.match(url ?? '', /^http:\/\/127\.0\.0\.1:\d+\/metrics$/);
    assert.equal((await fetch(url ?? '')).status, 200);
  });

  it('is gone after stop, also when stopped while it starts', async () => {
    const { server, url } = await start(async () => fixed);
    await server.stop();
    assert.equal(server.url, undefined);
    await assert.rejects(fetch(url));
    const starting = server.start({ port: 0 });
    await server.stop();
    assert.equal(await starting, undefined);
    await server.stop();
  });

  it('does not keep a process alive, nor does a scraper that keeps its connection', async () => {
    const { code, lines } = await runFixture(new URL('./metrics-server.test.idle-app.ts', import.meta.url));
    assert.equal(code, 0);
    assert.deepEqual(lines, ['scraped 200', 'exiting 0']);
  }).timeout(30_000);

  it('gives each worker of a cluster a port of its own', async () => {
    const { code, lines } = await runFixture(new URL('./metrics-server.test.cluster.ts', import.meta.url));
    assert.equal(code, 0);
    assert.equal(lines.length, 2);
    assert.notEqual(lines[0], lines[1]);
    for (const line of lines) assert.match(line, /^http:\/\/127\.0\.0\.1:\d+\/metrics$/);
  }).timeout(30_000);
});
