import { SCOPE } from '@taskspan/core';
import { Command, InvalidArgumentError } from 'commander';
import { registerPrune } from './prune-command.ts';
import { registerJobs } from './reader-commands/jobs-command.ts';
import { registerLogs } from './reader-commands/logs-command.ts';
import { registerMetrics } from './reader-commands/metrics-command.ts';
import { registerSearch } from './reader-commands/search-command.ts';
import { registerRun } from './run-options.ts';
import { registerServe } from './serve-command.ts';

const print = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

/**
 * Every command of `taskspan`. Each is registered by a function of a file of its own, which loads what it needs when it
 * runs.
 */
export const program: Command = new Command('taskspan')
  .description('See every background task of a Node application: one span, exact metrics, one log per run.')
  .version(SCOPE.version)
  .showHelpAfterError('Usage: taskspan [command] --help shows what can be asked for');

registerRun(program);
registerJobs(program);
registerLogs(program);
registerSearch(program);
registerMetrics(program);
registerPrune(program);
registerServe(program);

program
  .command('doctor')
  .description('show what is detected in this project, and what to mend; exits with 1 when something is broken')
  .argument('[app]', 'main file of the application', '.')
  .option('--dir <folder>', 'data folder to examine (default: where this application would write)')
  .option('--json', 'print one JSON object')
  .action(async (app: string, options: { dir?: string; json?: boolean }) => {
    const { examine, printFindings } = await import('./doctor.ts');
    const findings = await examine({ app, dir: options.dir, env: process.env });
    if (options.json === true) print(JSON.stringify({ findings }));
    else printFindings(findings, print);
    if (findings.some((finding) => finding.level === 'broken')) process.exitCode = 1;
  });

program
  .command('demo')
  .description('run small tasks that succeed, fail and expire for a few seconds, and show where they can be seen')
  .option('--dir <folder>', 'data folder (default: as for an application)')
  .option('--seconds <number>', 'how long new runs begin', seconds, 3)
  .option('--keep', 'keep serving the metrics afterwards')
  .action(async (options: { dir?: string; seconds: number; keep?: boolean }) => {
    const [{ runDemo }, { start }] = await Promise.all([import('./demo.ts'), import('./start.ts')]);
    const taskspan = start({
      quiet: true,
      ...(options.dir === undefined ? {} : { dir: options.dir }),
      ...(process.env['OTEL_SERVICE_NAME'] === undefined ? { serviceName: 'taskspan-demo' } : {}),
    });
    await runDemo(taskspan, { seconds: options.seconds, keep: options.keep === true, print });
    await taskspan.shutdown();
  });

function seconds(value: string): number {
  const number = Number(value);
  if (Number.isFinite(number) && number >= 0 && number <= 3600) return number;
  throw new InvalidArgumentError('a number of seconds from 0 to 3600 is wanted.');
}
