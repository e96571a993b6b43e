/**
 * What a BullMQ job costs under the flag, beside BullMQ alone and beside its own telemetry (`bullmq-otel`, with metrics):
 * `npm run bench:libraries -- [rounds] [concurrency,…] [no-op,small]`.
 *
 * A round is one process of each contender, which adds jobs one by one, then drains a queue of 10 000 twice: its first
 * 10 000 runs get a file each, the next ones share a file. Everything is a median of ratios or differences within a
 * round, so that a machine whose speed drifts spoils none; processor time is that of all threads, and holds what is flushed
 * after the last job. Packages of others are installed into the cache folder on the first run.
 */
import { spawn } from 'node:child_process';
import { copyFileSync, symlinkSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ScratchFolder } from '../e2e/harness/scratch-folder.ts';
import { ROOT } from '../house/source-tree.ts';
import { cachedInstall } from '../pack/cached-install.ts';
import { emptyRedis, stopDataServers } from './data-servers.ts';

const [rounds = '5', concurrencies = '1,10,50', handlers = 'no-op,small'] = process.argv.slice(2);
const ROUNDS = Number.parseInt(rounds, 10);
const JOBS = 10_000;
const ADDS = 3000;
const APP = ['bullmq-drain.mjs', 'bullmq-drain-sdk.mjs'];

/** Microseconds per job. */
interface Cost {
  readonly wall: number;
  readonly cpu: number;
}

type Part = 'add' | 'first' | 'second';

type Costs = Readonly<Record<Part, Cost>> & { readonly spans?: number };

interface Contender {
  readonly flag: boolean;
  readonly env: Readonly<Record<string, string>>;
}

const ALONE = 'bullmq alone';
const BULLMQ_OTEL = 'bullmq-otel with metrics, OTLP';

const PARTS: Readonly<Record<Part, string>> = {
  add: 'queue.add',
  first: 'first 10 000 jobs, a file each',
  second: 'next 10 000 jobs, shared file',
};

