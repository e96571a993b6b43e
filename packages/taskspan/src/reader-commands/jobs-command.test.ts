import assert from 'node:assert/strict';
import { join } from 'node:path';
import { JobLogReader, type JobRow } from '@taskspan/joblog';
import { registerJobs } from './jobs-command.ts';
import { ended, type Printed, START_MS, STARTED, StoredRuns } from './stored-runs.test.fixture.ts';

const DAY_MS = 86_400_000;
const EXIT = { 'task.exit.category': 'failure', 'task.memory.peak_bytes': 64_774_144, 'task.cpu.seconds': 1.5 };

describe('taskspan jobs', () => {
  let runs: StoredRuns;
  before(() => {
    runs = new StoredRuns();
    runs.write('job-1', [STARTED, { body: 'needle' }, ended()]);
    runs.write('job-2', [STARTED, ended('failure', { 'error.type': 'TypeError' })], { startMs: START_MS + DAY_MS });
    runs.write('job-3', [STARTED, ended()], { startMs: START_MS + 2 * DAY_MS, operation: 'commit', service: 'store' });
  });
  after(() => runs.remove());

  const jobs = (...args: readonly string[]): Promise<Printed> => runs.run(registerJobs, ['jobs', ...args]);

  async function ids(...args: readonly string[]): Promise<readonly string[]> {
    const { out } = await jobs('--json', ...args);
    return out
      .split('\n')
      .filter((text) => text !== '')
      .map((text) => (JSON.parse(text) as JobRow).job_id);
  }

  it('prints the newest first, in aligned columns without what nobody says', async () => {
    const { out, err, failed } = await jobs();
    assert.deepEqual(out.split('\n'), [
      'STARTED (UTC)        STATUS   TOOK  OPERATION  LABEL    ERROR      ID',
      '2026-01-29 10:30:45  success  2.5s  commit     nightly             job-3',
      '2026-01-28 10:30:45  failure  2.5s  etl        nightly  TypeError  job-2',
      '2026-01-27 10:30:45  success  2.5s  etl        nightly             job-1',
      '',
    ]);
    assert.deepEqual([err, failed], ['', false]);
  });

  it('prints as JSON what the reader answers, an object a line', async () => {
    const reader = new JobLogReader({ logs: `${runs.dir}/logs` });
    const { jobs: rows } = await reader.listJobs();
    await reader.close();
    const { out } = await jobs('--json');
    assert.deepEqual(
      out
        .trimEnd()
        .split('\n')
        .map((text) => JSON.parse(text) as JobRow),
      rows,
    );
  });

  for (const [args, found] of [
    [
      ['--from', '2026-01-28'],
      ['job-3', 'job-2'],
    ],
    [
      ['--to', '2026-01-28'],
      ['job-2', 'job-1'],
    ],
    [['--from', '2026-01-28', '--to', '2026-01-28'], ['job-2']],
    [['--operation', 'commit'], ['job-3']],
    [['--status', 'failure'], ['job-2']],
    [
      ['--label', 'nightly', '--service', 'shop'],
      ['job-2', 'job-1'],
    ],
    [['--query', 'NEEDLE'], ['job-1']],
    [['--limit', '1'], ['job-3']],
    [
      ['--limit', '1', '--all'],
      ['job-3', 'job-2', 'job-1'],
    ],
  ] as const) {
    it(`${args.join(' ')} shows ${found.join(', ')}`, async () => {
      assert.deepEqual(await ids(...args), found);
    });
  }

  it('says how to go on where a page ends, and goes on there', async () => {
    const { err } = await jobs('--limit', '2');
    const [, cursor = ''] = /^taskspan: there are more: --cursor (\S+), or --all\n$/.exec(err) ?? [];
    assert.deepEqual(await ids('--cursor', cursor), ['job-1']);
  });

  it('shows all that is known of one run', async () => {
    const { out } = await jobs('job-2');
    assert.deepEqual(out.split('\n'), [
      'job        job-2',
      'status     failure',
      'operation  etl',
      'label      nightly',
      'service    shop',
      'started    2026-01-28T10:30:45.000Z',
      'ended      2026-01-28T10:30:46.000Z',
      'took       2.5s',
      'error      TypeError',
      'run        a1b2c3d4e5f60718',
      '',
    ]);
    const { out: json } = await jobs('job-2', '--json');
    assert.equal((JSON.parse(json) as { job_id: string; attempts: unknown[] }).attempts.length, 1);
  });

  it('shows how a command ended, what it took, and where its log is', async () => {
    const file = '2026-01-30/job-4';
    runs.write(
      'job-4',
      [
        { ...STARTED, attributes: { 'task.file': file } },
        { eventName: 'task.exited', attributes: { ...EXIT, 'process.exit.code': 3 } },
        { eventName: 'task.event', attributes: { 'event.type': 'exited', 'process.exit.code': 4 } },
        ended('failure', { 'error.type': 'exit_code_3' }),
      ],
      { startMs: START_MS + 3 * DAY_MS },
    );
    assert.deepEqual((await jobs('job-4')).out.split('\n').slice(-6), [
      'run        a1b2c3d4e5f60718',
      'exit       3',
      'memory     61.8 MiB at most',
      'cpu        1.5s',
      `file       ${join(runs.dir, 'logs', `${file}.jsonl`)}`,
      '',
    ]);
    const killed = { ...EXIT, 'task.exit.signal': 'SIGKILL', 'task.memory.peak_bytes': 0, 'task.file': '../../x' };
    runs.write('job-5', [STARTED, { eventName: 'task.exited', attributes: killed }, ended('failure')]);
    assert.deepEqual((await jobs('job-5')).out.split('\n').slice(-4), [
      'run        a1b2c3d4e5f60718',
      'exit       SIGKILL',
      'cpu        1.5s',
      '',
    ]);
  });

  it('says so when there is nothing', async () => {
    const { out, err, failed } = await jobs('--operation', 'nothing');
    assert.deepEqual([out, err, failed], ['', 'taskspan: no runs\n', false]);
  });

  for (const [args, message] of [
    [['--limit', '0'], /^taskspan: limit must be a whole number from 1 to 10000, got "0"\n$/],
    [['--limit', 'many'], /limit must be/],
    [['--from', 'yesterday'], /^taskspan: from must be/],
    [['--status', 'fine'], /^taskspan: status must be/],
    [['--cursor', '%%%'], /^taskspan: cursor must be/],
    [['missing'], /^taskspan: there is no job "missing"\n$/],
    [['job-1', '--service', 'store'], /^taskspan: there is no job "job-1"\n$/],
  ] as const) {
    it(`${args.join(' ')} fails, and says why`, async () => {
      const { out, err, failed } = await jobs(...args);
      assert.deepEqual([out, failed], ['', true]);
      assert.match(err, message);
    });
  }
});
