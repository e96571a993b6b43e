/** Applications in folders of their own, run in child processes as a user would run them. */
import { type ChildProcess, spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type DecodedRecord, type DecodedSpan, decodeLine } from '@taskspan/joblog';

const PACKAGES = fileURLToPath(new URL('../..', import.meta.url));
const require = createRequire(import.meta.url);

/** What an app finds in its `node_modules` beside ours: the very copies of the workspace. */
const INSTALLED = [
  '@opentelemetry/api',
  '@opentelemetry/api-logs',
  '@opentelemetry/resources',
  '@opentelemetry/sdk-logs',
  '@opentelemetry/sdk-metrics',
  '@opentelemetry/sdk-trace-base',
  '@opentelemetry/sdk-trace-node',
  'pino',
  'winston',
];

/**
 * `import { metrics, own } from './own.mjs'` in an app: the text of its own `/metrics`, and its entry among the
 * processes. The server listens a little after the start, so both wait for it.
 */
const OWN = `
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
export async function own() {
  const folder = join(process.env.TASKSPAN_DIR, 'processes');
  for (;;) {
    const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.json')) : [];
    const texts = names.map((name) => readFileSync(join(folder, name), 'utf8'));
    const entry = texts.map((text) => JSON.parse(text)).find(({ pid }) => pid === process.pid);
    if (entry !== undefined) return entry;
    await sleep(5);
  }
}
export async function metrics() {
  return (await fetch((await own()).metrics_url)).text();
}
`;

export interface RunOptions {
  /** Arguments for Node before the script; default \`--import taskspan/register\`. */
  readonly nodeArgs?: readonly string[];
  readonly args?: readonly string[];
  /** Beside PATH, the data folder, and a free port for the metrics; undefined takes one of these away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  /** A program to start it with, such as `sh -c`. */
  readonly through?: readonly string[];
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly milliseconds: number;
}

const REGISTER = ['--import', 'taskspan/register'] as const;

/** A child process whose output can be waited for. */
export class RunningApp {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  stdout = '';
  stderr = '';
  #waiting: (() => void)[] = [];

