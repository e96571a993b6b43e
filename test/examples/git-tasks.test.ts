import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const EXAMPLE = fileURLToPath(new URL('../../examples/git-tasks/', import.meta.url));
const CORE = fileURLToPath(new URL('../../packages/core/dist/index.js', import.meta.url));

/** The numbers that any repository ends with. */
const SUMMARY = [
  ['commit', '4', '-', '-', '-', '4'],
  ['dump_refs', '1', '-', '-', '1', '2'],
  ['gc_prepare_commits', '1', '-', '1', '-', '2'],
  ['merge', '1', '1', '-', '-', '2'],
  ['restore_refs', '1', '-', '-', '-', '1'],
  ['all', '8', '1', '1', '1', '11'],
];

interface AppEnd {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface AppStart {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Flags of node that stand before the application. */
  readonly flags?: readonly string[];
  /** Gets the child and all its output so far, whenever there is more. */
  readonly onOutput?: (stdout: string, kill: (signal: NodeJS.Signals) => void) => void;
}

describe('the example that works on a git repository', () => {
  let folder = '';
  beforeEach(() => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'taskspan example ')));
    mkdirSync(join(folder, 'tmp'));
  });
  afterEach(() => {
    // Whatever happened, the application has cleaned up behind itself.
    const left = readdirSync(join(folder, 'tmp'));
    rmSync(folder, { recursive: true, force: true });
    assert.deepEqual(left, []);
  });

  it('runs the five operations on a clone, leaves the repository alone, and its three counts agree', async () => {
    const repository = makeRepository(join(folder, 'a repository'), 30);
    const before = stateOf(repository);
    const { code, stdout, stderr } = await runApp({ args: [repository] });
    assert.equal(code, 0, stdout + stderr);
    assert.equal(stderr, '');
    assert.deepEqual(summaryOf(stdout), SUMMARY);
    assert.match(stdout, /on a clone of .*a repository \(31 commits\)/);
    assert.match(stdout, /Checked: own count = \/metrics = files, 11 runs\./);
    assert.match(stdout, /failure +merge +topic of carol .* MergeConflict: conflict in notes-\w+\/index\.md/);
    assert.match(stdout, /Metrics {2}http:\/\/127\.0\.0\.1:\d+\/metrics/);
    assert.match(stdout, /curl -s <the URL above>/);
    assert.ok(stdout.includes(join(folder, 'data', 'logs')));
    assert.equal(stdout.includes('\x1b'), false);
    assert.deepEqual(stateOf(repository), before);
  });

  it('names no URL of metrics where none are served', async () => {
    const repository = makeRepository(join(folder, 'repository'), 2);
    const { code, stdout } = await runApp({ args: [repository], env: { OTEL_METRICS_EXPORTER: 'none' } });
    assert.equal(code, 0, stdout);
    assert.match(stdout, /Metrics {2}not served here, so not compared/);
    assert.match(stdout, /jq -rs .*\n {2}what the toolkit sees/);
    assert.doesNotMatch(stdout, /curl/);
  });

  it('counts its own runs only, and is not led away by the variables of a git hook', async () => {
    const repository = makeRepository(join(folder, 'repository'), 2);
    const other = makeRepository(join(folder, 'other'), 2);
    const before = stateOf(other);
    const hook = { GIT_DIR: join(other, '.git'), GIT_INDEX_FILE: join(other, '.git', 'index'), GIT_WORK_TREE: other };
    for (const env of [{}, hook]) {
      const { code, stdout } = await runApp({ args: [repository], env });
      assert.equal(code, 0, stdout);
      assert.deepEqual(summaryOf(stdout), SUMMARY);
    }
    assert.deepEqual(stateOf(other), before);
  });

  it('works on repositories of other kinds: bare, SHA-256, without a branch, that ignore all and merge in their own way', async () => {
    const repository = makeRepository(join(folder, 'odd'), 2, ['--object-format=sha256']);
    writeFileSync(join(repository, '.gitattributes'), '* merge=union\n');
    writeFileSync(join(repository, '.gitignore'), '*\n');
    callGit(repository, ['add', '--force', '.']);
    callGit(repository, ['commit', '--quiet', '-m', 'odd']);
    callGit(repository, ['checkout', '--quiet', '--detach']);
    const bare = join(folder, 'bare.git');
    callGit(folder, ['clone', '--quiet', '--bare', repository, bare]);
    const { code, stdout } = await runApp({ args: [bare] });
    assert.equal(code, 0, stdout);
    assert.deepEqual(summaryOf(stdout), SUMMARY);
    assert.match(stdout, /on a clone of .*bare\.git/);
  });

  it('says what is wrong with a path that cannot be worked on, and works on a sample instead', async () => {
    const path = makeRepository(join(folder, 'no commits'), 0);
    const { code, stdout } = await runApp({ args: [path] });
    assert.equal(code, 0, stdout);
    assert.match(
      stdout,
      /no commits has no commits \(its HEAD leads to none\)\. A small repository .* is used instead\./,
    );
    assert.deepEqual(summaryOf(stdout), SUMMARY);
  });

  it('fails and names the difference when the counts disagree', async () => {
    const repository = makeRepository(join(folder, 'repository'), 2);
    const extra = join(folder, 'one-more.mjs');
    writeFileSync(
      extra,
      `import { runTask } from ${JSON.stringify(pathToFileURL(CORE).href)};\nrunTask('commit', () => 1);\n`,
    );
    const flags = ['--import', 'taskspan/register', '--import', pathToFileURL(extra).href];
    const { code, stdout } = await runApp({ args: [repository], flags });
    assert.equal(code, 1, stdout);
    assert.match(stdout, /commit success: own count 4, files 5/);
    assert.match(stdout, /commit success: own count 4, metrics 5/);
  });

  it('fails and says why when it was started without register', async () => {
    const repository = makeRepository(join(folder, 'repository'), 2);
    const { code, stdout } = await runApp({ args: [repository], flags: [] });
    assert.equal(code, 1, stdout);
    assert.match(stdout, /was it started with --import taskspan\/register\?/);
  });

  it('goes on serving its metrics with --keep, until Ctrl-C', async () => {
    const repository = makeRepository(join(folder, 'repository'), 2);
    let scraped: Promise<string> | undefined;
    const { code } = await runApp({
      args: ['--keep', repository],
      onOutput: (stdout, kill) => {
        const url = /^Serving (\S+) until Ctrl-C$/m.exec(stdout)?.[1];
        if (url === undefined || scraped !== undefined) return;
        scraped = fetch(url).then((response) => response.text());
        scraped.finally(() => kill('SIGINT')).catch(() => undefined);
      },
    });
    assert.match((await scraped) ?? '', /^async_operations_total\{operation="merge",status="failure"\} 1$/m);
    assert.equal(code, 0);
  });

  it('stops its jobs and cleans up at Ctrl-C', async () => {
    const repository = makeRepository(join(folder, 'repository'), 2);
    let killed = false;
    const { code } = await runApp({
      args: [repository],
      onOutput: (stdout, kill) => {
        // A second one would end the application at once.
        if (!killed && stdout.includes('started')) kill('SIGINT');
        killed ||= stdout.includes('started');
      },
    });
    assert.equal(code, 130);
  });

  it('explains itself: wrong arguments and --help', async () => {
    const wrong = await runApp({ args: ['--nope'] });
    assert.equal(wrong.code, 2);
    assert.match(wrong.stderr, /--nope[\s\S]*usage:/);
    assert.equal((await runApp({ args: ['one', 'two'] })).code, 2);
    const help = await runApp({ args: ['--help'] });
    assert.equal(help.code, 0);
    assert.match(help.stdout, /usage:/);
  });

  function runApp({
    args = [],
    env = {},
    flags = ['--import', 'taskspan/register'],
    onOutput,
  }: AppStart): Promise<AppEnd> {
    return new Promise((resolve, reject) => {
      const child = spawn(process.execPath, [...flags, 'src/main.js', ...args], {
        cwd: EXAMPLE,
        env: {
          ...ownEnvironment(),
          TASKSPAN_DIR: join(folder, 'data'),
          TMPDIR: join(folder, 'tmp'),
          OTEL_EXPORTER_PROMETHEUS_PORT: '0',
          ...env,
        },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let stdout = '';
      let stderr = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        stdout += text;
        onOutput?.(stdout, (signal) => child.kill(signal));
      });
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        stderr += text;
      });
      child.once('error', reject);
      child.once('close', (code) => resolve({ code, stdout, stderr }));
    });
  }
}).timeout(60_000);

