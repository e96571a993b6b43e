/** Runs of processes that nobody can scrape: counted from the files by `taskspan serve`, collected by a Prometheus. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'mocha';
import { ROOT } from '../house/source-tree.ts';
import { AppProcess } from './harness/app-process.ts';
import { freePort } from './harness/free-ports.ts';
import { getText } from './harness/http-json.ts';
import { poll } from './harness/poll.ts';
import { PrometheusServer } from './harness/prometheus-server.ts';
import { PrometheusText } from './harness/prometheus-text.ts';
import { ScratchFolder } from './harness/scratch-folder.ts';
import { serverBinaries } from './harness/server-binaries.ts';
import { ServerProcess } from './harness/server-process.ts';

const CLI = join(ROOT, 'packages', 'taskspan', 'dist', 'cli.js');
const RUNS = 100;
const TOTAL = 'async_operations_total{operation="nightly",status="success"}';
const ROWS = 'rows_processed_total{operation="nightly",job_label="report"}';

describe('a hundred processes in a row, each gone before anybody asks it', () => {
  let scratch: ScratchFolder;
  let data: string;
  let url: string;
  let server: ServerProcess;
  let prometheus: PrometheusServer;

  before(async function () {
    this.timeout(300_000);
    scratch = new ScratchFolder();
    data = scratch.folder('data');
    const port = await freePort();
    url = `http://127.0.0.1:${port}/api/v1/metrics`;
    server = new ServerProcess({
      name: 'taskspan serve',
      command: process.execPath,
      args: [CLI, 'serve', '--dir', data, '--port', String(port)],
      checkReady: /^serving /m,
    });
    await server.start();
    const target = `127.0.0.1:${port}`;
    prometheus = await PrometheusServer.start({
      folder: scratch.folder('prometheus'),
      target,
      metricsPath: '/api/v1/metrics',
    });
    await poll('Prometheus to scrape', async () => {
      const scrapes = await prometheus.query.number('sum_over_time(up{job="taskspan"}[1m])');
      assert.ok((scrapes ?? 0) >= 2, `${scrapes} scrapes`);
    });
    for (let run = 1; run <= RUNS; run += 1) {
      await runJob();
      if (run === RUNS / 4) {
        await collected(run);
        deleteSomeLogs();
        await server.stop();
        await server.start();
      }
      if (run === RUNS / 2) {
        // What it had not saved the next one reads once more.
        await server.kill();
        await runJob();
        await server.start();
        run += 1;
      }
    }
    await collected(RUNS);
  });

  after(async () => {
    await prometheus?.stop();
    await server?.stop();
    scratch.remove();
  });

  for (const [metric, expected] of [
    [TOTAL, RUNS],
    ['async_operations_started_total{operation="nightly"}', RUNS],
    ['async_operation_duration_seconds_count{operation="nightly",status="success"}', RUNS],
    [ROWS, 3 * RUNS],
  ] as const) {
    it(`increase() of ${metric} is ${expected}, and the counter never fell`, async () => {
      // At the time of a scrape nothing is extrapolated.
      const at = await prometheus.query.number(`timestamp(${metric})`);
      const increase = await prometheus.query.number(`increase(${metric}[10m] @ ${at})`);
      assert.equal(increase?.toFixed(6), expected.toFixed(6));
      assert.equal(await prometheus.query.number(`resets(${metric}[10m])`), 0);
    });
  }

  it('has what the command line prints', async () => {
    const printed = spawnSync(process.execPath, [CLI, 'metrics', '--dir', data], { encoding: 'utf8' });
    assert.equal(printed.stderr, '');
    assert.equal(printed.stdout, await getText(url));
    assert.equal(new PrometheusText(printed.stdout).sum('rows_processed_total'), 3 * RUNS);
  });

  it('satisfies promtool, but for the names in megabytes, which are given', async () => {
    const { promtool } = await serverBinaries();
    const text = await getText(url);
    const { stderr } = spawnSync(promtool, ['check', 'metrics'], { input: text, encoding: 'utf8' });
    const objections = stderr.split('\n').filter((line) => line !== '' && !line.startsWith('job_memory_peak_mb '));
    assert.deepEqual(objections, []);
  });

  /** Resolves when Prometheus knows of so many runs. */
  async function collected(runs: number): Promise<void> {
    await poll(`${runs} runs`, async () => assert.equal(await prometheus.query.number(TOTAL), runs));
  }

  async function runJob(): Promise<void> {
    const script = `echo '{"metric":{"name":"rows_processed","value":3}}'`;
    const flags = ['--operation', 'nightly', '--label', 'report', '--dir', data];
    const args = ['run', ...flags, '--', 'sh', '-c', script];
    const { code, stderr } = await new AppProcess({ app: CLI, nodeArgs: [], args, folder: data }).ended;
    assert.deepEqual([code, stderr], [0, '']);
  }

  /** As retention does it, but at once. */
  function deleteSomeLogs(): void {
    const logs = join(data, 'logs');
    const names = readdirSync(logs, { recursive: true, encoding: 'utf8' });
    for (const name of names.filter((one) => one.endsWith('.jsonl')).slice(0, 10)) rmSync(join(logs, name));
  }
});
