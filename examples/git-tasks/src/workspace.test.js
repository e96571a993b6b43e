import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { git } from './git.js';
import { openWorkspace } from './workspace.js';

const NEVER = new AbortController().signal;
const IDENTITY = ['-c', 'user.name=Test', '-c', 'user.email=test@example.invalid', '-c', 'commit.gpgSign=false'];

describe('the workspace', () => {
  let folder = '';
  beforeEach(() => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'git tasks workspace ')));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  // os.tmpdir() reads it at every call: workspaces are made where they can be counted.
  const { TMPDIR } = process.env;
  beforeEach(() => {
    process.env.TMPDIR = join(folder, 'workspaces');
    mkdirSync(process.env.TMPDIR);
  });
  afterEach(() => {
    if (TMPDIR === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = TMPDIR;
  });

  it('clones the repository around a path, and is gone when removed', async () => {
    const repository = await makeRepository(join(folder, 'a repository'), 2);
    mkdirSync(join(repository, 'inner folder'));
    const workspace = await openWorkspace(join(repository, 'inner folder'), NEVER);
    assert.deepEqual(
      { name: workspace.name, source: workspace.source, notice: workspace.notice },
      { name: 'a repository', source: repository, notice: '' },
    );
    assert.equal(await workspace.git(['rev-list', '--all', '--count']), '3');
    await workspace.remove();
    assert.deepEqual(readdirSync(join(folder, 'workspaces')), []);
  });

  /** @type {[what: string, says: RegExp, make: (path: string) => unknown][]} */
  const unusable = [
    ['a folder that is no repository', /bad input is not a git repository\./, (path) => mkdirSync(path)],
    [
      'a repository without commits',
      /bad input has no commits \(its HEAD leads to none\)\./,
      (path) => makeRepository(path, 0),
    ],
    ['a path that leads nowhere', /bad input does not exist\./, () => undefined],
    ['a file', /bad input is not a folder\./, (path) => writeFileSync(path, '')],
    ['a shallow clone', /bad input is a shallow clone/, makeShallowClone],
    ['a repository with missing objects', /bad input cannot be cloned \(.+\)\./, makeBrokenRepository],
  ];
  for (const [what, says, make] of unusable) {
    it(`names what is wrong with ${what}, and holds a sample instead`, async () => {
      const path = join(folder, 'bad input');
      await make(path);
      const workspace = await openWorkspace(path, NEVER);
      assert.match(workspace.notice, says);
      assert.match(workspace.notice, /A small repository made of this project's files is used instead\.$/);
      assert.equal(await workspace.git(['rev-list', '--all', '--count']), '6');
      assert.match(await workspace.git(['for-each-ref']), /refs\/tags\/first-files/);
      await workspace.remove();
    });
  }

  it('leaves nothing behind when it is stopped while it opens', async () => {
    const repository = await makeRepository(join(folder, 'repository'), 1);
    const stop = new AbortController();
    const opening = openWorkspace(repository, stop.signal);
    stop.abort();
    await assert.rejects(opening, { name: 'AbortError' });
    assert.deepEqual(readdirSync(join(folder, 'workspaces')), []);
  });
});

/**
 * @param {string} path
 * @param {number} commits
 */
async function makeRepository(path, commits) {
  mkdirSync(path);
  await git(['init', '--quiet'], { cwd: path });
  for (let number = 1; number <= commits; number++) {
    writeFileSync(join(path, 'file.txt'), `version ${number}\n`);
    await git(['add', '.'], { cwd: path });
    await git(['commit', '--quiet', '-m', `Version ${number}`], { cwd: path, flags: IDENTITY });
  }
  return path;
}

/** @param {string} path */
async function makeShallowClone(path) {
  const whole = await makeRepository(`${path} whole`, 2);
  await git(['clone', '--quiet', '--depth', '1', pathToFileURL(whole).href, path], { cwd: whole });
}

/** @param {string} path */
async function makeBrokenRepository(path) {
  await makeRepository(path, 2);
  const blob = await git(['rev-parse', 'HEAD:file.txt'], { cwd: path });
  rmSync(join(path, '.git', 'objects', blob.slice(0, 2), blob.slice(2)));
}
