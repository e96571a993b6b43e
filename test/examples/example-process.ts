import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const EXAMPLES = fileURLToPath(new URL('../../examples/', import.meta.url));

export interface ExampleOptions {
  /** Name of a folder in `examples/`. */
  readonly example: string;
  /** The program, from that folder. */
  readonly file: string;
  readonly args?: readonly string[];
  /** Beside PATH and HOME. */
  readonly env?: Readonly<Record<string, string>>;
  /** Flags of node that stand before the program. Default: none, as the example's own scripts start it. */
  readonly flags?: readonly string[];
}

/** How a program ended. */
export interface ExampleEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What still runs. However the tests end, none of it outlives them. */
const running = new Set<ChildProcess>();
process.once('exit', killLeftExamples);

/** Ends the programs that failed tests have left behind: while one runs, so does mocha. */
export function killLeftExamples(): void {
  for (const child of running) child.kill('SIGKILL');
}

/** A program of an example, started in the example's folder. */
export class ExampleProcess {
  readonly ended: Promise<ExampleEnd>;
  stdout = '';
  stderr = '';
  readonly #child: ChildProcess;
  #isOver = false;
  #waiting: (() => void)[] = [];

  constructor(options: ExampleOptions) {
    const { example, file, args = [], env, flags = [] } = options;
    const { PATH = '', HOME = '' } = process.env;
    const child = spawn(process.execPath, [...flags, file, ...args], {
      cwd: `${EXAMPLES}${example}`,
      env: { PATH, HOME, NO_COLOR: '1', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    running.add(child);
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
      this.#changed();
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
      this.#changed();
    });
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

  /** Resolves when it has printed all of these (each as often as given), on either stream; throws when it ends without. */
  async printed(...patterns: readonly RegExp[]): Promise<void> {
    for (;;) {
      const output = `${this.stdout}\n${this.stderr}`;
      const missing = patterns.filter((pattern) => !pattern.test(output));
      if (missing.length === 0) return;
      if (this.#isOver) throw new Error(`${this.#child.spawnfile} ended without ${missing.join(', ')}:\n${output}`);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** Asks it to end, as an operator does, and waits until it has. */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<ExampleEnd> {
    this.#child.kill(signal);
    return await this.ended;
  }

  /** Kills it when it still runs: what a test does at its end, however that came. */
  async stop(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.ended;
  }

  #changed(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
