/** Folders that cannot be had, disks that are full, files that vanish, and ids that want to leave their folder. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { after, before, describe, it } from 'mocha';
import { AppFolder, endings, readJobLogs, series } from './app-folder.test.fixture.ts';

const ONE_RUN = `import { runTask, start } from 'taskspan';
  await runTask('job', async () => {}, { id: 'run' });
  const url = await start().metricsUrl;
  console.log(await (await fetch(url)).text());`;

describe('files of taskspan/register', () => {
  const folders: AppFolder[] = [];
  function newApp(): AppFolder {
    const app = new AppFolder();
    folders.push(app);
    return app;
  }
  let app: AppFolder;
  before(() => {
    app = newApp();
  });
  after(() => {
    for (const folder of folders) folder.remove();
  });

  /** Warnings of ours, one a line. */
  function warnings(stderr: string): string[] {
    return stderr.split('\n').filter((line) => line !== '');
  }

  for (const [what, place] of [
    ['is a file', (own: AppFolder) => own.write('file', '')],
    ['lies in /proc', () => '/proc/taskspan/data'],
  ] as const) {
    it(`go beside the package.json when TASKSPAN_DIR ${what}, with one warning`, async () => {
      const own = newApp();
      const dir = place(own);
      const ended = await own.run(ONE_RUN, { env: { TASKSPAN_DIR: dir } });
      assert.equal(ended.code, 0);
      const said = warnings(ended.stderr);
      assert.equal(said.length, 1, ended.stderr);
      assert.match(said[0] ?? '', /^taskspan: TASKSPAN_DIR: .* cannot be used/);
      assert.deepEqual(endings(join(own.path, '.taskspan')), { run: 'success' });
    });
  }

  it('are left out, with one warning, where nothing at all can be written: metrics go on', async () => {
    const own = newApp();
    const file = own.write('.taskspan', 'not a folder');
    const ended = await own.run(ONE_RUN, {
      env: { TASKSPAN_DIR: undefined, HOME: file, XDG_STATE_HOME: file, TMPDIR: file },
    });
    assert.equal(ended.code, 0);
    assert.equal(series(ended.stdout, 'async_operations_total', { operation: 'job', status: 'success' }), 1);
    const said = warnings(ended.stderr);
    assert.equal(said.length, 1, ended.stderr);
    assert.match(said[0] ?? '', /no folder can be written to/);
  });

  it('on a full disk: the app runs on, one warning for all lines, and the loss is counted', async () => {
    const own = newApp();
    const disk = join(own.path, 'data');
    mkdirSync(disk);
    const mounted =
      process.platform === 'linux' && succeeds('mount', ['-t', 'tmpfs', '-o', 'size=128k', 'tmpfs', disk]);
    try {
      if (!mounted) fillByLinks(disk);
      const source = `import { readdirSync } from 'node:fs';
        import { runTask, start } from 'taskspan';
        const taskspan = start();
        for (let at = 0; at < 20; at++) {
          await runTask('job', async (task) => { task.log('info', 'x'.repeat(20_000)); }, { id: 'run-' + at });
          await taskspan.forceFlush();
        }
        console.log(await (await fetch(await taskspan.metricsUrl)).text());`;
      const ended = await own.run(source, { env: { TASKSPAN_DIR: disk } });
      assert.deepEqual([ended.code, ended.signal], [0, null]);
      assert.equal(series(ended.stdout, 'async_operations_total', { operation: 'job', status: 'success' }), 20);
      const lost = series(ended.stdout, 'taskspan_dropped_total', { signal: 'logs', reason: 'disk' }) ?? 0;
      assert.ok(lost > 0, 'counted');
      const said = warnings(ended.stderr);
      assert.equal(said.length, 1, ended.stderr);
      assert.match(said[0] ?? '', /logs cannot be written to .*ENOSPC; what is lost is counted/);
    } finally {
      if (mounted) succeeds('umount', [disk]);
    }
  });

  function succeeds(program: string, args: readonly string[]): boolean {
    return spawnSync(program, args).status === 0;
  }

  /** Where no file system can be mounted: every file of these runs is a device without room. */
  function fillByLinks(dir: string): void {
    const now = Date.now();
    for (const day of [now, now + 60_000].map((time) => new Date(time).toISOString().slice(0, 10))) {
      const folder = join(dir, 'logs', day);
      rmSync(folder, { recursive: true, force: true });
      mkdirSync(folder, { recursive: true });
      for (let at = 0; at < 20; at++) symlinkSync('/dev/full', join(folder, `run-${at}.jsonl`));
    }
    writeFileSync(join(dir, '.gitignore'), '*\n');
  }

  it('come back after their folder was deleted under the running app, which never notices', async () => {
    const data = app.ownData();
    const source = `import { rmSync } from 'node:fs';
      import { runTask, start } from 'taskspan';
      const taskspan = start();
      await runTask('job', async () => {}, { id: 'before' });
      await taskspan.forceFlush();
      rmSync(process.env.TASKSPAN_DIR, { recursive: true });
      await runTask('job', async () => {}, { id: 'after' });
      await taskspan.forceFlush();
      await runTask('job', async () => {}, { id: 'later' });
      console.log(await (await fetch(await taskspan.metricsUrl)).text());`;
    const ended = await app.run(source, { env: data });
    assert.deepEqual([ended.code, ended.signal], [0, null]);
    assert.ok(warnings(ended.stderr).length <= 1, ended.stderr);
    assert.equal(series(ended.stdout, 'async_operations_total', { operation: 'job', status: 'success' }), 3);
    assert.equal(endings(data.TASKSPAN_DIR)['later'], 'success');
  });

  it('stay in their folder and on one line each, whatever ids and texts the runs have', async () => {
    const data = app.ownData();
    const ids = [
      '../../escape',
      '/etc/passwd',
      '..',
      '.hidden',
      'a/b/c',
      'nul\0byte',
      'line\nbreak',
      '\ud800',
      'x'.repeat(5000),
      '\u00fc',
      'CON',
      ' ',
    ];
    const source = `import { runTask } from 'taskspan';
      const ids = JSON.parse(process.argv[2]);
      for (const id of ids) {
        runTask('hostile\\n# HELP x', (task) => {
          task.log('info', 'one\\ntwo\\u2028three\\ud800');
          task.setAttribute('key\\n', '}\\n{');
        }, { id, label: 'a\\nb' });
      }
      runTask('plain', (task) => task.log('info', 'y'.repeat(10_000_000)), { id: 'long' });`;
    const ended = await app.run(source, { env: data, args: [JSON.stringify(ids)] });
    assert.equal(ended.code, 0);
    const root = data.TASKSPAN_DIR;
    const files = readdirSync(root, { recursive: true, encoding: 'utf8', withFileTypes: false }).filter((name) =>
      name.endsWith('.jsonl'),
    );
    for (const file of files) {
      assert.match(file.split(sep).join('/'), /^logs\/\d{4}-\d{2}-\d{2}\/[A-Za-z0-9_][A-Za-z0-9._-]{0,127}\.jsonl$/);
    }
    assert.ok(!readdirSync(app.path).includes('escape.jsonl'));
    assert.ok(relative(app.path, root) !== '');
    const logs = readJobLogs(root);
    assert.equal(
      [...logs.values()].filter(({ records }) => records.some((one) => one.eventName === 'task.ended')).length,
      ids.length + 1,
    );
    for (const [name, log] of logs) assert.deepEqual(log.broken, [], name);
    const long = logs.get('long')?.records.find((record) => record.eventName === '');
    assert.match(String(long?.body), /…\[cut \d+ bytes\]$/);
    assert.ok(String(long?.body).length < 1_100_000);
  });
});
