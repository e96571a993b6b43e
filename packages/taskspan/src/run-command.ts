/** `taskspan run`: a command of any kind as a task, with its output, its signals and its exit code as without us. */
import { readFileSync, writeSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { reportOnce, state } from '@taskspan/core/hub';
import { givenRunId, openOutputPipes, superviseCommand } from '@taskspan/joblog/run';
import { type CommandKeeping, keepCommand } from './command-keeping.ts';
import { type Config, describeWarning, readConfig } from './config.ts';
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
  // Made by a process of the system, while everything else is loaded.
  const pipes = openOutputPipes();
  const config = readConfig(process.env, dir === undefined ? {} : { dir });
  for (const warning of config.warnings) reportOnce(`config.${warning.key}`, describeWarning(warning));
  const keeping = config.disabled ? undefined : await keep(config);
  const result = await superviseCommand(
    command,
    { ...options, id: id ?? givenRunId(process.env), show: !quiet },
    { written: () => keeping?.written(), pipes },
  );
  await keeping?.close();
  if (result.category === 'launch_failed') say(`taskspan: ${command[0]}: ${reason(result.errorType)}\n`);
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

/**
 * What is set already wins, as with Node's own `--env-file`; of two files, the later one. They are for this process, too:
 * some versions of Node read the option themselves, wherever it stands.
 */
function applyEnvFiles(files: readonly string[]): void {
  const variables: Record<string, string | undefined> = {};
  for (const file of files) {
    try {
      Object.assign(variables, parseEnv(readFileSync(file, 'utf8')));
    } catch (error) {
      throw new UsageError(`option '--env-file <file>' cannot be read: ${(error as Error).message}`);
    }
  }
  Object.assign(process.env, { ...variables, ...process.env });
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
