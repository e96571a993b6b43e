import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { logger } from './logger.js';

/** The phase of a transfer that takes the time; the short ones before and after it count from 0 again. */
const MOVING_OBJECTS = /(?:Writing|Receiving|Unpacking) objects: +(\d+)%/g;

/** Git ended with another exit code than 0. */
export class GitError extends Error {
  name = 'GitError';

  /**
   * @param {readonly string[]} args
   * @param {{exitCode: number | null, exitSignal: string | null, stdout: string, stderr: string}} result
   */
  constructor(args, result) {
    const why = result.stderr.trim() || `exit code ${result.exitCode ?? result.exitSignal}`;
    super(`git ${args[0]}: ${why}`);
    this.exitCode = result.exitCode;
    this.stdout = result.stdout;
    this.stderr = result.stderr;
  }
}

/** There is no git to call. */
export class GitMissing extends Error {
  name = 'GitMissing';
}

/**
 * What keeps a command inside the folder it is called in, and off the network: no variable that points git somewhere
 * else (a hook of the user's sets GIT_DIR), no transport but files, no question to anybody.
 */
function isolated() {
  const own = Object.entries(process.env).filter(([key]) => !key.startsWith('GIT_'));
  return { ...Object.fromEntries(own), GIT_ALLOW_PROTOCOL: 'file', GIT_TERMINAL_PROMPT: '0', LC_ALL: 'C' };
}

/**
 * Calls git as a child process and waits for its end.
 *
 * @param {readonly string[]} args the command and its arguments
 * @param {object} options
 * @param {string} options.cwd must exist
 * @param {readonly string[]} [options.flags] flags of git itself, which stand before the command
 * @param {Record<string, string>} [options.env] added to the environment
 * @param {AbortSignal} [options.signal] kills the child; the promise rejects with an AbortError once it is gone
 * @param {() => void} [options.onSpawned] called when the child runs
 * @param {(line: string) => void} [options.onLine] gets each line of the output, which is then not kept
 * @param {(share: number) => void} [options.onProgress] gets 0 to 1 from git's own progress lines
 * @returns {Promise<string>} the output without its last newline; empty when `onLine` got it
 * @throws {GitError} for an exit code other than 0
 * @throws {GitMissing} when git cannot be started
 */
export function git(args, { cwd, flags = [], env, signal, onSpawned, onLine, onProgress }) {
  return new Promise((resolve, reject) => {
    const began = performance.now();
    const child = spawn('git', [...flags, ...args], {
      cwd,
      env: { ...isolated(), ...env },
      signal,
      stdio: ['ignore', 'pipe', 'pipe'],
      windowsHide: true,
    });
    let stdout = '';
    let stderr = '';
    /** @type {Error | undefined} */
    let failed;
    if (onSpawned !== undefined) child.once('spawn', onSpawned);
    child.once('error', (error) => {
      failed =
        'code' in error && error.code === 'ENOENT' ? new GitMissing('git was not found: is it installed?') : error;
    });
    child.stdout.setEncoding('utf8');
    child.stderr.setEncoding('utf8');
    if (onLine === undefined) {
      child.stdout.on('data', (text) => {
        stdout += text;
      });
    } else {
      createInterface({ input: child.stdout }).on('line', onLine);
    }
    child.stderr.on('data', (text) => {
      // A big repository writes its progress for minutes; the end of it is where errors stand.
      stderr = (stderr + text).slice(-8192);
      const percent = [...text.matchAll(MOVING_OBJECTS)].at(-1)?.[1];
      if (percent !== undefined) onProgress?.(Number(percent) / 100);
    });
    child.once('close', (exitCode, exitSignal) => {
      const seconds = (performance.now() - began) / 1000;
      const line = { command: args.join(' '), exit: exitCode ?? exitSignal, seconds: Number(seconds.toFixed(3)) };
      logger.info(`git ${args[0]}`, line);
      // Ctrl-C on a terminal ends the child as well, and often before the signal does.
      if (failed === undefined && exitCode !== 0 && signal?.aborted) failed = signal.reason;
      if (failed !== undefined) reject(failed);
      else if (exitCode === 0) resolve(stdout.replace(/\n$/, ''));
      else reject(new GitError(args, { exitCode, exitSignal, stdout, stderr }));
    });
  });
}
