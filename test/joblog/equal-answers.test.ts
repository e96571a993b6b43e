import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { MetricsAggregator } from '@taskspan/joblog';
import { type JobServer, startServer } from '@taskspan/server';
import { ROOT } from '../house/source-tree.ts';
import { DAY, JobTree, type TreeRecord } from './job-tree.ts';

const CLI = join(ROOT, 'packages', 'taskspan', 'dist', 'cli.js');

const POINT: TreeRecord = {
  event: 'task.metric',
  attributes: { 'metric.name': 'rows_processed', 'metric.value': 12, 'metric.label.stage': 'load' },
};

function run(id: string, status: string, lines: readonly TreeRecord[] = []): readonly TreeRecord[] {
  const records = [
    { event: 'task.started', attributes: { 'task.label': 'nightly' } },
    ...lines,
    { event: 'task.ended', attributes: { 'task.status': status, 'task.duration_seconds': 1.5 } },
  ];
  return records.map((record) => ({ id, ...record }));
}

describe('the command line and the REST API', function () {
  // A process for each answer.
  this.timeout(60_000);

  let tree: JobTree;
  let server: JobServer;
  let metrics: MetricsAggregator;
  before(async () => {
    tree = new JobTree();
    tree.write(`${DAY}/job-1.jsonl`, run('job-1', 'success', [{ body: 'line' }, { body: 'bad', severity: 17 }, POINT]));
    tree.append(`${DAY}/job-1.jsonl`, 'half a line');
    tree.write(`${DAY}/job-2.jsonl`, run('job-2', 'failure'));
    tree.write(`${DAY}/hostile.jsonl`, run('a/../b c?&#', 'success', [{ body: '\u001b[2J"\n' }]));
    metrics = new MetricsAggregator({ logs: join(tree.folder, 'logs') });
    server = await startServer({ reader: tree.reader(), metrics, port: 0 });
  });
  after(async () => {
    await server.close();
    await metrics.close();
    await tree.remove();
  });

  /** What the command prints as JSON, one value a line. */
  async function printed(args: readonly string[]): Promise<readonly unknown[]> {
    const all = [CLI, ...args, '--json', '--dir', tree.folder];
    const { stdout } = await promisify(execFile)(process.execPath, all, { env: { ...process.env, NO_COLOR: '1' } });
    return stdout
      .split('\n')
      .filter((text) => text !== '')
      .map((text): unknown => JSON.parse(text));
  }

  async function answered(path: string): Promise<Readonly<Record<string, unknown>>> {
    const response = await fetch(`${server.url}/api/v1${path}`);
    assert.equal(response.status, 200, path);
    return (await response.json()) as Readonly<Record<string, unknown>>;
  }

  const hostile = encodeURIComponent('a/../b c?&#');

  for (const [args, path, list] of [
    [['jobs'], '/jobs', 'jobs'],
    [['jobs', '--status', 'failure'], '/jobs?status=failure', 'jobs'],
    [['jobs', '--from', DAY, '--to', DAY, '--limit', '2'], `/jobs?from=${DAY}&to=${DAY}&limit=2`, 'jobs'],
    [['jobs', '--query', 'LINE'], '/jobs?q=LINE', 'jobs'],
    [['jobs', 'job-1'], '/jobs/job-1', undefined],
    [['jobs', 'a/../b c?&#'], `/jobs/${hostile}`, undefined],
    [['logs', 'job-1'], '/jobs/job-1/logs', 'entries'],
    [['logs', 'job-1', '--level', 'error'], '/jobs/job-1/logs?level=error', 'entries'],
    [['logs', 'job-1', '--since', `${DAY}T00:00:02Z`], `/jobs/job-1/logs?since=${DAY}T00:00:02Z`, 'entries'],
    [['logs', 'job-1', '--limit', '2'], '/jobs/job-1/logs?limit=2', 'entries'],
    [['logs', 'a/../b c?&#'], `/jobs/${hostile}/logs`, 'entries'],
    [['metrics', 'job-1'], '/jobs/job-1/metrics', undefined],
  ] as const) {
    it(`say the same: taskspan ${args.join(' ')} and ${path}`, async () => {
      const [lines, answer] = await Promise.all([printed(args), answered(path)]);
      assert.ok(lines.length > 0);
      assert.deepEqual(lines, list === undefined ? [answer] : answer[list]);
    });
  }

  it('say the same of the metrics of all jobs', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [CLI, 'metrics', '--dir', tree.folder]);
    const response = await fetch(`${server.url}/api/v1/metrics`);
    assert.equal(stdout, await response.text());
  });

  it('refuse the same', async () => {
    for (const [args, path, status] of [
      [['logs', 'missing'], '/jobs/missing/logs', 404],
      [['logs', 'job-1', '--level', 'loud'], '/jobs/job-1/logs?level=loud', 400],
      [['logs', 'job-1', '--limit', '0'], '/jobs/job-1/logs?limit=0', 400],
      [['jobs', '--from', 'x'], '/jobs?from=x', 400],
      [['jobs', '--cursor', 'x'], '/jobs?cursor=x', 400],
    ] as const) {
      const response = await fetch(`${server.url}/api/v1${path}`);
      assert.equal(response.status, status, path);
      await assert.rejects(printed(args), (error: { code?: unknown }) => error.code === 1, args.join(' '));
    }
  });
});
