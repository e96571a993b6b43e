import assert from 'node:assert/strict';
import { samplesOf } from './metric-samples.ts';
import { registerMetrics } from './metrics-command.ts';
import { registerSearch } from './search-command.ts';
import { ended, type Printed, STARTED, StoredRuns } from './stored-runs.test.fixture.ts';

describe('taskspan metrics', () => {
  let runs: StoredRuns;
  before(() => {
    runs = new StoredRuns();
    const point = { 'metric.name': 'rows_processed', 'metric.value': 12, 'metric.label.stage': 'load' };
    runs.write('job-1', [STARTED, { eventName: 'task.metric', attributes: point }, { body: 'Needle' }, ended()]);
    runs.write('job-2', [STARTED, ended()]);
  });
  after(() => runs.remove());

  const metrics = (...args: readonly string[]): Promise<Printed> => runs.run(registerMetrics, ['metrics', ...args]);

  it('prints the metrics of all jobs as Prometheus text', async () => {
    const { out } = await metrics();
    assert.match(out, /^# HELP /);
    assert.match(out, /^rows_processed_total\{[^}]*job_label="nightly"[^}]*\} 12$/m);
  });

  it('prints the same as JSON', async () => {
    const { out } = await metrics('--json');
    const { metrics: samples } = JSON.parse(out) as { metrics: ReturnType<typeof samplesOf> };
    assert.deepEqual(
      samples.filter(({ name }) => name === 'rows_processed_total').map(({ value }) => value),
      [12],
    );
  });

  it('prints the metric points of one run', async () => {
    const { out } = await metrics('job-1');
    assert.deepEqual(out.split('\n'), [
      'TIME (UTC)           NAME            VALUE  LABELS',
      '2026-01-27 10:30:46  rows_processed     12  stage=load',
      '',
    ]);
    assert.deepEqual(JSON.parse((await metrics('job-1', '--json')).out), {
      metrics: [
        {
          name: 'rows_processed',
          value: 12,
          labels: { stage: 'load' },
          unit: '',
          timestamp: '2026-01-27T10:30:46.000000000Z',
        },
      ],
    });
    assert.deepEqual(await metrics('job-2'), { out: '', err: 'taskspan: no metric points\n', failed: false });
    assert.equal((await metrics('missing')).failed, true);
  });

  it('search finds a text in all runs', async () => {
    const { out } = await runs.run(registerSearch, ['search', 'needle']);
    assert.equal(out, 'job-1  2026-01-27 10:30:47.000Z  INFO      Needle\n');
    const { out: json } = await runs.run(registerSearch, ['search', 'needle', '--json', '--from', '2026-01-27']);
    assert.equal((JSON.parse(json) as { job_id: string }).job_id, 'job-1');
  });

  it('search calls what it refuses as its help does', async () => {
    const { err, failed } = await runs.run(registerSearch, ['search', '']);
    assert.match(err, /^taskspan: text must be /);
    assert.equal(failed, true);
  });
});

describe('samples of an exposition', () => {
  it('have their labels unescaped, and words for what JSON cannot say', () => {
    const text = '# HELP a A.\n# TYPE a gauge\na 1.5\na{b="x\\"y\\\\z\\n",c="}"} +Inf 17\nb:c{} NaN\n\nnonsense\n';
    assert.deepEqual(samplesOf(text), [
      { name: 'a', labels: {}, value: 1.5 },
      { name: 'a', labels: { b: 'x"y\\z\n', c: '}' }, value: '+Inf' },
      { name: 'b:c', labels: {}, value: 'NaN' },
    ]);
  });
});
