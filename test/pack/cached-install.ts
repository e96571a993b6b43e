import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';

/** Installs take as long as the registry does. */
export const INSTALL_TIMEOUT_MS = 240_000;

/** Unused installs are kept this long. */
const KEPT_MS = 7 * 86_400_000;

/** Node versions of the compatibility lanes, pinned so that a run can be repeated. */
export const NODE_VERSIONS = { 22: '22.23.3', 24: '24.21.0', 26: '26.10.0' } as const;

const run = promisify(execFile);

/** Where installs are kept between runs; safe to delete. */
function cacheFolder(): string {
  const base = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
  return process.env['TASKSPAN_CI_CACHE'] ?? join(base, 'taskspan-ci');
}

/**
 * Installs packages into a folder of their own and returns it; the same content gives the same folder, at once.
 *
 * @param dependencies package names and exact versions
 * @param tarballs files to install beside them
 */
export async function cachedInstall(
  dependencies: Readonly<Record<string, string>>,
  tarballs: readonly string[] = [],
): Promise<string> {
  const key = createHash('sha256').update(JSON.stringify([dependencies, process.platform, process.arch]));
  for (const tarball of tarballs) key.update(basename(tarball)).update(readFileSync(tarball));
  const target = join(cacheFolder(), key.digest('hex').slice(0, 24));
  if (existsSync(target)) {
    const now = new Date();
    utimesSync(target, now, now);
    return target;
  }
  mkdirSync(cacheFolder(), { recursive: true });
  removeUnused();
  const fresh = mkdtempSync(join(cacheFolder(), 'new-'));
  try {
    writeFileSync(join(fresh, 'package.json'), JSON.stringify({ name: 'consumer', private: true }));
    const wanted = Object.entries(dependencies).map(([name, version]) => `${name}@${version}`);
    await npm(
      ['install', '--prefix', fresh, '--no-audit', '--no-fund', '--loglevel=error', ...wanted, ...tarballs],
      fresh,
    );
    renameInto(fresh, target);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
  return target;
}

/** The executable of a Node version, from the package that carries it for this platform. */
export async function nodeExecutable(version: string): Promise<string> {
  const platform = process.platform === 'win32' ? 'win' : process.platform;
  const name = `node-${platform}-${process.arch}`;
  const folder = await cachedInstall({ [name]: version });
  const bin = join(folder, 'node_modules', name, 'bin');
  return process.platform === 'win32' ? join(bin, 'node.exe') : join(bin, 'node');
}

/** Runs npm without the settings that an npm around us left in the environment. Returns what it printed. */
export async function npm(args: readonly string[], cwd: string): Promise<string> {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^npm_(lifecycle|package|config_local_prefix)/.test(name),
  );
  const { stdout } = await run('npm', args, {
    cwd,
    env: Object.fromEntries(kept),
    maxBuffer: 1 << 26,
    shell: process.platform === 'win32',
  });
  return stdout;
}

/** Every change of a package makes a new folder: those that nobody asked for lately go. */
function removeUnused(): void {
  const oldest = Date.now() - KEPT_MS;
  for (const name of readdirSync(cacheFolder())) {
    const folder = join(cacheFolder(), name);
    if (statSync(folder).mtimeMs < oldest) rmSync(folder, { recursive: true, force: true });
  }
}

/** A run beside this one may have been first; its folder holds the same. */
function renameInto(fresh: string, target: string): void {
  try {
    renameSync(fresh, target);
  } catch (error) {
    if (!existsSync(target)) throw error;
  }
}