  constructor(child: ChildProcess) {
    this.child = child;
    const began = performance.now();
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
        const { stdout, stderr } = this;
        resolve({ code, signal, stdout, stderr, milliseconds: performance.now() - began });
        this.#closed = true;
        this.#changed();
      });
    });
  }

  #closed = false;

  /** Resolves when standard output (or error) contains this. */
  async printed(text: string, stream: 'stdout' | 'stderr' = 'stdout'): Promise<void> {
    while (!this[stream].includes(text)) {
      if (this.#closed) throw new Error(`ended without "${text}": ${this.stdout}\n${this.stderr}`);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  #changed(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

/** A folder with a package.json, `node_modules` and apps; its data lies in `data`. */
export class AppFolder {
  readonly path: string = mkdtempSync(join(tmpdir(), 'taskspan-app-'));
  readonly data: string = join(this.path, 'data');
  readonly #children = new Set<ChildProcess>();
  #count = 0;

  constructor() {
    const modules = join(this.path, 'node_modules');
    link(join(PACKAGES, 'taskspan'), join(modules, 'taskspan'));
    link(join(PACKAGES, 'core'), join(modules, '@taskspan/core'));
    for (const name of INSTALLED) link(installedFolder(name), join(modules, name));
    this.write('package.json', JSON.stringify({ name: 'proving-app', version: '1.2.3', private: true }));
    this.write('own.mjs', OWN);
  }

  /** Writes a file, with its folders. @returns its path */
  write(name: string, text: string): string {
    const path = join(this.path, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    return path;
  }

  /** Installs one more package, the very copy of the workspace. */
  link(name: string): void {
    const own = name.startsWith('@taskspan/') ? join(PACKAGES, name.slice('@taskspan/'.length)) : installedFolder(name);
    link(own, join(this.path, 'node_modules', name));
  }

  /** A folder for data that no other app of this one writes to, as environment for `run`. */
  ownData(): { readonly TASKSPAN_DIR: string } {
    this.#count += 1;
    return { TASKSPAN_DIR: join(this.path, `data${this.#count}`) };
  }

  /** Starts a script; source text is written to a file first, an ES module unless it requires something. */
  start(source: string, options: RunOptions = {}): RunningApp {
    const script = /^[\w./-]+\.[cm]?js$/.test(source) ? source : this.#script(source);
    const { PATH = '', HOME = '' } = process.env;
    const env: Record<string, string | undefined> = {
      PATH,
      HOME,
      TASKSPAN_DIR: this.data,
      OTEL_EXPORTER_PROMETHEUS_PORT: '0',
      ...options.env,
    };
    const command = [process.execPath, ...(options.nodeArgs ?? REGISTER), script, ...(options.args ?? [])];
    const [program = '', ...args] = [...(options.through ?? []), ...command];
    const child = spawn(program, args, {
      cwd: options.cwd ?? this.path,
      env: Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined)),
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    // The channel is for apps that want one; it keeps nobody alive.
    this.#children.add(child);
    child.once('close', () => this.#children.delete(child));
    return new RunningApp(child);
  }

  run(source: string, options: RunOptions = {}): Promise<Ended> {
    return this.start(source, options).ended;
  }

  #script(source: string): string {
    this.#count += 1;
    return this.write(`app${this.#count}.${/\brequire\(/.test(source) ? 'cjs' : 'mjs'}`, source);
  }

  /** Ends what still runs, and removes the folder. */
  remove(): void {
    for (const child of this.#children) child.kill('SIGKILL');
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** The folder of an installed package, whatever its `exports` say. */
function installedFolder(name: string): string {
  const main = require.resolve(name);
  const marker = join('node_modules', name);
  return main.slice(0, main.lastIndexOf(marker) + marker.length);
}

function link(target: string, path: string): void {
  mkdirSync(dirname(path), { recursive: true });
  symlinkSync(target, path, 'junction');
}

/** What one file of a job log holds. */
export interface JobLog {
  readonly records: readonly DecodedRecord[];
  readonly spans: readonly DecodedSpan[];
  /** Lines that are no whole batch. */
  readonly broken: readonly string[];
}

/** What a file has when its writer was killed in the middle of a line. */
export const TORN = 'no newline at the end';

/** The files below a logs folder, by name without folder and ending. */
export function readJobLogs(data: string): Map<string, JobLog> {
  const folder = join(data, 'logs');
  const logs = new Map<string, JobLog>();
  if (!existsSync(folder)) return logs;
  for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (file.endsWith('.jsonl')) logs.set(basename(file, '.jsonl'), readJobLog(join(folder, file)));
  }
  return logs;
}

function readJobLog(path: string): JobLog {
  const log: JobLog & { records: DecodedRecord[]; spans: DecodedSpan[]; broken: string[] } = {
    records: [],
    spans: [],
    broken: [],
  };
  const lines = readFileSync(path, 'utf8').split('\n');
  // Whole lines end in a newline, so that the last piece is empty.
  if (lines.pop() !== '') log.broken.push(TORN);
  for (const line of lines) {
    const decoded = decodeLine(line);
    if (decoded.error !== undefined) log.broken.push(decoded.error);
    else {
      log.records.push(...decoded.records);
      log.spans.push(...decoded.spans);
    }
  }
  return log;
}

/** `status`, or `failure TypeError`: how each run ended, by id, from the files. */
export function endings(data: string): Record<string, string> {
  const ends: Record<string, string> = {};
  for (const { records } of readJobLogs(data).values()) {
    for (const { eventName, attributes } of records) {
      if (eventName !== 'task.ended') continue;
      const type = attributes['error.type'];
      ends[String(attributes['task.id'])] = [attributes['task.status'], ...(type === undefined ? [] : [type])].join(
        ' ',
      );
    }
  }
  return ends;
}

/** The value of a series in Prometheus text; undefined when it is not there. */
export function series(text: string, name: string, labels: Readonly<Record<string, string>> = {}): number | undefined {
  const line = text
    .split('\n')
    .find(
      (candidate) =>
        (candidate.startsWith(`${name}{`) || candidate.startsWith(`${name} `)) &&
        Object.entries(labels).every(([key, value]) => candidate.includes(`${key}="${value}"`)),
    );
  return line === undefined
    ? undefined
    : Number(
        line
          .slice(line.lastIndexOf('}') + 1)
          .trim()
          .replace(name, '')
          .trim()
          .split(' ')[0],
      );
}
