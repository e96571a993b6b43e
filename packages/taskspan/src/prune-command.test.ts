import assert from 'node:assert/strict';
import { existsSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'mocha';
import { AppFolder, type Ended } from './app-folder.test.fixture.ts';

const CLI = 'node_modules/taskspan/dist/cli.js';
const OLD = 86_400 * 30;

describe('taskspan prune', () => {
  let app: AppFolder;
  before(() => {
    app = new AppFolder();
  });
  after(() => app.remove());

  /** A data folder with a run of long ago, and the path of its file. */
  function data(): { dir: string; file: string } {
    const { TASKSPAN_DIR: dir } = app.ownData();
    const file = join(dir, 'logs', '2020-01-01', 'a.jsonl');
    mkdirSync(join(dir, 'logs', '2020-01-01'), { recursive: true });
    writeFileSync(file, '{"resourceLogs":[]}\n');
    const at = Date.now() / 1000 - OLD;
    utimesSync(file, at, at);
    return { dir, file };
  }

  function prune(args: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
    return app.run(CLI, { nodeArgs: [], args: ['prune', ...args], env });
  }

  it('says what it would do, does it, and tells both to programs too', async () => {
    const { dir, file } = data();
    const dry = await prune(['--dir', dir, '--dry-run']);
    assert.deepEqual([dry.code, dry.stderr, existsSync(file)], [0, '', true]);
    assert.match(dry.stdout, /^would be deleted +1 file, 20 B$/m);
    const json = await prune(['--dir', dir, '--json']);
    assert.equal(existsSync(file), false);
    const { problems, ...report } = JSON.parse(json.stdout) as Record<string, unknown>;
    assert.deepEqual(problems, []);
    assert.deepEqual(report, {
      logs: join(dir, 'logs'),
      dry_run: false,
      deleted_files: 1,
      deleted_bytes: 20,
      deleted_days: ['2020-01-01'],
      compressed_files: 0,
      compressed_bytes_saved: 0,
      spared_files: 0,
      unknown_files: 0,
      kept_files: 0,
      kept_bytes: 0,
    });
  });

  it('goes by the environment, and warns of what it does not understand', async () => {
    const { dir, file } = data();
    const ended = await prune([], {
      TASKSPAN_DIR: dir,
      TASKSPAN_RETENTION_DAYS: '36500',
      TASKSPAN_RETENTION_FILES: 'x',
    });
    assert.deepEqual([ended.code, existsSync(file)], [0, true]);
    assert.match(ended.stderr, /TASKSPAN_RETENTION_FILES: "x" is not understood; using 200000/);
    assert.match(ended.stdout, /kept +1 file, 20 B/);
  });

  it('says that there are no logs where it was told to look', async () => {
    const { TASKSPAN_DIR: dir } = app.ownData();
    const ended = await prune(['--dir', join(dir, 'mistyped')]);
    assert.equal(ended.stderr, `taskspan: there are no logs in ${join(dir, 'mistyped', 'logs')}\n`);
  });

  it('keeps everything where retention is off, and says so', async () => {
    const { dir, file } = data();
    const ended = await prune(['--json'], { TASKSPAN_DIR: dir, TASKSPAN_RETENTION: 'off' });
    assert.deepEqual([ended.code, existsSync(file)], [0, true]);
    assert.match(ended.stderr, /TASKSPAN_RETENTION=off keeps everything/);
    assert.match(ended.stdout, /"deleted_files":0/);
  });

  it('leaves it to a process that is at it', async () => {
    const { dir, file } = data();
    writeFileSync(join(dir, 'logs', '.retention.lock'), JSON.stringify({ pid: process.pid, host: 'elsewhere' }));
    const ended = await prune(['--dir', dir]);
    assert.deepEqual([ended.code, existsSync(file)], [1, true]);
    assert.match(ended.stderr, /another process is tidying/);
  });
});
