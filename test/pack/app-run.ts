import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Longer than any app here takes, also on a busy machine. */
const APP_TIMEOUT_MS = 60_000;

export interface AppOptions {
  /** Node to run it with. Default: the one that runs the tests. */
  readonly node?: string | undefined;
  /** Folder whose `node_modules` the app sees. */
  readonly install: string;
  /** File name: its ending decides about the module system. */
  readonly file: string;
  readonly source: string;
  /** Arguments for Node, before the file. */
  readonly nodeArgs?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** What an app left behind. */
export interface AppRun {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Text of the log files by name without folder and ending. */
  readonly logs: Readonly<Record<string, string>>;
}

/** Runs an app in a folder of its own, with only what a shell would hand it in its environment, and removes the folder. */
export async function runApp(options: AppOptions): Promise<AppRun> {
  const folder = mkdtempSync(join(tmpdir(), 'taskspan-app-'));
  try {
    symlinkSync(join(options.install, 'node_modules'), join(folder, 'node_modules'), 'junction');
    writeFileSync(
      join(folder, 'package.json'),
      JSON.stringify({ name: 'proving-app', version: '1.0.0', private: true }),
    );
    writeFileSync(join(folder, options.file), options.source);
    const { PATH = '', HOME = '', SystemRoot = '' } = process.env;
    const shell = { PATH, HOME, TASKSPAN_DIR: join(folder, 'data'), OTEL_EXPORTER_PROMETHEUS_PORT: '0' };
    const env = { ...shell, ...(SystemRoot === '' ? {} : { SystemRoot }), ...options.env };
    const ended = await runNode({
      node: options.node ?? process.execPath,
      args: [...(options.nodeArgs ?? []), options.file],
      cwd: folder,
      env,
    });
    return { ...ended, logs: readLogs(join(folder, 'data', 'logs')) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface NodeCall {
  readonly node: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

function runNode({ node, args, cwd, env }: NodeCall): Promise<Omit<AppRun, 'logs'>> {
  return new Promise((resolve, reject) => {
    const child = spawn(node, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], timeout: APP_TIMEOUT_MS });
    const output = { stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output.stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      output.stderr += text;
    });
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal, ...output }));
  });
}

function readLogs(folder: string): Record<string, string> {
  if (!existsSync(folder)) return {};
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.jsonl'));
  return Object.fromEntries(
    files.map((file) => [
      file.replace(/^.*[\\/]/, '').replace(/\.jsonl$/, ''),
      readFileSync(join(folder, file), 'utf8'),
    ]),
  );
}
