import { chmodSync, cpSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { GO_BUILD, requireGo, runGo } from './go-toolchain.ts';
import { keptFolder } from './kept-folder.ts';

const MODULE = 'github.com/jaegertracing/jaeger';
/** The release of the module that is Jaeger 2.13. */
const VERSION = 'v1.76.0';
const PACKAGE = './cmd/jaeger';

/**
 * Jaeger 2: 3 to 4 minutes on 2 cores the first time.
 *
 * @param within folder of all kept folders
 * @returns absolute path of the program
 */
export async function jaegerProgram(within: string): Promise<string> {
  const folder = await keptFolder(within, {
    name: 'jaeger',
    from: [MODULE, VERSION, PACKAGE, GO_BUILD],
    programs: { jaeger: ['version'] },
    make: build,
  });
  return join(folder, 'jaeger');
}

/** Its module replaces others, which Go allows in a main module only: so it is built in a copy of its own folder. */
async function build(result: string, scratch: string): Promise<void> {
  await requireGo('Jaeger', { cwd: scratch });
  writeFileSync(join(scratch, 'go.mod'), 'module download\n');
  const { stdout } = await runGo(['mod', 'download', '-json', `${MODULE}@${VERSION}`], { cwd: scratch });
  const { Dir: downloaded } = JSON.parse(stdout) as { Dir: string };
  const source = join(scratch, 'source');
  cpSync(downloaded, source, { recursive: true });
  makeWritable(source);
  await runGo([...GO_BUILD, '-o', join(result, 'jaeger'), PACKAGE], { cwd: source });
}

/** Go keeps modules read-only, folders too: nothing in a copy of them could be removed. */
function makeWritable(folder: string): void {
  chmodSync(folder, 0o755);
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) makeWritable(join(folder, entry.name));
  }
}
