/** `taskspan run`: a command of any kind as a task, with its output, its signals and its exit code as without us. */
import { writeSync } from 'node:fs';
import { resolve } from 'node:path';
import { reportOnce, state } from '@taskspan/core/hub';
import { type CommandResult, givenRunId, openOutputPipes, superviseCommand } from '@taskspan/joblog/run';
import { type CommandKeeping, keepCommand } from './command-keeping.ts';
import { type Config, describeWarning, readConfig } from './config.ts';
import { claimFolder } from './directory.ts';
import { applyEnvFiles } from './env-file.ts';
import { endBySignal, endWithCode } from './process-end.ts';
import { type RunRequest, readRunArguments, runHelp, UsageError } from './run-options.ts';

/** Between 124 (timeout) and 126 (cannot be executed), as other programs that run programs have it. */
const WRONG_USE = 125;

/** Carries out `taskspan run` with these arguments, and ends this process as the command ended. */
export async function runFromCommandLine(args: readonly string[]): Promise<void> {
  state.warn = warn;
  try {
    const request = readRunArguments(args);
    if (request === undefined) process.stdout.write(runHelp());
    else {
      applyEnvFiles(request.envFiles);
      await run(request);
    }
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    say(`error: ${error.message}\n\n${runHelp()}`);
    process.exitCode = WRONG_USE;
  }
}

async function run(request: RunRequest): Promise<void> {
  const { command, dir, envFiles: _, quiet, id, ...options } = request;
  const config = readConfig(process.env, dir === undefined ? {} : { dir });
  if (dir !== undefined && !config.disabled) checkFolder(dir);
  // Made by a process of the system, while everything else is loaded.
  const pipes = openOutputPipes();
  for (const warning of config.warnings) reportOnce(`config.${warning.key}`, describeWarning(warning));
  const keeping = config.disabled ? undefined : await keep(config);
  const result = await superviseCommand(
    command,
    { ...options, id: id ?? givenRunId(process.env), show: !quiet },
    { written: () => keeping?.written(), pipes },
  );
  await keeping?.close();
  if (result.category === 'launch_failed') say(`taskspan: ${command[0]}: ${reason(result.errorType)}\n`);
  else if (quiet && result.status === 'failure') say(`taskspan: ${failure(command, result, keeping !== undefined)}\n`);
  const signal = result.interruptedBy ?? (result.category === 'signal' ? result.signal : undefined);
  if (signal !== undefined) await endBySignal(signal);
  else endWithCode(result.shellStatus);
}

/** Whatever is wrong here, the command runs. */
async function keep(config: Config): Promise<CommandKeeping | undefined> {
  try {
    return await keepCommand(config);
  } catch (error) {
    warn(`the run cannot be kept: ${String(error)}`);
    return undefined;
  }
}

/** Whoever names a folder wants the log there and nowhere else. @throws UsageError when it cannot be written to */
function checkFolder(dir: string): void {
  const problem = claimFolder(resolve(dir));
  if (problem === undefined) return;
  throw new UsageError(`option '--dir <folder>' argument '${dir}' is invalid: it cannot be used (${problem})`);
}

/** For whoever sees nothing else: cron sends a mail of it. */
function failure(command: readonly string[], { id, errorType }: CommandResult, isKept: boolean): string {
  const log = id === undefined || !isKept ? '' : `: taskspan logs ${id}`;
  return `${command[0]} failed (${errorType})${log}`;
}

function reason(code: string | undefined): string {
  if (code === 'ENOENT') return 'command not found';
  return code === 'EACCES' ? 'permission denied' : `cannot be executed (${code})`;
}

function warn(message: string): void {
  say(`taskspan: ${message}\n`);
}

/** stderr may be closed, or its reader gone: what is said there must not end us. */
function say(text: string): void {
  try {
    writeSync(2, text);
  } catch {
    // There is nobody left to be told.
  }
}
