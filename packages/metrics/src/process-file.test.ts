import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { clearReports, state } from '@taskspan/core/hub';
import { type ProcessEntry, ProcessFile } from './process-file.ts';
import { UNCOVERED } from './typescript-worker.test.fixture.ts';

const A = 'aaaaaaaa-0000-4000-8000-000000000000';
const B = 'bbbbbbbb-0000-4000-8000-000000000000';

describe('ProcessFile', () => {
  let dir: string;
  beforeEach(() => {
    clearReports();
    dir = mkdtempSync(join(tmpdir(), 'taskspan-process-file-'));
  });
  afterEach(() => {
    rmSync(dir, { recursive: true, force: true });
  });

  const targets = (): { targets: string[]; labels: Record<string, string> }[] =>
    JSON.parse(readFileSync(join(dir, 'prometheus-targets.json'), 'utf8'));
  const own = (instance = A): ProcessFile => new ProcessFile({ dir, instance, service: 'shop' });

  /** An entry as another process would write it. */
  function plant(entry: Partial<ProcessEntry>): string {
    mkdirSync(join(dir, 'processes'), { recursive: true });
    const path = join(dir, 'processes', `${(entry.instance ?? B).slice(0, 8)}.json`);
    const whole = {
      instance: B,
      pid: process.ppid,
      host: hostname(),
      service: 'shop',
      started_at: new Date().toISOString(),
      metrics_url: 'http://127.0.0.1:9999/metrics',
      ...entry,
    };
    writeFileSync(path, JSON.stringify(whole));
    return path;
  }

  async function deadPid(): Promise<number> {
    const child = spawn(process.execPath, ['-e', '']);
    await once(child, 'exit');
    return child.pid ?? 0;
  }

  it('says which process this is and where its metrics are', () => {
    const startedAt = new Date('2026-01-02T03:04:05Z');
    const file = new ProcessFile({ dir, instance: A, service: 'shop', startedAt });
    file.write('http://127.0.0.1:9464/metrics');
    assert.equal(file.path, join(dir, 'processes', 'aaaaaaaa.json'));
    assert.deepEqual(JSON.parse(readFileSync(file.path, 'utf8')), {
      instance: A,
      pid: process.pid,
      host: hostname(),
      service: 'shop',
      started_at: '2026-01-02T03:04:05.000Z',
      metrics_url: 'http://127.0.0.1:9464/metrics',
    });
    assert.deepEqual(targets(), [{ targets: ['127.0.0.1:9464'], labels: { job: 'shop', instance: A } }]);
  });

  it('keeps files and folder to the user, and leaves no temporary file', () => {
    const file = own();
    file.write('http://127.0.0.1:1/metrics');
    assert.equal(statSync(file.path).mode & 0o777, 0o600);
    assert.equal(statSync(join(dir, 'prometheus-targets.json')).mode & 0o777, 0o600);
    assert.equal(statSync(join(dir, 'processes')).mode & 0o777, 0o700);
    assert.deepEqual(readdirSync(dir).sort(), ['processes', 'prometheus-targets.json']);
    assert.deepEqual(readdirSync(join(dir, 'processes')), ['aaaaaaaa.json']);
  });

  it('follows the URL, and is no target without one', () => {
    const file = own();
    file.write(undefined);
    assert.deepEqual(targets(), []);
    file.write('http://127.0.0.1:2/metrics');
    file.write('http://127.0.0.1:3/metrics');
    assert.deepEqual(targets()[0]?.targets, ['127.0.0.1:3']);
  });

  it('lists all live processes, and leaves at removal', () => {
    plant({});
    const file = own();
    file.write('http://127.0.0.1:9464/metrics');
    assert.deepEqual(
      targets().flatMap((group) => group.targets),
      ['127.0.0.1:9464', '127.0.0.1:9999'],
    );
    file.remove();
    file.remove();
    assert.equal(existsSync(file.path), false);
    assert.deepEqual(
      targets().flatMap((group) => group.targets),
      ['127.0.0.1:9999'],
    );
  });

  it('clears away dead processes of this host, and those whose pid is now ours', async () => {
    const dead = plant({ pid: await deadPid() });
    const reused = plant({ instance: 'cccccccc-0', pid: process.pid });
    own().write('http://127.0.0.1:9464/metrics');
    assert.deepEqual([existsSync(dead), existsSync(reused)], [false, false]);
    assert.equal(targets().length, 1);
  });

  it('leaves processes of other hosts alone, and does not take their loopback for ours', async () => {
    const pid = await deadPid();
    const path = plant({ host: 'elsewhere', pid });
    plant({ instance: 'dddddddd-0', host: 'elsewhere', pid, metrics_url: 'http://10.1.2.3:9464/metrics' });
    own().write(undefined);
    assert.equal(existsSync(path), true);
    assert.deepEqual(
      targets().flatMap((group) => group.targets),
      ['10.1.2.3:9464'],
    );
  });

  for (const [what, text] of [
    ['half a line', '{"instance": "b'],
    ['no entry', '[]'],
    ['a null', 'null'],
    ['an entry with a bad pid', '{"instance":"b","pid":-1,"host":"h","service":"s","metrics_url":null}'],
  ]) {
    it(`passes over a file that is ${what}, with one report`, () => {
      writeFileSync(plant({}), text ?? '');
      own().write('http://127.0.0.1:9464/metrics');
      assert.equal(targets().length, 1);
      assert.equal(state.reported.size, 1);
    });
  }

  it('passes over a URL that is none, a folder, and files of others', () => {
    plant({ metrics_url: 'nowhere' });
    mkdirSync(join(dir, 'processes', 'folder.json'));
    writeFileSync(join(dir, 'processes', 'notes.txt'), 'x');
    own().write('http://127.0.0.1:9464/metrics');
    assert.equal(targets().length, 1);
  });

  it('throws nothing when the folder cannot be written', () => {
    const file = new ProcessFile({ dir: join(dir, 'missing', 'deep'), instance: A, service: 'shop' });
    file.write('http://127.0.0.1:9464/metrics');
    file.remove();
    assert.deepEqual(readdirSync(dir), []);
    if (process.getuid?.() !== 0) {
      chmodSync(dir, 0o500);
      own().write('http://127.0.0.1:9464/metrics');
      chmodSync(dir, 0o700);
      assert.deepEqual(readdirSync(dir), []);
    }
  });

  it('loses nobody when many processes start at once, and keeps nobody when they end at once', async () => {
    const script = `
      import { ProcessFile } from ${JSON.stringify(new URL('./process-file.ts', import.meta.url).href)};
      const [dir, instance] = process.argv.slice(-2);
      const file = new ProcessFile({ dir, instance, service: 'shop' });
      process.on('message', (what) => {
        if (what === 'write') file.write('http://127.0.0.1:1019/metrics');
        else file.remove();
        process.send(what);
      });
      process.send('ready');
    `;
    const instances = ['11111111', '22222222', '33333333', '44444444'];
    const children = instances.map((instance) =>
      spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script, '--', dir, instance], {
        env: UNCOVERED,
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      }),
    );
    const answers = (): Promise<unknown> => Promise.all(children.map((child) => once(child, 'message')));
    const tell = async (what: string): Promise<void> => {
      const answered = answers();
      for (const child of children) child.send(what);
      await answered;
    };
    await answers();
    for (let round = 0; round < 25; round++) {
      await tell('write');
      assert.deepEqual(
        targets().map(({ labels }) => labels['instance']),
        instances,
      );
      await tell('remove');
      assert.deepEqual(targets(), []);
    }
    assert.deepEqual(readdirSync(join(dir, 'processes')), []);
    for (const child of children) child.disconnect();
    await Promise.all(children.map((child) => once(child, 'exit')));
  }).timeout(30_000);
});
