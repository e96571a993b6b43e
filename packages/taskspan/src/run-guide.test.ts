/** What `docs/run.md` shows is what works: each example of it is tried. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { after, before, describe, it } from 'mocha';
import { type JobLog, readJobLogs } from './app-folder.test.fixture.ts';
import { CommandLine } from './command-line.test.fixture.ts';
import { RUN_OPTIONS } from './run-options.ts';

const GUIDE = readFileSync(new URL('../../../docs/run.md', import.meta.url), 'utf8');

/** The text of the example whose fence begins like this. */
function example(fence: string): string {
  const start = GUIDE.indexOf(`\`\`\`${fence}\n`);
  assert.ok(start >= 0, `there is no example ${fence}`);
  return GUIDE.slice(start + fence.length + 4, GUIDE.indexOf('\n```', start) + 1);
}

describe('docs/run.md', function () {
  this.timeout(60_000);
  let line: CommandLine;
  let path: string;
  before(() => {
    line = new CommandLine();
    line.app.write('report.py', example('python report.py'));
    path = `${join(line.app.path, 'bin')}:${process.env['PATH']}`;
    mkdirSync(join(line.app.path, 'bin'));
    symlinkSync(line.path, join(line.app.path, 'bin', 'taskspan'));
  });
  after(() => line.remove());

  /** Runs a line of a shell with `taskspan` on its path. @returns what is in the only log that it leaves */
  function left(script: string, env: Readonly<Record<string, string>>): JobLog {
    const data = Object.values(line.app.ownData())[0] ?? '';
    const { status, stderr } = spawnSync('sh', ['-c', script], {
      cwd: line.app.path,
      env: { PATH: path, ...Object.fromEntries(Object.keys(env).map((key) => [key, data])) },
      encoding: 'utf8',
    });
    assert.equal(status, 0, stderr);
    const [log, ...more] = [...readJobLogs(data).values()];
    assert.ok(log !== undefined && more.length === 0);
    return log;
  }

  function assertReported({ records }: JobLog): void {
    const names = records.map(({ eventName }) => eventName);
    assert.deepEqual(names.slice(-3), ['task.exited', 'task.ended', 'task.manifest']);
    assert.deepEqual(names.slice(0, 2), ['task.started', 'task.launched']);
    const at = (name: string): number => names.indexOf(name);
    assert.ok(at('task.metric') > 1 && at('task.event') > 1);
    const of = (name: string): (typeof records)[number]['attributes'] => records[at(name)]?.attributes ?? {};
    assert.equal(of('task.started')['operation'], 'nightly_report');
    assert.deepEqual([of('task.metric')['metric.value'], of('task.event')['event.type']], [1200, 'checkpoint']);
    assert.deepEqual(
      [of('task.manifest')['manifest.outputs'], of('task.manifest')['manifest.metadata.rows']],
      [['s3://lake/report'], '1200'],
    );
    const warned = records.find(({ body }) => body === 'more orders than usual');
    assert.deepEqual([warned?.severityText, warned?.attributes['rows']], ['WARN', '1200']);
    assert.equal(of('task.ended')['task.status'], 'success');
  }

  it('names every option', () => {
    for (const { flag, value } of RUN_OPTIONS) {
      const shown =
        value === undefined ? flag : `${flag} ${value.includes('|') ? value.replace('|', '\\|') : `<${value}>`}`;
      assert.ok(GUIDE.includes(`\`${shown}\``), shown);
    }
  });

  it('has a line for cron', () => {
    const [variable = '', path = '', entry = ''] = example('crontab').trim().split('\n');
    const [key = ''] = variable.split('=');
    assert.match(path, /^PATH=\/srv\/app\/node_modules\/\.bin:/);
    const [, command = ''] = /^(?:\S+ ){5}(.*)$/.exec(entry) ?? [];
    assertReported(left(command, { [key]: 'data' }));
  });

  it('has units for systemd', () => {
    const service = example('ini systemd nightly-report.service');
    const [, start = ''] = /^ExecStart=(.*)$/m.exec(service) ?? [];
    assertReported(left(start, { STATE_DIRECTORY: 'data' }));
    if (!existsSync('/usr/bin/systemd-analyze')) return;
    const units = ['service', 'timer'].map((kind) => {
      const name = `nightly-report.${kind}`;
      return line.app.write(name, example(`ini systemd ${name}`));
    });
    const { stderr } = spawnSync('/usr/bin/systemd-analyze', ['verify', ...units], { encoding: 'utf8' });
    // It looks at the whole system; what it says of these two has their names in it.
    assert.deepEqual(
      stderr.split('\n').filter((text) => units.some((unit) => text.includes(basename(unit)))),
      [],
    );
  });

  it('has the command of a container', () => {
    const [, command = ''] = /^CMD (\[.*\])$/m.exec(example('dockerfile')) ?? [];
    const [, variable = ''] = /^ENV (\w+)=/m.exec(example('dockerfile')) ?? [];
    const words = JSON.parse(command) as string[];
    assertReported(left(words.join(' '), { [variable]: 'data' }));
  });

  it('has code that does the same', async () => {
    const { TASKSPAN_DIR } = line.app.ownData();
    const ended = await line.app.run(
      `${example('js')}\nprocess.stdout.write(JSON.stringify([status, exitCode, errorType]));`,
      {
        nodeArgs: [],
        env: { TASKSPAN_DIR, TASKSPAN_QUIET: 'true' },
      },
    );
    assert.deepEqual([ended.stdout, ended.stderr], ['["success",0,null]', '']);
    const [log] = [...readJobLogs(TASKSPAN_DIR).values()];
    assert.ok(log !== undefined);
    assertReported(log);
  });
});
