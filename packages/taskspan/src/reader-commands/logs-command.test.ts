import assert from 'node:assert/strict';
import { JobLogReader } from '@taskspan/joblog';
import { registerLogs } from './logs-command.ts';
import { ended, type Printed, STARTED, StoredRuns } from './stored-runs.test.fixture.ts';

describe('taskspan logs', () => {
  let runs: StoredRuns;
  before(() => {
    runs = new StoredRuns();
    runs.write('job-1', [
      STARTED,
      { body: 'reading', attributes: { rows: '1000', 'log.iostream': 'stdout' } },
      { body: 'no\nway', severity: 17, attributes: { why: 'a "b"' } },
      {
        eventName: 'task.metric',
        attributes: { 'metric.name': 'rows_processed', 'metric.value': 12, 'metric.unit': 'row' },
      },
      ended(),
    ]);
    runs.write('job-2', [STARTED, { body: 'open' }]);
    runs.writeText('2026-01-27/job-2.jsonl', 'half a line');
  });
  after(() => runs.remove());

  const logs = (...args: readonly string[]): Promise<Printed> => runs.run(registerLogs, ['logs', ...args]);

  it('prints a line for each entry, and the lines of a text below each other', async () => {
    const { out, err, failed } = await logs('job-1');
    assert.deepEqual(out.split('\n'), [
      '2026-01-27 10:30:45.000Z  EVENT     started  label=nightly operation=etl task.run=a1b2c3d4e5f60718',
      '2026-01-27 10:30:46.000Z  INFO      reading  rows=1000',
      '2026-01-27 10:30:47.000Z  ERROR     no  why="a \\"b\\""',
      '                                    way',
      '2026-01-27 10:30:48.000Z  METRIC    rows_processed = 12 row',
      '2026-01-27 10:30:49.000Z  EVENT     ended  success  after 2.5s  label=nightly',
      '',
    ]);
    assert.deepEqual([err, failed], ['', false]);
  });

  it('prints as JSON what the reader answers, an object a line', async () => {
    const reader = new JobLogReader({ logs: `${runs.dir}/logs` });
    const { entries } = await reader.getJobLogs({ job_run_id: 'job-1' });
    await reader.close();
    const { out } = await logs('job-1', '--json');
    assert.deepEqual(
      out
        .trimEnd()
        .split('\n')
        .map((text): unknown => JSON.parse(text)),
      entries,
    );
  });

  for (const [args, lines] of [
    [['--level', 'error'], 1],
    [['--level', 'INFO'], 5],
    [['--level', '3'], 1],
    [['--since', '2026-01-27T10:30:47Z'], 2],
    [['--since', '1769509847000000000'], 2],
    [['--since', '10m'], 0],
    [['--limit', '2'], 2],
    [['--limit', '2', '--all'], 5],
    [['--tail', '2'], 2],
    [['--tail', '10000'], 5],
    [['--tail', '1', '--level', 'error'], 1],
    [['--tail', '2', '--follow'], 2],
    [['--follow'], 5],
    [['--follow', '--limit', '3'], 3],
    [['--follow', '--level', 'error'], 1],
  ] as const) {
    it(`${args.join(' ')} shows ${lines} entries`, async () => {
      const { out, failed } = await logs('job-1', '--json', ...args);
      assert.deepEqual([out.split('\n').length - 1, failed], [lines, false]);
    });
  }

  it('says how to go on where a page ends, and goes on there', async () => {
    const { err } = await logs('job-1', '--limit', '4');
    const [, cursor = ''] = /^taskspan: there are more: --cursor (\S+), or --all\n$/.exec(err) ?? [];
    assert.match((await logs('job-1', '--cursor', cursor)).out, /^\S+ \S+ {2}EVENT {5}ended [^\n]*\n$/);
  });

  it('shows the end, of however many pages', async () => {
    runs.write('long', [STARTED, ...Array.from({ length: 10_050 }, (_, at) => ({ body: `line ${at}` })), ended()]);
    const { out } = await logs('long', '--tail', '3');
    assert.deepEqual(
      out.split('\n').map((text) => text.slice(26)),
      ['INFO      line 10048', 'INFO      line 10049', 'EVENT     ended  success  after 2.5s  label=nightly', ''],
    );
    assert.equal((await logs('long', '--tail', '3', '--follow')).out, out);
  });

  it("does not repeat what the start says, on later pages as well, and shows what is the program's own", async () => {
    const user = { user: 'cron' };
    runs.write('mine', [
      { ...STARTED, attributes: { ...STARTED.attributes, ...user } },
      { body: 'same', attributes: user },
      { body: 'other', attributes: { user: 'alice' } },
    ]);
    const { out } = await logs('mine', '--tail', '2');
    assert.deepEqual(
      out.split('\n').map((text) => text.slice(26)),
      ['INFO      same', 'INFO      other  user=alice', ''],
    );
    assert.match((await logs('mine')).out, /started {2}label=nightly .*user=cron/);
  });

  it('takes the beginning of an id that no other run has', async () => {
    runs.write('deadbeef-1', [STARTED, { body: 'this one' }]);
    const { out, failed } = await logs('deadbeef');
    assert.deepEqual([/this one\n$/.test(out), failed], [true, false]);
    runs.write('deadbeef-2', [STARTED]);
    assert.match((await logs('deadbeef')).err, /^taskspan: id must be .*deadbeef-[12], deadbeef-[12]/);
  });

  it('tells of lines that nobody can read', async () => {
    const { out, err } = await logs('job-2');
    assert.match(out, /open\n$/);
    assert.equal(err, 'taskspan: one line could not be read\n');
  });

  for (const [args, message] of [
    [['missing'], /^taskspan: there is no job "missing"\n$/],
    [['missing', '--follow'], /^taskspan: there is no job "missing"\n$/],
    [
      ['job-1', '--level', 'loud'],
      /^taskspan: level must be one of debug, info, warn, error, or 0 to 3, got "loud"\n$/,
    ],
    [['job-1', '--since', 'then'], /^taskspan: since must be/],
    [['job-1', '--limit', '10001'], /^taskspan: limit must be/],
    [['job-1', '--tail', '0'], /^taskspan: tail must be a whole number from 1 to 10000, got "0"\n$/],
    [['job-1', '--cursor', '%%%'], /^taskspan: cursor must be/],
  ] as const) {
    it(`${args.join(' ')} fails, and says why`, async () => {
      const { out, err, failed } = await logs(...args);
      assert.deepEqual([out, failed], ['', true]);
      assert.match(err, message);
    });
  }
});
