import { copyFile, mkdir, mkdtemp, readdir, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { GitError, git } from './git.js';

/** The repository that this example is part of. */
const PROJECT = fileURLToPath(new URL('../../../', import.meta.url));

/** A path that cannot be worked on, and why. */
class UnusableSource extends Error {
  name = 'UnusableSource';
}

/**
 * A clone of a repository in a temporary folder: the only place where this application writes with git.
 *
 * @typedef {object} Workspace
 * @property {string} name of the repository that was cloned
 * @property {string} source where that lies
 * @property {string} folder temporary folder, removed at the end
 * @property {string} clone working tree of the clone
 * @property {string} notes folder inside the clone whose files the commits change
 * @property {string} notice why something else than the wanted repository is worked on; empty if it is the wanted one
 * @property {CallGit} git calls git in the clone
 * @property {() => Promise<void>} remove
 */

/** @typedef {Omit<Parameters<typeof git>[1], 'cwd' | 'env' | 'flags'> & {cwd?: string}} GitCall */
/** @typedef {(args: readonly string[], options?: GitCall) => Promise<string>} CallGit */

/**
 * Clones the repository at `path` (default: the project's own) into a temporary folder. One that cannot be used is
 * replaced by a small repository made of the project's files, and `notice` says so.
 *
 * @param {string | undefined} path
 * @param {AbortSignal} signal
 * @returns {Promise<Workspace>}
 */
export async function openWorkspace(path, signal) {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'git-tasks-')));
  try {
    await git(['--version'], { cwd: folder, signal });
    const clone = join(folder, 'clone');
    const call = await gitOfWorkspace(folder, clone);
    const { source, notice } = await cloneSource(path, { folder, clone, call, signal });
    const notes = await mkdtemp(join(clone, 'notes-'));
    await prepareClone(notes, { clone, call, signal });
    return {
      name: basename(source),
      source,
      folder,
      clone,
      notes,
      notice,
      git: call,
      remove: () => removeFolder(folder),
    };
  } catch (error) {
    await removeFolder(folder);
    throw error;
  }
}

/**
 * Git in the clone: its identity comes by flags, and nothing of the user's own configuration (hooks, signing, filters
 * that download) takes part.
 *
 * @param {string} folder
 * @param {string} clone
 * @returns {Promise<CallGit>}
 */
async function gitOfWorkspace(folder, clone) {
  const config = join(folder, 'empty.gitconfig');
  const hooks = join(folder, 'no-hooks');
  await writeFile(config, '');
  await mkdir(hooks);
  const settings = {
    'user.name': 'Git Tasks',
    'user.email': 'git-tasks@example.invalid',
    'commit.gpgSign': 'false',
    'core.hooksPath': hooks,
    'gc.auto': '0',
    'maintenance.auto': 'false',
    'advice.detachedHead': 'false',
  };
  const flags = Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`]);
  const env = { GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: config };
  return (args, options = {}) => git(args, { cwd: clone, flags, env, ...options });
}

/**
 * @param {string | undefined} path
 * @param {{folder: string, clone: string, call: CallGit, signal: AbortSignal}} context
 * @returns {Promise<{source: string, notice: string}>}
 */
async function cloneSource(path, { folder, clone, call, signal }) {
  try {
    const source = await checkSource(path ?? PROJECT, signal);
    // An unpacked archive of the project may lie inside some other repository.
    if (path === undefined && source !== (await realpath(PROJECT))) throw new UnusableSource('is not a git repository');
    await copyRepository(source, { clone, folder, signal });
    return { source, notice: '' };
  } catch (error) {
    if (!(error instanceof UnusableSource)) throw error;
    const source = await makeSampleRepository(join(folder, 'sample'), { call, signal });
    await copyRepository(source, { clone, folder, signal });
    const what = resolve(path ?? PROJECT);
    return {
      source,
      notice: `${what} ${error.message}. A small repository made of this project's files is used instead.`,
    };
  }
}

/**
 * @param {string} path
 * @param {AbortSignal} signal
 * @returns {Promise<string>} what to clone: the top folder of the repository, or the folder of a bare one
 * @throws {UnusableSource} with the reason
 */
