import assert from 'node:assert/strict';
import { exposition } from './exposition.ts';
import { JOB_METRICS } from './job-metric-table.ts';
import { MetricCells } from './metric-cells.ts';

const NOW = { open: new Map(), nowMs: 5000, namespace: undefined, lastReading: undefined, held: undefined };
const LINE = /^[a-z_]+(\{([a-z_]+="([^"\\\n]|\\["\\n])*",?)*\})? (\d+(\.\d+)?(e[+-]\d+)?)$/;

describe('the exposition text', () => {
  function filled(): MetricCells {
    const cells = new MetricCells();
    const operation = cells.operation('say "hi"\\\n{');
    operation.start(0.2);
    operation.end('success', 0.3, 4000);
    const job = cells.job('', 'import');
    job.finish(1, 2, 3);
    job.remember(1_500_000);
    job.add(1e21);
    return cells;
  }

  it('has every family of the table, in its order, with help and type', () => {
    const text = exposition(filled(), { ...NOW, held: { files: 3, bytes: 4096 } });
    assert.ok(text.endsWith('\ntaskspan_log_bytes 4096\n'));
    const heads = text.split('\n').filter((line) => line.startsWith('#'));
    assert.deepEqual(
      heads,
      Object.values(JOB_METRICS).flatMap(({ name, type, description }) => [
        `# HELP ${name} ${description}`,
        `# TYPE ${name} ${type}`,
      ]),
    );
  });

  it('has lines that can be read, whatever the labels are', () => {
    const text = exposition(filled(), NOW);
    assert.ok(text.endsWith('\n'));
    for (const line of text.split('\n').slice(0, -1)) if (!line.startsWith('#')) assert.match(line, LINE);
    assert.match(text, /^async_operations_started_total\{operation="say \\"hi\\"\\\\\\n\{"\} 1$/m);
    assert.match(text, /^job_memory_peak_mb\{job_label="",operation="import"\} 1.5$/m);
    assert.match(text, /^rows_processed_total\{.*\} 1e\+21$/m);
  });

  it('adds up buckets, the last of which has all', () => {
    const cells = new MetricCells();
    const operation = cells.operation('o');
    for (const seconds of [0.1, 0.100001, 3600, 3601]) operation.end('success', seconds, 0);
    const text = exposition(cells, NOW);
    const bucket = (le: string): number =>
      Number(new RegExp(`le="${le}"\\} (\\d+)`).exec(text.replaceAll('+', 'p'))?.[1] ?? Number.NaN);
    assert.deepEqual([bucket('0.1'), bucket('0.5'), bucket('3600'), bucket('pInf')], [1, 2, 3, 4]);
    assert.match(text, /_sum\{operation="o",status="success"\} 7201.200001$/m);
    assert.match(text, /_count\{operation="o",status="success"\} 4$/m);
  });

  it('shows what came up after the last reading of the one who asks at 0, running too', () => {
    const cells = filled();
    cells.reading = 3;
    cells.operation('new').start(undefined);
    const open = new Map([['new', { count: 1, oldestMs: 1000 }]]);
    const running = (lastReading: number | undefined): (string | undefined)[] => {
      const text = exposition(cells, { ...NOW, open, lastReading });
      return ['running', 'started_total'].map(
        (name) => new RegExp(`^async_operations_${name}\\{operation="new"\\} (\\d+)$`, 'm').exec(text)?.[1],
      );
    };
    assert.deepEqual(running(2), ['0', '0']);
    assert.deepEqual(running(3), ['1', '1']);
    assert.deepEqual(running(undefined), ['1', '1']);
  });
});
