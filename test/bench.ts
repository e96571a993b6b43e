/**
 * Runs every bench of the packages in turn, each in a process of its own, so that none inherits the heap and the compiled
 * code of the one before: `npm run bench [part of a path]`.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const [wanted = ''] = process.argv.slice(2);

const benches = readdirSync(join(root, 'packages'))
  .flatMap((folder) => benchesBelow(join(root, 'packages', folder, 'src')))
  .map((file) => relative(root, file))
  .filter((file) => file.includes(wanted))
  .sort();

for (const bench of benches) {
  console.log(`\n=== ${bench}`);
  const { status, signal } = spawnSync(process.execPath, ['--expose-gc', '--import', 'tsx', bench], {
    cwd: root,
    stdio: 'inherit',
  });
  if (status === 0) continue;
  console.error(`${bench} ended with ${status ?? signal}`);
  process.exitCode = 1;
}
if (benches.length === 0) {
  console.error(`no bench has ${JSON.stringify(wanted)} in its path`);
  process.exitCode = 1;
}

function benchesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.bench.ts'))
    .map((file) => join(folder, file));
}
