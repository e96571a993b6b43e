import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'mocha';
import { AppFolder, endings, readJobLogs, series } from './app-folder.test.fixture.ts';

const WORK = `
async function main() {
  await runTask('commit', async (task) => {
    task.log('info', 'half way');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }, { id: 'one' });
  await runTask('commit', async () => { throw new TypeError('no'); }, { id: 'two' }).catch(() => {});
  runTask('count', () => 7, { id: 'three' });
  const { metrics } = await import('./own.mjs');
  console.log(await metrics());
}
main();
`;

const ESM = `import { runTask } from 'taskspan';\n${WORK}`;
const CJS = `const { runTask } = require('@taskspan/core');\n${WORK}`;

describe('taskspan/register', () => {
  let app: AppFolder;
  before(() => {
    app = new AppFolder();
  });
  after(() => app.remove());

  describe('sees the tasks of', () => {
    const FLAGS = {
      '--import': { nodeArgs: ['--import', 'taskspan/register'], env: {} },
      '--require': { nodeArgs: ['--require', 'taskspan/register'], env: {} },
      NODE_OPTIONS: { nodeArgs: [], env: { NODE_OPTIONS: '--import taskspan/register' } },
    };
    for (const [name, source] of Object.entries({ 'an ES module': ESM, 'a CommonJS module': CJS })) {
      it(`${name}, however it is loaded: metrics and files agree, the app prints nothing else`, async () => {
        await Promise.all(
          Object.entries(FLAGS).map(async ([flag, { nodeArgs, env }]) => {
            const data = app.ownData();
            const ended = await app.run(source, { nodeArgs, env: { ...env, ...data } });
            assert.equal(ended.stderr, '', flag);
            assert.equal(ended.code, 0, flag);
            const total = (operation: string, status: string): number | undefined =>
              series(ended.stdout, 'async_operations_total', { operation, status });
            assert.deepEqual(
              [
                total('commit', 'success'),
                total('commit', 'failure'),
                total('commit', 'expired'),
                total('count', 'success'),
              ],
              [1, 1, 0, 1],
              flag,
            );
            assert.equal(series(ended.stdout, 'async_operations_running', { operation: 'commit' }), 0);
            assert.equal(series(ended.stdout, 'async_operations_started_total', { operation: 'commit' }), 2);
            assert.deepEqual(endings(data.TASKSPAN_DIR), {
              one: 'success',
              two: 'failure TypeError',
              three: 'success',
            });
            const log = readJobLogs(data.TASKSPAN_DIR).get('one');
            assert.deepEqual(
              log?.records.map((record) => record.eventName || record.body),
              ['task.started', 'half way', 'task.ended'],
            );
            assert.deepEqual(log?.broken, []);
            assert.equal(log?.spans.length, 1);
            const resource = log?.spans[0]?.resource.attributes ?? {};
            assert.equal(resource['service.name'], 'proving-app');
            assert.match(String(resource['service.instance.id']), /^[0-9a-f-]{36}$/);
            assert.equal(
              Object.keys(resource).some((key) => /command|args|owner/.test(key)),
              false,
            );
            assert.doesNotMatch(ended.stdout, /otel_scope_/);
          }),
        );
      });
    }
  });

  describe('stays out of the way', () => {
    it('without a trace when OTEL_SDK_DISABLED is true', async () => {
      const data = app.ownData();
      const source = "import { runTask } from 'taskspan'; console.log(runTask('a', () => 7));";
      const ended = await app.run(source, { env: { ...data, OTEL_SDK_DISABLED: 'true' } });
      assert.deepEqual([ended.stdout, ended.stderr, ended.code], ['7\n', '', 0]);
      assert.equal(existsSync(data.TASKSPAN_DIR), false);
    });

    it('inside npm, which would take the port of the app that it starts', async () => {
      const tool = app.write('lib/node_modules/npm/bin/npm-cli.js', "console.log('npm');");
      const data = app.ownData();
      // Loaded from the app's folder, as NODE_OPTIONS does for an npm that lies elsewhere.
      const ended = await app.run(tool, { env: data });
      assert.deepEqual([ended.stdout, ended.stderr, ended.code], ['npm\n', '', 0]);
      assert.equal(existsSync(data.TASKSPAN_DIR), false);
    });

    it('of a script that does nothing: it ends as fast and as silent as alone, and leaves no entry', async () => {
      const data = app.ownData();
      const ended = await app.run('process.exitCode = 5;', { env: data });
      assert.deepEqual([ended.stdout, ended.stderr, ended.code], ['', '', 5]);
      const processes = join(data.TASKSPAN_DIR, 'processes');
      assert.deepEqual(existsSync(processes) ? readdirSync(processes) : [], []);
    });

    it('when a second start follows: one warning, the first goes on', async () => {
      const data = app.ownData();
      const source = `import { runTask, start } from 'taskspan';
        const first = start(); start({ serviceName: 'other' });
        runTask('a', () => 1, { id: 'a' });
        console.log(first.logsFolder);`;
      const ended = await app.run(source, { env: data });
      assert.equal(ended.stdout, `${join(data.TASKSPAN_DIR, 'logs')}\n`);
      assert.equal(
        ended.stderr,
        'taskspan: taskspan is started already in this process; the options of this start are ignored\n',
      );
      assert.deepEqual(endings(data.TASKSPAN_DIR), { a: 'success' });
    });
  });

  it('closes its folders and files to other users', async () => {
    const data = app.ownData();
    await app.run("import { runTask } from 'taskspan'; runTask('a', () => 1, { id: 'a' });", { env: data });
    const dir = data.TASKSPAN_DIR;
    const mode = (path: string): string => (statSync(path).mode & 0o777).toString(8);
    const day = readdirSync(join(dir, 'logs')).find((name) => /^\d/.test(name)) ?? '';
    assert.deepEqual([dir, join(dir, 'logs'), join(dir, 'logs', day)].map(mode), ['700', '700', '700']);
    assert.equal(mode(join(dir, 'logs', day, 'a.jsonl')), '600');
    assert.equal(readFileSync(join(dir, '.gitignore'), 'utf8'), '*\n');
  });

  it('writes beside the package.json of the app when nothing else is said', async () => {
    const source = "import { runTask } from 'taskspan'; runTask('a', () => 1, { id: 'beside' });";
    const ended = await app.run(source, {
      env: { TASKSPAN_DIR: undefined },
      cwd: '/',
      nodeArgs: ['--import', join(app.path, 'node_modules/taskspan/dist/register.js')],
    });
    assert.equal(ended.stderr, '');
    assert.deepEqual(endings(join(app.path, '.taskspan')), { beside: 'success' });
  });

  describe('serves /metrics', () => {
    const IDLE =
      "import { own } from './own.mjs'; console.log(JSON.stringify(await own())); setInterval(() => {}, 1e6);";

    it('on the next free port when its own is taken, and lists every process of the folder', async () => {
      const taken = createServer().listen(0, '127.0.0.1');
      await new Promise((resolve) => taken.once('listening', resolve));
      const { port } = taken.address() as AddressInfo;
      const data = app.ownData();
      const env = { ...data, OTEL_EXPORTER_PROMETHEUS_PORT: String(port) };
      const both = [app.start(IDLE, { env }), app.start(IDLE, { env })];
      await Promise.all(both.map((one) => one.printed('\n')));
      const entries = both.map(
        (one) => JSON.parse(one.stdout) as { pid: number; metrics_url: string; service: string },
      );
      const ports = entries.map(({ metrics_url }) => Number(new URL(metrics_url).port));
      assert.equal(new Set([port, ...ports]).size, 3, ports.join());
      assert.deepEqual(
        entries.map(({ service }) => service),
        ['proving-app', 'proving-app'],
      );
      const answers = await Promise.all(entries.map(async ({ metrics_url }) => (await fetch(metrics_url)).status));
      assert.deepEqual(answers, [200, 200]);
      const targets = JSON.parse(readFileSync(join(data.TASKSPAN_DIR, 'prometheus-targets.json'), 'utf8')) as {
        targets: string[];
      }[];
      assert.deepEqual(targets.flatMap((group) => group.targets).sort(), ports.map((one) => `127.0.0.1:${one}`).sort());
      for (const { child } of both) child.kill('SIGTERM');
      const ends = await Promise.all(both.map((one) => one.ended));
      assert.deepEqual(
        ends.map(({ signal, stderr }) => [signal, stderr]),
        [
          ['SIGTERM', ''],
          ['SIGTERM', ''],
        ],
      );
      assert.deepEqual(readdirSync(join(data.TASKSPAN_DIR, 'processes')), []);
      assert.deepEqual(JSON.parse(readFileSync(join(data.TASKSPAN_DIR, 'prometheus-targets.json'), 'utf8')), []);
      taken.close();
    });

    it('to a scraper that keeps its connection, without keeping an idle app alive', async () => {
      const data = app.ownData();
      const source = `import { Agent, request } from 'node:http';
        process.once('message', () => process.disconnect());
        ${IDLE.replace('setInterval(() => {}, 1e6);', '')}`;
      const running = app.start(source, { env: data });
      await running.printed('\n');
      const { metrics_url } = JSON.parse(running.stdout) as { metrics_url: string };
      const { Agent, request } = await import('node:http');
      const agent = new Agent({ keepAlive: true });
      const scraped = await new Promise<number | undefined>((resolve, reject) => {
        const asked = request(metrics_url, { agent }, (response) => {
          response.resume().once('end', () => resolve(response.statusCode));
        });
        asked.once('error', reject).end();
      });
      assert.equal(scraped, 200);
      running.child.send('go');
      const ended = await running.ended;
      assert.deepEqual([ended.code, ended.signal, ended.stderr], [0, null, '']);
      agent.destroy();
    });
  });
});
