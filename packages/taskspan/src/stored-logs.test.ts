import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findStoredLogs } from './stored-logs.ts';

describe('stored logs', () => {
  let folder: string;
  const cwd = process.cwd();
  beforeEach(() => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'stored-logs-')));
    writeFileSync(join(folder, 'package.json'), '{"name":"reading-app"}');
    process.chdir(folder);
    // As the command line: a tool, so that the working folder goes first.
    script = process.argv[1];
    process.argv[1] = join(import.meta.dirname, 'cli.ts');
  });
  afterEach(() => {
    process.argv[1] = script ?? '';
    process.chdir(cwd);
    rmSync(folder, { recursive: true, force: true });
  });
  let script: string | undefined;

  function made(...parts: readonly string[]): string {
    const path = join(folder, ...parts);
    mkdirSync(path, { recursive: true });
    return path;
  }

  it('are those of the application in the working folder, and none are made', () => {
    const { dir, logs, index } = findStoredLogs({ env: { HOME: folder } });
    assert.deepEqual(
      [dir, logs, index],
      [join(folder, '.taskspan'), [join(folder, '.taskspan', 'logs')], join(folder, '.taskspan', 'index')],
    );
    assert.equal(existsSync(dir), false);
  });

  it('are those of the first place that has any', () => {
    const state = made('.local', 'state', 'taskspan', 'reading-app', 'logs');
    assert.deepEqual(findStoredLogs({ env: { HOME: folder } }).logs, [state]);
    const own = made('.taskspan', 'logs');
    assert.deepEqual(findStoredLogs({ env: { HOME: folder } }).logs, [own]);
    const service = made('service', 'logs');
    assert.deepEqual(findStoredLogs({ env: { HOME: folder, STATE_DIRECTORY: join(folder, 'service') } }).logs, [
      service,
    ]);
  });

  it('are those of the folder that the environment or the command line names, whatever else there is', () => {
    made('.taskspan', 'logs');
    const env = { HOME: folder, TASKSPAN_DIR: 'asked' };
    assert.deepEqual(findStoredLogs({ env }).logs, [join(folder, 'asked', 'logs')]);
    const { dir, logs } = findStoredLogs({ env, dirs: ['one', 'two', 'one'] });
    assert.deepEqual([dir, logs], [join(folder, 'one'), [join(folder, 'one', 'logs'), join(folder, 'two', 'logs')]]);
    assert.deepEqual(findStoredLogs({ env: { ...env, LOGS_DIR: 'elsewhere' } }).logs, [join(folder, 'elsewhere')]);
    assert.deepEqual(findStoredLogs({ env: { LOGS_DIR: 'elsewhere' }, dirs: ['one'] }).logs, [
      join(folder, 'elsewhere'),
    ]);
  });

  it('may be a folder of days alone, as a Collector leaves it', () => {
    const tree = made('tree');
    made('tree', '2026-01-27');
    assert.deepEqual(findStoredLogs({ env: {}, dirs: ['tree'] }).logs, [tree]);
    const logs = made('tree', 'logs');
    assert.deepEqual(findStoredLogs({ env: {}, dirs: ['tree'] }).logs, [logs]);
  });

  it('are looked for even where a file stands in the place of a folder', () => {
    writeFileSync(join(folder, 'file'), '');
    assert.deepEqual(findStoredLogs({ env: {}, dirs: ['file'] }).logs, [join(folder, 'file', 'logs')]);
  });
});
