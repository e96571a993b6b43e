import { spawn } from 'node:child_process';

/** Lines of a failed command's output that are shown. */
const LINES_SHOWN = 40;

export interface CommandOptions {
  readonly cwd: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** What a program said when it ended well. */
export interface CommandOutput {
  readonly stdout: string;
}

/**
 * Runs a program to its end; it is named on stderr, what it says is shown only when it fails.
 *
 * @throws Error that names the command and holds the end of its output; with the code `ENOENT` when there is no such
 *   program
 */
export function runLogged(
  program: string,
  args: readonly string[],
  { cwd, env = process.env }: CommandOptions,
): Promise<CommandOutput> {
  const command = [program, ...args].join(' ');
  console.error(`${new Date().toISOString().slice(11, 19)} ${command}`);
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    const said: Buffer[] = [];
    const stdout: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => {
      said.push(chunk);
      stdout.push(chunk);
    });
    child.stderr.on('data', (chunk: Buffer) => said.push(chunk));
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (code === 0) {
        resolve({ stdout: Buffer.concat(stdout).toString() });
        return;
      }
      const end = Buffer.concat(said).toString().trimEnd().split('\n').slice(-LINES_SHOWN).join('\n');
      reject(new Error(`${command}\n${end}\nfailed (${signal ?? code})`));
    });
  });
}
