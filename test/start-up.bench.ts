/**
 * What register adds to the start of a process that does nothing, beside what the register hook of
 * `@opentelemetry/auto-instrumentations-node` adds: `npm run bench:start-up`. Interleaved, so that a machine whose speed
 * drifts slows all alike. The other hook is installed into the cache folder on the first run.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ROOT } from './house/source-tree.ts';
import { cachedInstall } from './pack/cached-install.ts';

const ROUNDS = 15;
const WARM_UP = 2;

const scratch = mkdtempSync(join(tmpdir(), 'taskspan-start-up-'));
const others = await cachedInstall({
  '@opentelemetry/api': '1.9.1',
  '@opentelemetry/auto-instrumentations-node': '0.81.0',
  '@opentelemetry/sdk-trace-node': '2.12.0',
  '@opentelemetry/sdk-metrics': '2.12.0',
  '@opentelemetry/sdk-logs': '0.223.0',
});

const empty = join(scratch, 'empty.mjs');
const bare = join(scratch, 'bare.mjs');
writeFileSync(join(scratch, 'package.json'), JSON.stringify({ name: 'empty', private: true }));
writeFileSync(empty, '');
writeFileSync(
  bare,
  ['sdk-trace-node', 'sdk-metrics', 'sdk-logs']
    .map((name) => `import ${JSON.stringify(pathToFileURL(entryOf(`@opentelemetry/${name}`)).href)};\n`)
    .join(''),
);

const register = pathToFileURL(join(ROOT, 'packages', 'taskspan', 'dist', 'register.js')).href;
const auto = pathToFileURL(
  join(others, 'node_modules/@opentelemetry/auto-instrumentations-node/build/src/register.js'),
).href;
const CONTENDERS: Readonly<Record<string, readonly string[]>> = {
  nothing: [],
  'the bare SDK packages, loaded': ['--import', pathToFileURL(bare).href],
  'taskspan/register': ['--import', register],
  "auto-instrumentations' register": ['--import', auto],
};

try {
  const times = new Map<string, number[]>(Object.keys(CONTENDERS).map((name) => [name, []]));
  for (let round = 0; round < ROUNDS + WARM_UP; round += 1) {
    for (const [name, args] of Object.entries(CONTENDERS)) {
      const elapsed = startMs(args);
      if (round >= WARM_UP) times.get(name)?.push(elapsed);
    }
  }
  const floor = median(times.get('nothing'));
  const ceiling = median(times.get("auto-instrumentations' register")) - floor;
  console.log(`start of an empty script, median of ${ROUNDS} interleaved rounds on Node ${process.versions.node}`);
  for (const [name, values] of times) {
    const added = median(values) - floor;
    const share = ((100 * added) / ceiling).toFixed(0);
    console.log(
      `  ${name.padEnd(34)} ${median(values).toFixed(0).padStart(5)} ms, adds ${added.toFixed(0).padStart(4)} ms (${share} %)`,
    );
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

/** Wall time in milliseconds from the call to the end of an empty process. Throws when it fails. */
function startMs(args: readonly string[]): number {
  const { PATH = '', HOME = '' } = process.env;
  const env = { PATH, HOME, TASKSPAN_DIR: join(scratch, 'data'), OTEL_EXPORTER_PROMETHEUS_PORT: '0' };
  const start = process.hrtime.bigint();
  // Exporters are off for the other hook: it would try to reach a Collector and wait for that at its end.
  const off = { OTEL_TRACES_EXPORTER: 'none', OTEL_METRICS_EXPORTER: 'none', OTEL_LOGS_EXPORTER: 'none' };
  const { status, stderr } = spawnSync(process.execPath, [...args, empty], {
    cwd: scratch,
    env: args[1] === auto ? { ...env, ...off } : env,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`${args.join(' ')} ended with ${status}: ${stderr}`);
  return Number(process.hrtime.bigint() - start) / 1e6;
}

function entryOf(name: string): string {
  return join(others, 'node_modules', name, 'build', 'src', 'index.js');
}

function median(values: readonly number[] = []): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
