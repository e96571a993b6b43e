/**
 * What `taskspan/register` adds to the start of an empty script, loaded by `--import` and by `--require`, as a share of
 * what the register hook of `@opentelemetry/auto-instrumentations-node` adds, for CommonJS, for an ES module, and for an
 * application that has a job library which it might import:
 * `npm run build && node --import tsx test/start-up.bench.ts [rounds]`.
 *
 * Every figure is a median of differences within a round, so that a machine whose speed drifts spoils none; processor
 * time is what remains comparable on a busy one. The other hook is installed into the cache folder on the first run.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ROOT } from './house/source-tree.ts';
import { cachedInstall } from './pack/cached-install.ts';

const ROUNDS = Number.parseInt(process.argv[2] ?? '15', 10);
/** The first rounds fill the caches of the disk. */
const WARM_UP = 2;

/** Milliseconds of one process, from its start to its end. */
interface Cost {
  readonly wall: number;
  readonly processor: number;
}

const others = await cachedInstall({
  '@opentelemetry/api': '1.9.1',
  '@opentelemetry/auto-instrumentations-node': '0.81.0',
});
const ours = join(ROOT, 'packages', 'taskspan', 'dist', 'register.js');
const theirs = join(others, 'node_modules/@opentelemetry/auto-instrumentations-node/build/src/register.js');
const OURS_BY_IMPORT = 'taskspan/register, by --import';
const OURS_BY_REQUIRE = 'taskspan/register, by --require';
const THEIRS = "auto-instrumentations' register";
const NOTHING = 'nothing';
const CONTENDERS: Readonly<Record<string, readonly string[]>> = {
  [NOTHING]: [],
  [OURS_BY_IMPORT]: ['--import', pathToFileURL(ours).href],
  [OURS_BY_REQUIRE]: ['--require', ours],
  [THEIRS]: ['--import', pathToFileURL(theirs).href],
};

/** Tells at the end how many microseconds of processor time the process has used, all its threads together. */
const USAGE = `process.on('exit', () => {
  const { user, system } = process.cpuUsage();
  process.stderr.write('used ' + (user + system) + '\\n');
});`;

const scratch = mkdtempSync(join(tmpdir(), 'taskspan-start-up-'));
const usage = join(scratch, 'usage.cjs');
try {
  writeFileSync(usage, USAGE);
  const library = 'node_modules/pg-boss/package.json';
  compare('an empty script', write('plain', ['empty.cjs']));
  compare('an empty ES module', write('plain', ['empty.mjs']));
  compare('an empty script beside a job library that is an ES module', write('beside', ['empty.cjs', library]));
  compare('an empty ES module beside one', write('beside', ['empty.mjs', library]));
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

/** Writes an application. Returns its main file, the first one. */
function write(name: string, files: readonly string[]): string {
  const manifest = JSON.stringify({ name, private: true, version: '12.0.0', type: 'module', exports: './index.js' });
  for (const file of ['package.json', ...files]) {
    mkdirSync(dirname(join(scratch, name, file)), { recursive: true });
    writeFileSync(join(scratch, name, file), file.endsWith('package.json') ? manifest : '');
  }
  return join(scratch, name, files[0] ?? '');
}

function compare(what: string, script: string): void {
  const rounds: Readonly<Record<string, Cost>>[] = [];
  for (let round = 0; round < ROUNDS + WARM_UP; round += 1) {
    // Every second round the other way round: none has always the same neighbour.
    const order = Object.entries(CONTENDERS);
    if (round % 2 === 1) order.reverse();
    const costs = Object.fromEntries(order.map(([name, args]) => [name, costOf(args, script)]));
    if (round >= WARM_UP) rounds.push(costs);
  }
  console.log(`start of ${what} on Node ${process.versions.node}, medians of ${ROUNDS} rounds`);
  for (const name of [OURS_BY_IMPORT, OURS_BY_REQUIRE, THEIRS]) {
    console.log(`  ${name.padEnd(34)} ${describe(rounds, name, 'wall')}, ${describe(rounds, name, 'processor')}`);
  }
}

function describe(rounds: readonly Readonly<Record<string, Cost>>[], name: string, kind: keyof Cost): string {
  const added = (round: Readonly<Record<string, Cost>>, of: string): number =>
    (round[of]?.[kind] ?? Number.NaN) - (round[NOTHING]?.[kind] ?? Number.NaN);
  const milliseconds = median(rounds.map((round) => added(round, name)));
  const share = median(rounds.map((round) => added(round, name) / added(round, THEIRS)));
  return `${kind} +${milliseconds.toFixed(0)} ms (${(100 * share).toFixed(0)} %)`;
}

/** Runs one process to its end. Throws when it fails. */
function costOf(args: readonly string[], script: string): Cost {
  const { PATH = '', HOME = '' } = process.env;
  // Exporters are off for the other hook: it would try to reach a Collector, and wait for that at its end.
  const off = { OTEL_TRACES_EXPORTER: 'none', OTEL_METRICS_EXPORTER: 'none', OTEL_LOGS_EXPORTER: 'none' };
  const own = { TASKSPAN_DIR: join(scratch, 'data'), OTEL_EXPORTER_PROMETHEUS_PORT: '0' };
  const start = process.hrtime.bigint();
  const { status, stderr } = spawnSync(process.execPath, ['--require', usage, ...args, script], {
    cwd: dirname(script),
    env: { PATH, HOME, ...(args === CONTENDERS[THEIRS] ? off : own) },
    encoding: 'utf8',
  });
  const wall = Number(process.hrtime.bigint() - start) / 1e6;
  const microseconds = /^used (\d+)$/m.exec(stderr)?.[1];
  if (status !== 0 || microseconds === undefined) throw new Error(`${args.join(' ')} ended with ${status}: ${stderr}`);
  return { wall, processor: Number(microseconds) / 1000 };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
