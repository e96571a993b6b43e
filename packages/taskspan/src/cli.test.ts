import assert from 'node:assert/strict';
import { after, before, describe, it } from 'mocha';
import { AppFolder, type Ended, endings, type RunOptions } from './app-folder.test.fixture.ts';

const CLI = 'node_modules/taskspan/dist/cli.js';

describe('taskspan', () => {
  let app: AppFolder;
  before(() => {
    app = new AppFolder();
    app.write('main.js', '');
  });
  after(() => app.remove());

  function taskspan(args: readonly string[], env: RunOptions['env'] = {}): Promise<Ended> {
    return app.run(CLI, { nodeArgs: [], args, env });
  }

  it('doctor exits with 0 when nothing is broken, and prints text or one JSON object', async () => {
    const [text, json] = await Promise.all([
      taskspan(['doctor', 'main.js']),
      taskspan(['doctor', 'main.js', '--json']),
    ]);
    assert.deepEqual([text.code, text.stderr, json.code, json.stderr], [0, '', 0, '']);
    assert.match(text.stdout, /^ok {4}Node\.js/);
    assert.match(text.stdout, /\nnothing is broken\n$/);
    const { findings } = JSON.parse(json.stdout) as { findings: { level: string; topic: string; found: string }[] };
    assert.ok(findings.some(({ topic, found }) => topic === 'service.name' && found === 'proving-app'));
    assert.equal(json.stdout.trim().split('\n').length, 1);
  });

  it('doctor exits with 1 when something is broken', async () => {
    const [missing, disabled] = await Promise.all([
      taskspan(['doctor', 'missing.js']),
      taskspan(['doctor', 'main.js', '--json'], { OTEL_SDK_DISABLED: 'true' }),
    ]);
    assert.equal(missing.code, 1);
    assert.match(missing.stdout, /FAIL {2}application {2}missing\.js does not exist/);
    assert.equal(disabled.code, 1);
    assert.match(disabled.stdout, /"level":"broken","topic":"OTEL_SDK_DISABLED"/);
  });

  it('doctor looks at the folder that --dir names', async () => {
    const { TASKSPAN_DIR: dir } = app.ownData();
    const ended = await taskspan(['doctor', '--dir', dir], { TASKSPAN_DIR: undefined });
    assert.equal(ended.code, 0);
    assert.ok(ended.stdout.includes(dir), ended.stdout);
  });

  it('demo exits with 0 and shows metrics and files that agree with each other', async () => {
    const { TASKSPAN_DIR: dir } = app.ownData();
    const ended = await taskspan(['demo', '--seconds', '1', '--dir', dir]);
    assert.deepEqual([ended.code, ended.stderr], [0, '']);
    const counted: Record<string, number> = {};
    for (const line of ended.stdout.split('\n')) {
      const [, status, value] = /^ {2}async_operations_total\{.*status="(\w+)".*\} (\d+)$/.exec(line) ?? [];
      if (status !== undefined) counted[status] = (counted[status] ?? 0) + Number(value);
    }
    const written: Record<string, number> = {};
    for (const end of Object.values(endings(dir))) {
      const [status = ''] = end.split(' ');
      written[status] = (written[status] ?? 0) + 1;
    }
    assert.deepEqual(counted, written, ended.stdout);
    for (const status of ['success', 'failure', 'expired'])
      assert.ok((written[status] ?? 0) > 0, `${status}: ${ended.stdout}`);
    assert.match(ended.stdout, /one file per run in /);
  });

  it('demo says so when nothing is served or written', async () => {
    const env = { OTEL_METRICS_EXPORTER: 'none', TASKSPAN_FILES: 'off' };
    const ended = await taskspan(['demo', '--seconds', '0'], env);
    assert.deepEqual([ended.code, ended.stderr], [0, '']);
    assert.match(ended.stdout, /metrics {2}not served\nfiles {4}not written\n/);
  });

  for (const [args, message] of [
    [['demo', '--seconds', 'soon'], /a number of seconds from 0 to 3600 is wanted/],
    [['demo', '--seconds', '-1'], /a number of seconds|argument missing/],
    [['demo', '--unknown'], /unknown option '--unknown'/],
    [['doctor', 'a', 'b'], /too many arguments/],
    [['nothing'], /unknown command 'nothing'/],
  ] as const) {
    it(`${args.join(' ')} is refused with an explanation and the usage`, async () => {
      const ended = await taskspan(args);
      assert.equal(ended.code, 1);
      assert.match(ended.stderr, message);
      assert.match(ended.stderr, /Usage: taskspan/);
      assert.equal(ended.stdout, '');
    });
  }

  it('--version prints the version, --help what there is', async () => {
    const [version, help] = await Promise.all([taskspan(['--version']), taskspan(['--help'])]);
    assert.match(version.stdout, /^\d+\.\d+\.\d+\n$/);
    assert.match(help.stdout, /doctor.*demo/s);
    assert.deepEqual([version.code, help.code], [0, 0]);
  });
});
