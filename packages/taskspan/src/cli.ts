#!/usr/bin/env node
/**
 * The command line. `taskspan run` stands before somebody else's command, so it loads nothing that it does not need;
 * everything else is in `commands.ts`.
 */
import { statSync } from 'node:fs';
import { argv } from 'node:process';

if (argv[2] === 'run') {
  const { runFromCommandLine } = await loadRun();
  await runFromCommandLine(argv.slice(3));
} else {
  const { program } = await import('./commands.ts');
  await program.parseAsync();
}

/** From one file where the build has made that, which takes a third of the time. */
async function loadRun(): Promise<typeof import('./run-command.ts')> {
  const bundle = new URL('run-bundle.js', import.meta.url);
  const madeMs = changedMs(bundle);
  if (madeMs === undefined || isOutdated(madeMs)) return import('./run-command.ts');
  return (await import(bundle.href)) as typeof import('./run-command.ts');
}

/** In a working tree the files that it was made of may be newer. An installed package has no such state of a build. */
function isOutdated(madeMs: number): boolean {
  return ['taskspan', 'core', 'joblog', 'delivery', 'instrumentations'].some((name) => {
    const builtMs = changedMs(new URL(`../../${name}/dist/.tsbuildinfo`, import.meta.url));
    return builtMs !== undefined && builtMs > madeMs;
  });
}

function changedMs(file: URL): number | undefined {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs;
}