async function checkSource(path, signal) {
  const found = await stat(path).catch((error) => {
    throw new UnusableSource(error.code === 'ENOENT' ? 'does not exist' : `cannot be read (${error.code})`);
  });
  if (!found.isDirectory()) throw new UnusableSource('is not a folder');
  /** @param {string[]} args */
  const ask = async (args) => await git(['rev-parse', ...args], { cwd: path, signal });
  let bare;
  try {
    bare = await ask(['--is-bare-repository']);
  } catch (error) {
    if (!(error instanceof GitError)) throw error;
    if (error.stderr.includes('not a git repository')) throw new UnusableSource('is not a git repository');
    throw new UnusableSource(`cannot be read by git (${error.stderr.split('\n', 1)[0]})`);
  }
  try {
    await ask(['--verify', '--quiet', 'HEAD^{commit}']);
  } catch (error) {
    if (!(error instanceof GitError)) throw error;
    throw new UnusableSource('has no commits (its HEAD leads to none)');
  }
  if ((await ask(['--is-shallow-repository'])) === 'true') {
    throw new UnusableSource('is a shallow clone, whose cut history cannot be bundled and restored');
  }
  return await realpath(await ask([bare === 'true' ? '--absolute-git-dir' : '--show-toplevel']));
}

/**
 * Through git's own transport and not by copying or linking files: the source is only read. The user's configuration
 * takes part here: it says whose repositories may be read.
 *
 * @param {string} source
 * @param {{clone: string, folder: string, signal: AbortSignal}} context
 * @throws {UnusableSource} when git cannot read all of it
 */
async function copyRepository(source, { clone, folder, signal }) {
  const args = ['clone', '--quiet', '--no-local', '--no-checkout', '--template=', '--', source, clone];
  try {
    await git(args, { cwd: folder, signal });
  } catch (error) {
    if (!(error instanceof GitError)) throw error;
    throw new UnusableSource(`cannot be cloned (${error.stderr.split('\n', 1)[0]})`);
  }
}

/**
 * A branch of our own with a first state of the notes, in a clone whose attributes cannot change how they merge.
 *
 * @param {string} notes
 * @param {{clone: string, call: CallGit, signal: AbortSignal}} context
 */
async function prepareClone(notes, { clone, call, signal }) {
  const name = basename(notes);
  await mkdir(join(clone, '.git', 'info'), { recursive: true });
  await writeFile(join(clone, '.git', 'info', 'attributes'), `/${name}/** merge !filter -text\n`);
  await call(['checkout', '--quiet', '-b', `${name}/work`], { signal });
  await writeFile(join(notes, 'index.md'), '# Notes\n');
  await call(['add', '--force', '--', name], { signal });
  await call(['commit', '--quiet', '-m', 'Begin the notes'], { signal });
}

/** Folders that hold nothing written by people. */
const SKIPPED = new Set(['node_modules', 'dist', 'coverage', '.git', '.taskspan']);
/** Commits of the sample, and files in each: enough for a history worth walking, quick to make. */
const SAMPLE_COMMITS = 5;
const SAMPLE_FILES = 25;

/**
 * A repository with real files in a few commits, a branch and a tag.
 *
 * @param {string} folder
 * @param {{call: CallGit, signal: AbortSignal}} context
 */
async function makeSampleRepository(folder, { call, signal }) {
  await mkdir(folder);
  const options = { cwd: folder, signal };
  await call(['init', '--quiet', '--template='], options);
  const files = await listFiles(PROJECT);
  const perCommit = Math.min(SAMPLE_FILES, Math.ceil(files.length / SAMPLE_COMMITS));
  for (let number = 1; number <= SAMPLE_COMMITS; number++) {
    const chosen = files.slice((number - 1) * perCommit, number * perCommit);
    for (const file of chosen) {
      await mkdir(dirname(join(folder, file)), { recursive: true });
      await copyFile(join(PROJECT, file), join(folder, file));
    }
    if (chosen.length === 0) break;
    await call(['add', '--force', '--all'], options);
    await call(['commit', '--quiet', '-m', `Files ${chosen[0]} to ${chosen.at(-1)}`], options);
    if (number === 2) await call(['tag', 'first-files'], options);
    if (number === 3) await call(['branch', 'half-way'], options);
  }
  return folder;
}

/**
 * @param {string} root
 * @returns {Promise<string[]>} paths relative to `root`, sorted; at most what the sample can take
 */
async function listFiles(root) {
  /** @type {string[]} */
  const files = [];
  const folders = [root];
  for (let folder = folders.shift(); folder !== undefined; folder = folders.shift()) {
    const entries = await readdir(folder, { withFileTypes: true });
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const path = join(folder, entry.name);
      if (entry.isDirectory() && !SKIPPED.has(entry.name)) folders.push(path);
      else if (entry.isFile()) files.push(relative(root, path));
      if (files.length >= SAMPLE_COMMITS * SAMPLE_FILES) return files;
    }
  }
  return files;
}

/** @param {string} folder */
async function removeFolder(folder) {
  // A git that was killed a moment ago may still be letting go of a file.
  await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
}