// Removed at the very end: ext4 looks for inodes around those that were freed a moment ago, and every process that comes
// after a removal would pay for it.
const scratch = new ScratchFolder();
const sink = createServer((request, response) => {
  request.resume().on('end', () => response.writeHead(200).end());
});
let processes = 0;
try {
  await new Promise<void>((listening) => sink.listen(0, '127.0.0.1', listening));
  const otlp = { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(sink.address() as AddressInfo).port}` };
  const contenders: Readonly<Record<string, Contender>> = {
    [ALONE]: { flag: false, env: {} },
    [BULLMQ_OTEL]: { flag: false, env: { ...otlp, BENCH_OTEL: 'on' } },
    'taskspan, defaults (files)': { flag: true, env: {} },
    'taskspan, shared files': { flag: true, env: { TASKSPAN_RUN_FILES_PER_HOUR: '0' } },
    'taskspan, no files': { flag: true, env: { TASKSPAN_FILES: 'off' } },
    'taskspan, files and OTLP': { flag: true, env: otlp },
    'taskspan, OTLP alone': { flag: true, env: { ...otlp, TASKSPAN_FILES: 'off' } },
  };
  const app = await placeApp();
  for (const handler of handlers.split(',')) {
    for (const concurrency of concurrencies.split(',')) {
      const env = { BENCH_HANDLER: handler, BENCH_CONCURRENCY: concurrency };
      const measured: Record<string, Costs>[] = [];
      for (let round = 0; round < ROUNDS; round += 1) {
        // Every second round the other way round: none has always the same neighbour.
        const order = Object.entries(contenders);
        if (round % 2 === 1) order.reverse();
        const costs: Record<string, Costs> = {};
        for (const [name, contender] of order) {
          costs[name] = await costsOf(app, { ...contender, env: { ...env, ...contender.env } });
        }
        measured.push(costs);
      }
      print(`${handler} handler, concurrency ${concurrency}`, Object.keys(contenders), measured);
    }
  }
} finally {
  sink.closeAllConnections();
  sink.close();
  await stopDataServers();
  scratch.remove();
}

/** Path of the app, beside the packages that it uses. */
async function placeApp(): Promise<string> {
  const modules = await cachedInstall({
    '@opentelemetry/api': '1.9.1',
    '@opentelemetry/exporter-metrics-otlp-proto': '0.223.0',
    '@opentelemetry/exporter-trace-otlp-proto': '0.223.0',
    '@opentelemetry/resources': '2.12.0',
    '@opentelemetry/sdk-metrics': '2.12.0',
    '@opentelemetry/sdk-trace-node': '2.12.0',
    bullmq: '6.7.0',
    'bullmq-otel': '2.0.1',
    ioredis: '5.11.0',
  });
  const folder = scratch.folder('app');
  symlinkSync(join(modules, 'node_modules'), join(folder, 'node_modules'), 'junction');
  for (const name of APP) copyFileSync(join(import.meta.dirname, name), join(folder, name));
  return join(folder, APP[0] ?? '');
}

/** Runs one process to its end. Throws when it fails. */
async function costsOf(app: string, { flag, env }: Contender): Promise<Costs> {
  processes += 1;
  const { PATH = '', HOME = '' } = process.env;
  const own = {
    BENCH_REDIS: await emptyRedis(),
    BENCH_JOBS: String(JOBS),
    BENCH_ADDS: String(ADDS),
    TASKSPAN_DIR: scratch.folder(String(processes)),
    OTEL_EXPORTER_PROMETHEUS_PORT: '0',
  };
  // As in the tests of the libraries, TASKSPAN_TOOLKIT names a folder with another build of the toolkit.
  const toolkit = resolve(ROOT, process.env['TASKSPAN_TOOLKIT'] ?? '.');
  const register = pathToFileURL(join(toolkit, 'node_modules/taskspan/dist/register.js')).href;
  const child = spawn(process.execPath, ['--expose-gc', ...(flag ? ['--import', register] : []), app], {
    env: { PATH, HOME, ...own, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let printed = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    printed += text;
  });
  const code = await new Promise<number | null>((ended) => child.once('close', ended));
  if (code !== 0) throw new Error(`${JSON.stringify(env)} ended with ${code}: ${printed}`);
  return JSON.parse(printed) as Costs;
}

function print(title: string, names: readonly string[], measured: readonly Readonly<Record<string, Costs>>[]): void {
  console.log(`\n${title}: medians of ${measured.length} rounds (least to most)`);
  for (const [part, what] of Object.entries(PARTS) as [Part, string][]) {
    const alone = measured.map((round) => costIn(round, ALONE, part));
    const unit = `${median(alone.map(({ cpu }) => cpu)).toFixed(0)} us of processor, ${median(alone.map(({ wall }) => wall)).toFixed(0)} us`;
    console.log(`  ${what}; alone ${unit}`);
    for (const name of names) {
      if (name === ALONE) continue;
      const added = (round: Readonly<Record<string, Costs>>, of: string): number =>
        costIn(round, of, part).cpu - costIn(round, ALONE, part).cpu;
      const cpu = measured.map((round) => added(round, name));
      const share = measured.map((round) => (100 * added(round, name)) / added(round, BULLMQ_OTEL));
      const speed = measured.map((round) => (100 * costIn(round, ALONE, part).wall) / costIn(round, name, part).wall);
      const cells = [spread(cpu, ' us', 1), `${spread(share, ' %')} of bullmq-otel's`, `speed ${spread(speed, ' %')}`];
      console.log(`    ${name.padEnd(30)} +${cells.join(', ')}`);
    }
  }
  const spans = measured.map((round) => (round[BULLMQ_OTEL]?.spans ?? 0) / (2 * JOBS));
  console.log(`  bullmq-otel exported ${median(spans).toFixed(2)} spans a drained job`);
}

function costIn(round: Readonly<Record<string, Costs>>, name: string, part: Part): Cost {
  return round[name]?.[part] ?? { wall: Number.NaN, cpu: Number.NaN };
}

function spread(values: readonly number[], unit: string, digits = 0): string {
  const sorted = [...values].sort((a, b) => a - b);
  const [least = Number.NaN] = sorted;
  return `${median(values).toFixed(digits)}${unit} (${least.toFixed(digits)} to ${(sorted.at(-1) ?? Number.NaN).toFixed(digits)})`;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
