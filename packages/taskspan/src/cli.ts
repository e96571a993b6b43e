#!/usr/bin/env node
/**
 * The command line. `taskspan run` stands before somebody else's command, so it loads nothing that it does not need;
 * everything else is in `commands.ts`.
 */
import { argv } from 'node:process';

if (argv[2] === 'run') {
  const { runFromCommandLine } = await import('./run-command.ts');
  await runFromCommandLine(argv.slice(3));
} else {
  const { program } = await import('./commands.ts');
  await program.parseAsync();
}
