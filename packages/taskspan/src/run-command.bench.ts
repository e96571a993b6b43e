/**
 * What `taskspan run` adds to a command: to its start and end, beside the start of Node itself, and to what a loud one
 * prints, beside the command alone. Commands take turns, and the medians of the rounds are shown.
 * Run: npm run build && node --import tsx packages/taskspan/src/run-command.bench.ts
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const CLI = fileURLToPath(new URL('../dist/cli.js', import.meta.url));
const ROUNDS = Number.parseInt(process.argv[2] ?? '15', 10);
const LOUD = 'b = b"x" * 99 + b"\\n"\nimport sys\nfor _ in range(2000): sys.stdout.buffer.write(b * 1000)';
const LOUD_MB = 200;

const data = mkdtempSync(join(tmpdir(), 'taskspan-run-bench-'));
const run = [process.execPath, CLI, 'run', '--dir', data, '--'];

try {
  compare('milliseconds of a command that does nothing', ROUNDS, {
    true: ['true'],
    'node, which does nothing': [process.execPath, '-e', '0'],
    'taskspan run -- true': [...run, 'true'],
  });
  const loud = compare(`milliseconds of a command that prints ${LOUD_MB} MB in lines of 100 bytes`, 3, {
    alone: ['python3', '-c', LOUD],
    'taskspan run': [...run, 'python3', '-c', LOUD],
  });
  for (const [name, ms] of Object.entries(loud)) {
    console.log(`  ${((LOUD_MB / ms) * 1000).toFixed(0).padStart(6)} MB/s  ${name}`);
  }
} finally {
  rmSync(data, { recursive: true, force: true });
}

function compare(
  title: string,
  rounds: number,
  commands: Readonly<Record<string, readonly string[]>>,
): Record<string, number> {
  console.log(title);
  const times = new Map(Object.keys(commands).map((name) => [name, [] as number[]]));
  // The first round fills the caches of the disk.
  for (let round = 0; round <= rounds; round += 1) {
    for (const [name, [program = '', ...args]] of Object.entries(commands)) {
      const start = performance.now();
      const { status } = spawnSync(program, args, { stdio: ['ignore', 'ignore', 'inherit'] });
      if (status !== 0) throw new Error(`${name} ended with ${status}`);
      if (round > 0) times.get(name)?.push(performance.now() - start);
    }
  }
  const medians = [...times].map(([name, all]) => [name, median(all)] as const);
  for (const [name, ms] of medians) {
    const added = ms - (medians[0]?.[1] ?? 0);
    console.log(
      `  ${ms.toFixed(1).padStart(8)}  ${added > 0 ? `+${added.toFixed(1)}`.padStart(8) : ' '.repeat(8)}  ${name}`,
    );
  }
  return Object.fromEntries(medians);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