/** The environment of this process without what would tell the application where to write. */
function ownEnvironment(): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([key]) => !/^(OTEL_|TASKSPAN_|GIT_|LOGS_|NODE_OPTIONS$)/.test(key));
  return Object.fromEntries(own);
}

function callGit(cwd: string, args: readonly string[]): string {
  const identity = ['-c', 'user.name=Test', '-c', 'user.email=test@example.invalid', '-c', 'commit.gpgSign=false'];
  const env = { ...ownEnvironment(), GIT_CONFIG_NOSYSTEM: '1' };
  return execFileSync('git', [...identity, ...args], { cwd, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

function makeRepository(path: string, commits: number, flags: readonly string[] = []): string {
  mkdirSync(path);
  callGit(path, ['init', '--quiet', ...flags]);
  for (let number = 1; number <= commits; number++) {
    writeFileSync(join(path, `file ${number % 5}.txt`), `version ${number}\n`);
    callGit(path, ['add', '.']);
    callGit(path, ['commit', '--quiet', '-m', `Version ${number}`]);
  }
  if (commits > 0) callGit(path, ['tag', 'v1']);
  return path;
}

/** Everything that the application could have changed: refs, working tree, objects. */
function stateOf(repository: string): string[] {
  return [
    callGit(repository, ['for-each-ref']),
    callGit(repository, ['status', '--porcelain', '--ignored', '--branch']),
    callGit(repository, ['count-objects', '-v']),
    readdirSync(repository).sort().join(' '),
  ];
}

/** Rows of the summary table, without the durations. */
function summaryOf(stdout: string): string[][] {
  const [, table = ''] = stdout.split(/^operation .*\n-+\n/m);
  return table
    .split('\n\n', 1)
    .flatMap((rows) => rows.split('\n'))
    .filter((row) => !row.startsWith('---'))
    .map((row) => row.split(/ +/).slice(0, 6));
}
