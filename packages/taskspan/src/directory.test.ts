import assert from 'node:assert/strict';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { type DirectoryOptions, findDirectory } from './directory.ts';

describe('findDirectory', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'taskspan-directory-'));
  });
  afterEach(() => rmSync(root, { recursive: true }));

  /** Below a file nothing can be made, whoever tries: also the superuser. */
  function closed(name: string): string {
    writeFileSync(join(root, name), '');
    return join(root, name, 'below');
  }

  function options(overrides: Partial<DirectoryOptions> = {}): DirectoryOptions {
    mkdirSync(join(root, 'app'), { recursive: true });
    return {
      env: { HOME: join(root, 'home') },
      serviceName: 'shop',
      app: { folder: join(root, 'app'), name: 'shop', version: undefined },
      dir: undefined,
      logsDir: undefined,
      tempFolder: join(root, 'tmp'),
      ...overrides,
    };
  }

  const own = `taskspan-${process.getuid?.()}`;

  it('makes .taskspan beside the package.json, closed to others, invisible to git', () => {
    const found = findDirectory(options());
    const dir = join(root, 'app', '.taskspan');
    assert.deepEqual(found, { dir, logsDir: join(dir, 'logs'), source: 'app', warnings: [] });
    assert.equal(statSync(dir).mode & 0o777, 0o700);
    assert.equal(readFileSync(join(dir, '.gitignore'), 'utf8'), '*\n');
    assert.deepEqual(findDirectory(options()), found);
  });

  it('takes what was asked for first, made absolute', () => {
    const env = { STATE_DIRECTORY: join(root, 'state') };
    const asked = findDirectory(options({ dir: join(root, 'a', 'b', 'c'), env }));
    assert.deepEqual([asked.dir, asked.source, asked.warnings], [join(root, 'a/b/c'), 'asked', []]);
    assert.equal(statSync(join(root, 'a')).mode & 0o777, 0o700);
    assert.ok(!existsSync(join(root, 'state')));
    const relative = findDirectory(options({ dir: 'package.json' }));
    assert.match(relative.warnings[0] ?? '', /^TASKSPAN_DIR: \/.*package\.json cannot be used/);
  });

  it("takes systemd's folder next, the first of several", () => {
    const env = { STATE_DIRECTORY: `${join(root, 'state')}:${join(root, 'other')}` };
    const found = findDirectory(options({ env }));
    assert.deepEqual([found.dir, found.source, found.warnings], [join(root, 'state'), 'state', []]);
  });

  it('warns about an unusable folder that was asked for, and takes the next', () => {
    const dir = closed('file');
    const found = findDirectory(options({ dir }));
    assert.deepEqual([found.source, found.dir], ['app', join(root, 'app', '.taskspan')]);
    assert.deepEqual(found.warnings, [
      `TASKSPAN_DIR: ${dir} cannot be used (${join(root, 'file')} is not a folder); trying the next place`,
    ]);
  });

  it('returns from places where nothing can be made', function () {
    if (!existsSync('/proc/self')) return;
    this.timeout(2000);
    const found = findDirectory(options({ dir: '/proc/taskspan/a/b', logsDir: '/proc/taskspan/logs' }));
    assert.equal(found.source, 'app');
    assert.match(found.warnings.join('\n'), /TASKSPAN_DIR: \/proc\/taskspan\/a\/b cannot be used \(E\w+\)/);
    assert.match(
      found.warnings.join('\n'),
      /logs folder: \/proc\/taskspan\/logs cannot be used \(E\w+\); using .*logs/,
    );
    assert.equal(found.logsDir, join(root, 'app', '.taskspan', 'logs'));
  });

  it('goes to the state folder of the user when the app cannot be written to, without a word', () => {
    const app = { folder: closed('app-file'), name: 'shop', version: undefined };
    const state = findDirectory(options({ app, env: { XDG_STATE_HOME: join(root, 'xdg') }, serviceName: '@me/shop' }));
    assert.equal(state.source, 'xdg');
    assert.match(state.dir ?? '', /\/xdg\/taskspan\/[A-Za-z0-9._-]+$/);
    assert.deepEqual(state.warnings, []);
    const home = findDirectory(options({ app, env: { XDG_STATE_HOME: 'relative', HOME: join(root, 'home') } }));
    assert.equal(home.dir, join(root, 'home', '.local', 'state', 'taskspan', 'shop'));
  });

  it('keeps out of installed packages, which are replaced with all they hold', () => {
    const folder = join(root, 'node_modules', 'tool');
    mkdirSync(folder, { recursive: true });
    assert.equal(findDirectory(options({ app: { folder, name: 'tool', version: '1.0.0' } })).source, 'xdg');
  });

  describe('in the temp folder', () => {
    const nowhere = (): Partial<DirectoryOptions> => ({ app: undefined, env: {} });

    it('goes there last, with a warning', () => {
      const found = findDirectory(options(nowhere()));
      assert.deepEqual([found.source, found.dir], ['temp', join(root, 'tmp', own, 'shop')]);
      assert.equal(statSync(join(root, 'tmp', own)).mode & 0o777, 0o700);
      assert.equal(found.warnings.length, 1);
      assert.match(found.warnings[0] ?? '', /set TASKSPAN_DIR/);
    });

    /** What may already lie where our folder would be. `chown` needs the superuser. */
    const traps: readonly (readonly [name: string, lay: (path: string) => void, superuser?: true])[] = [
      [
        'is open to others',
        (path) => {
          mkdirSync(path);
          chmodSync(path, 0o777);
        },
      ],
      [
        'is a link',
        (path) => {
          mkdirSync(`${path}.real`, { mode: 0o700 });
          symlinkSync(`${path}.real`, path);
        },
      ],
      ['is a file', (path) => writeFileSync(path, '')],
      [
        'belongs to somebody else',
        (path) => {
          mkdirSync(path, { mode: 0o700 });
          chownSync(path, 1234, 1234);
        },
        true,
      ],
    ];
    for (const [name, lay, superuser] of traps) {
      if (superuser && process.getuid?.() !== 0) continue;
      it(`does without files when the folder there ${name}`, () => {
        mkdirSync(join(root, 'tmp'));
        lay(join(root, 'tmp', own));
        const found = findDirectory(options(nowhere()));
        assert.deepEqual([found.source, found.dir, found.logsDir], ['none', undefined, undefined]);
        assert.deepEqual(found.warnings, ['no folder can be written to, so there are no files: set TASKSPAN_DIR']);
      });
    }
  });

  it('does without files when nothing can be written to, but for a logs folder that can', () => {
    const none = { app: undefined, env: {}, tempFolder: closed('temp-file') };
    assert.equal(findDirectory(options(none)).dir, undefined);
    const logsDir = join(root, 'elsewhere', 'logs');
    const found = findDirectory(options({ ...none, logsDir }));
    assert.deepEqual([found.dir, found.logsDir], [undefined, logsDir]);
    assert.equal(statSync(logsDir).mode & 0o777, 0o700);
  });

  it('lets the logs lie elsewhere, as they are found there', () => {
    const logsDir = join(root, 'logs-elsewhere');
    mkdirSync(logsDir, { mode: 0o755 });
    const found = findDirectory(options({ logsDir }));
    assert.deepEqual([found.source, found.logsDir, found.warnings], ['app', logsDir, []]);
    assert.equal(statSync(logsDir).mode & 0o777, 0o755);
  });

  it('hides nothing from git in a folder that others filled', () => {
    const dir = join(root, 'tree');
    mkdirSync(dir, { mode: 0o755 });
    writeFileSync(join(dir, 'source.js'), '');
    assert.equal(findDirectory(options({ dir })).dir, dir);
    assert.ok(!existsSync(join(dir, '.gitignore')));
    assert.equal(statSync(dir).mode & 0o777, 0o755);
  });

  it('takes a link to nowhere for what it is', () => {
    const dir = join(root, 'link');
    symlinkSync(join(root, 'missing'), dir);
    assert.ok(lstatSync(dir).isSymbolicLink());
    const found = findDirectory(options({ dir }));
    assert.deepEqual([found.source, found.warnings.length], ['app', 1]);
  });
});
