import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { poll } from './poll.ts';

export interface ServerOptions {
  /** For messages. */
  readonly name: string;
  /** Path of the program. */
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Who runs it, for servers that refuse to run as root. Default: who runs the tests. */
  readonly user?: SystemUser | undefined;
  /** What tells that the server serves: a line of its output, or a request that throws until it does. */
  readonly checkReady: RegExp | (() => Promise<void>);
}

/** Numbers of a user of this system, and of its group. */
export interface SystemUser {
  readonly uid: number;
  readonly gid: number;
}

/** Longer than any of these servers takes to start on a busy machine. */
const START_TIMEOUT_MS = 60_000;

/** From SIGTERM to SIGKILL: the Collector sends what it holds before it ends. */
const STOP_TIMEOUT_MS = 15_000;

/** Characters of output that are kept, the last ones. */
const OUTPUT_CHARS = 200_000;

/** What still runs. However the tests end, none of it outlives them. */
const running = new Set<ChildProcess>();
process.once('exit', killLeftServers);

/** Ends the servers that failed tests have left behind: while one runs, so does mocha. */
export function killLeftServers(): void {
  for (const child of running) child.kill('SIGKILL');
}

/** A server of another project as a child process: started when it answers, stopped in order or killed, started again. */
export class ServerProcess {
  readonly #options: ServerOptions;
  #child: ChildProcess | undefined;
  #output = '';
  #printed: () => void = () => undefined;

  /** Starts nothing yet. */
  constructor(options: ServerOptions) {
    this.#options = options;
  }

  /** What it printed so far, over all its starts; the end of it, when that is much. */
  get output(): string {
    return this.#output;
  }

  /** Number of the running process. */
  get pid(): number {
    const pid = this.#child?.pid;
    if (pid === undefined) throw new Error(`${this.#options.name} does not run`);
    return pid;
  }

  /** Starts it, and resolves when it serves. Throws with its output when it ends first, or does not get ready. */
  async start(): Promise<void> {
    if (this.#child !== undefined) throw new Error(`${this.#options.name} runs already`);
    const { name, command, args, env, cwd, user, checkReady } = this.#options;
    const { PATH = '', HOME = '' } = process.env;
    const child = spawn(command, args, {
      cwd,
      ...user,
      env: { PATH, HOME, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    running.add(child);
    child.stdout?.setEncoding('utf8').on('data', (text: string) => this.#keep(text));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => this.#keep(text));
    const ended = new Promise<string>((resolve) => {
      child.once('error', (error) => resolve(String(error)));
      child.once('exit', (code, signal) => resolve(`ended with ${code ?? signal}`));
    });
    let end: string | undefined;
    void ended.then((how) => {
      end = how;
      running.delete(child);
      if (this.#child === child) this.#child = undefined;
    });
    if (checkReady instanceof RegExp) {
      await this.#waitFor(checkReady, ended);
    } else {
      await poll(
        `${name} to serve`,
        async () => {
          if (end === undefined) await checkReady();
        },
        { timeoutMs: START_TIMEOUT_MS, evidence: () => this.#output },
      );
    }
    if (end !== undefined) throw new Error(`${name} ${end}\n${this.#output}`);
  }

  /** Asks it to end, and kills it when it does not; resolves when it has ended. Not running is no error. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    const patience = new AbortController();
    const late = sleep(STOP_TIMEOUT_MS, true, { signal: patience.signal }).catch(() => false);
    if ((await Promise.race([ended.then(() => false), late])) === true) child.kill('SIGKILL');
    patience.abort();
    await ended;
    this.#child = undefined;
  }

  /** `kill -9`; resolves when it is gone. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined) throw new Error(`${this.#options.name} does not run`);
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
    this.#child = undefined;
  }

  /** Resolves when this start printed the line, or ended. */
  async #waitFor(line: RegExp, ended: Promise<string>): Promise<void> {
    const from = this.#output.length;
    const patience = new AbortController();
    const late = sleep(START_TIMEOUT_MS, true, { signal: patience.signal }).catch(() => false);
    const said = new Promise<void>((resolve) => {
      this.#printed = () => {
        if (line.test(this.#output.slice(from))) resolve();
      };
    });
    const isLate = await Promise.race([said.then(() => false), ended.then(() => false), late]);
    patience.abort();
    if (isLate) throw new Error(`${this.#options.name} to serve: not within ${START_TIMEOUT_MS} ms\n${this.#output}`);
  }

  #keep(text: string): void {
    this.#output = (this.#output + text).slice(-OUTPUT_CHARS);
    this.#printed();
  }
}
