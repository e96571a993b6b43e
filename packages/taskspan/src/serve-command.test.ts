import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'mocha';
import { AppFolder, type RunningApp, type RunOptions } from './app-folder.test.fixture.ts';

const CLI = 'node_modules/taskspan/dist/cli.js';
const AUTHORIZED = { headers: { authorization: 'Bearer secret' } };

describe('taskspan serve', () => {
  let app: AppFolder;
  before(() => {
    app = new AppFolder();
    app.write(
      'main.mjs',
      `import { runTask } from 'taskspan';
       await runTask('greet', (task) => { task.log('info', 'hello'); task.metric('rows_processed', 3); }, { id: 'first' });`,
    );
  });
  after(() => app.remove());

  function serve(args: readonly string[], env: RunOptions['env'] = {}): RunningApp {
    return app.start(CLI, { nodeArgs: [], args: ['serve', '--port', '0', '--json', ...args], env });
  }

  async function urlOf(running: RunningApp): Promise<string> {
    await running.printed('\n');
    return (JSON.parse(running.stdout) as { url: string }).url;
  }

  it('serves what an application wrote, and ends in order when it is told', async () => {
    const env = { ...app.ownData() };
    assert.equal((await app.run('main.mjs', { env })).code, 0);
    const running = serve([], env);
    const url = await urlOf(running);
    const { jobs } = (await (await fetch(`${url}/api/v1/jobs`)).json()) as { jobs: Record<string, unknown>[] };
    assert.deepEqual(
      jobs.map(({ job_id, operation, status }) => [job_id, operation, status]),
      [['first', 'greet', 'success']],
    );
    const logs = await (await fetch(`${url}/api/v1/jobs/first/logs?level=info`)).text();
    assert.match(logs, /"message":"hello"/);
    assert.match(await (await fetch(`${url}/api/v1/jobs/first/metrics`)).text(), /"name":"rows_processed","value":3/);
    assert.match(await (await fetch(`${url}/api/v1/jobs/first/trace`)).text(), /"name":"greet"/);
    assert.match(
      await (await fetch(`${url}/api/v1/metrics`)).text(),
      /^rows_processed_total\{.*operation="greet".*\} 3$/m,
    );
    const stream = await (await fetch(`${url}/api/v1/jobs/first/logs/stream`)).text();
    assert.match(stream, /event: end\ndata: \{\}\n\n$/);
    running.child.kill('SIGTERM');
    const ended = await running.ended;
    assert.deepEqual([ended.code, ended.signal, ended.stderr], [0, null, '']);
  });

  it('answers as the command line does', async () => {
    const env = { ...app.ownData() };
    assert.equal((await app.run('main.mjs', { env })).code, 0);
    const running = serve([], env);
    const url = await urlOf(running);
    const lines = async (...args: string[]): Promise<unknown[]> => {
      const ended = await app.run(CLI, { nodeArgs: [], args: [...args, '--json'], env });
      assert.deepEqual([ended.code, ended.stderr], [0, '']);
      return ended.stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line));
    };
    const json = async (path: string): Promise<Record<string, unknown>> =>
      (await (await fetch(`${url}${path}`)).json()) as Record<string, unknown>;
    const [jobs, job, logs, metrics, hits] = await Promise.all([
      lines('jobs', '--status', 'success'),
      lines('jobs', 'first'),
      lines('logs', 'first', '--level', 'info'),
      lines('metrics', 'first'),
      lines('search', 'HELLO'),
    ]);
    assert.deepEqual((await json('/api/v1/jobs?status=success'))['jobs'], jobs);
    assert.deepEqual([await json('/api/v1/jobs/first')], job);
    assert.deepEqual((await json('/api/v1/jobs/first/logs?level=info'))['entries'], logs);
    assert.deepEqual([await json('/api/v1/jobs/first/metrics')], metrics);
    assert.deepEqual((await json('/api/v1/search?q=HELLO'))['hits'], hits);
    assert.ok(logs.length > 1 && jobs.length === 1 && hits.length === 1);
    running.child.kill('SIGTERM');
    assert.equal((await running.ended).code, 0);
  });

  it('serves where nothing was written yet', async () => {
    const running = serve([], app.ownData());
    const url = await urlOf(running);
    assert.deepEqual(await (await fetch(`${url}/api/v1/jobs`)).json(), { jobs: [], has_more: false });
    assert.equal((await fetch(`${url}/api/v1/jobs/x`)).status, 404);
    running.child.kill('SIGINT');
    assert.equal((await running.ended).code, 0);
  });

  it('wants a token where others can reach it, and takes it from the environment', async () => {
    const refused = await app.run(CLI, { nodeArgs: [], args: ['serve', '--host', '0.0.0.0', '--port', '0'] });
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /^taskspan: 0\.0\.0\.0 can be reached by others.*a token is needed/m);
    assert.equal(refused.stdout, '');

    const env = { ...app.ownData(), TASKSPAN_TOKEN: 'secret', TASKSPAN_SERVICE_TOKENS: 'mail=of-mail,a%2Cb=of-ab' };
    const running = serve(['--host', '0.0.0.0'], env);
    const url = await urlOf(running);
    const status = async (token: string): Promise<number> =>
      (await fetch(`${url}/api/v1/metrics`, { headers: { authorization: `Bearer ${token}` } })).status;
    assert.deepEqual(
      [await status('secret'), await status('of-mail'), await status('of-ab'), await status('other')],
      [200, 403, 403, 401],
    );
    assert.equal((await fetch(`${url}/api/v1/jobs`, AUTHORIZED)).status, 200);
    running.child.kill('SIGTERM');
    assert.equal((await running.ended).code, 0);
  });

  it('says so when the port that was asked for is taken, and where there are no logs', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    const env = app.ownData();
    const running = app.start(CLI, { nodeArgs: [], args: ['serve', '--port', String(port)], env });
    await running.printed('metrics  http');
    running.child.kill('SIGTERM');
    const { stdout, stderr } = await running.ended;
    taken.close();
    const [, other = ''] = /^serving {2}http:\/\/127\.0\.0\.1:(\d+)$/m.exec(stdout) ?? [];
    assert.deepEqual(stderr.split('\n'), [
      `taskspan: there are no logs in ${join(env.TASKSPAN_DIR, 'logs')}`,
      `taskspan: port ${port} is taken, or not allowed: listening on ${other}`,
      '',
    ]);
    assert.notEqual(other, String(port));
    assert.match(stdout, /^keeping {2}7 days, 5 GiB, 200000 files$/m);
  });

  it('says what is wrong with a flag, without the secret', async () => {
    const [port, token] = await Promise.all([
      app.run(CLI, { nodeArgs: [], args: ['serve', '--port', '70000'] }),
      app.run(CLI, { nodeArgs: [], args: ['serve', '--port', '0', '--service-token', 'topsecret'] }),
    ]);
    // The sentence, and where more can be found: no page of options behind which it is lost.
    assert.match(port.stderr, /^error: [^\n]*a port from 0 to 65535 is wanted\.\nUsage: [^\n]*\n$/);
    assert.notEqual(port.code, 0);
    assert.equal(token.code, 1);
    assert.match(token.stderr, /a token of a service is <service>=<token>/);
    assert.doesNotMatch(token.stderr, /topsecret/);
  });

  it('loads nothing of the server unless it is called', async () => {
    // Node says which files it loads.
    const env = { ...app.ownData(), NODE_DEBUG: 'esm' };
    const loadedBy = async (script: string, options: RunOptions): Promise<string> => {
      const ended = await app.run(script, { env, ...options });
      assert.equal(ended.code, 0, ended.stderr);
      return ended.stderr;
    };
    const command = ['run', '--', process.execPath, '-e', '0'];
    for (const loaded of await Promise.all([
      loadedBy('main.mjs', {}),
      loadedBy(CLI, { nodeArgs: [], args: ['--help'] }),
      loadedBy(CLI, { nodeArgs: [], args: command }),
    ])) {
      assert.match(loaded, /packages\/taskspan\/dist/);
      assert.doesNotMatch(loaded, /fastify|packages\/server\//);
    }
  });
});
