import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ROOT } from '../../house/source-tree.ts';
import { getText } from './http-json.ts';
import { poll } from './poll.ts';
import { PrometheusText } from './prometheus-text.ts';

const APPS = fileURLToPath(new URL('../apps/', import.meta.url));

const FLAG: readonly string[] = ['--import', 'taskspan/register'];

export interface AppOptions {
  /** Name of a file in `apps/`, or a path. */
  readonly app: string;
  readonly args?: readonly string[];
  /** Node to run it with. Default: the one that runs the tests. */
  readonly node?: string;
  /** Arguments for Node, before the app. Default: the flag that switches the toolkit on. */
  readonly nodeArgs?: readonly string[];
  /** Where its data goes: `TASKSPAN_DIR`. */
  readonly folder: string;
  /** Beside PATH, HOME, the folder, a service name, and a free port for `/metrics`. */
  readonly env?: Readonly<Record<string, string>>;
  /** Folder to run in. Default: the top of the repository, where packages are found. */
  readonly cwd?: string;
}

/** How an app ended. */
export interface AppEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

const running = new Set<ChildProcess>();
process.once('exit', killLeftApps);

/** Ends the apps that failed tests have left behind: while one runs, so does mocha. */
export function killLeftApps(): void {
  for (const child of running) child.kill('SIGKILL');
}

/** An application under `--import taskspan/register`, as a user starts it. The apps here end when their stdin is closed. */
export class AppProcess {
  readonly ended: Promise<AppEnd>;
  stdout = '';
  stderr = '';
  readonly #child: ChildProcess;
  readonly #folder: string;
  #isOver = false;
  #waiting: (() => void)[] = [];

  constructor(options: AppOptions) {
    const { app, args = [], node = process.execPath, nodeArgs = FLAG, folder, env, cwd = ROOT } = options;
    const { PATH = '', HOME = '' } = process.env;
    const own = { TASKSPAN_DIR: folder, OTEL_SERVICE_NAME: 'e2e', OTEL_EXPORTER_PROMETHEUS_PORT: '0' };
    const child = spawn(node, [...nodeArgs, join(app.includes('/') ? '' : APPS, app), ...args], {
      cwd,
      env: { PATH, HOME, ...own, ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.#child = child;
    this.#folder = folder;
    running.add(child);
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
      this.#changed();
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
      this.#changed();
    });
    // It may be gone before all was written.
    child.stdin?.on('error', () => undefined);
    this.ended = new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => {
        running.delete(child);
        this.#isOver = true;
        this.#changed();
        resolve({ code, signal, stdout: this.stdout, stderr: this.stderr });
      });
    });
  }

  get pid(): number {
    const { pid } = this.#child;
    if (pid === undefined) throw new Error('the app did not start');
    return pid;
  }

  /** Writes a line to its stdin. */
  tell(line: string): void {
    this.#child.stdin?.write(`${line}\n`);
  }

  /** Closes its stdin, which ends the apps here in order, and waits for that. */
  async finish(): Promise<AppEnd> {
    this.#child.stdin?.end();
    return await this.ended;
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Kills it when it still runs: what a test does at its end, however that came. */
  async stop(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.ended;
  }

  /** Resolves with the match when its standard output (or error) matches; throws when it ends without. */
  async printed(pattern: RegExp, stream: 'stdout' | 'stderr' = 'stdout'): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this[stream]);
      if (match !== null) return match;
      if (this.#isOver) throw new Error(`the app ended without ${pattern}:\n${this.stdout}\n${this.stderr}`);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** What it serves as `/metrics` now. The server listens a little after the start. */
  async metricsText(): Promise<string> {
    const url = await poll('the address of /metrics', () => this.#metricsUrl());
    return await getText(url);
  }

  async metrics(): Promise<PrometheusText> {
    return new PrometheusText(await this.metricsText());
  }

  #metricsUrl(): string {
    const folder = join(this.#folder, 'processes');
    for (const name of readdirSync(folder)) {
      const entry = JSON.parse(readFileSync(join(folder, name), 'utf8')) as {
        pid: number;
        metrics_url?: string | null;
      };
      if (entry.pid === this.pid && typeof entry.metrics_url === 'string') return entry.metrics_url;
    }
    throw new Error(`no entry of process ${this.pid} in ${folder}`);
  }

  #changed(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
