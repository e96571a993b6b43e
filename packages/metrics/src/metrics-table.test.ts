import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { LABEL_VALUES, METRICS, type MetricSpec, metricName } from './metrics-table.ts';

const specs: MetricSpec[] = Object.values(METRICS);

describe('the table of metrics', () => {
  for (const spec of specs) {
    describe(spec.name, () => {
      it('has a name that every exporter leaves as it is', () => {
        assert.match(spec.name, /^(async|taskspan)(_[a-z]+)+$/);
        assert.equal(spec.name.endsWith('_total'), spec.kind === 'observable-counter');
      });
      it('has a unit that adds no suffix', () => {
        assert.match(spec.unit, /^(s|By|\{[a-z]+\})$/);
        if (spec.unit === 's') assert.ok(spec.name.endsWith('_seconds'));
        if (spec.unit === 'By') assert.ok(spec.name.endsWith('_bytes'));
      });
      it('has a description of one sentence', () => {
        assert.match(spec.description, /^[A-Z].*\.$/);
      });
      it('has bounded labels only', () => {
        for (const label of spec.labels) assert.ok(label === 'operation' || label in LABEL_VALUES);
        assert.deepEqual(spec.labels, [...spec.labels].sort());
      });
      it('has rising buckets when it is a histogram', () => {
        assert.equal(spec.buckets !== undefined, spec.kind === 'histogram');
        const buckets = spec.buckets ?? [];
        assert.deepEqual(
          buckets,
          [...new Set(buckets)].sort((a, b) => a - b),
        );
      });
    });
  }

  it('names every metric once', () => {
    assert.equal(new Set(specs.map(({ name }) => name)).size, specs.length);
  });

  it('holds the bounds of the contract', () => {
    assert.deepEqual(METRICS.duration.buckets, [0.1, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600]);
    assert.equal(METRICS.wait.buckets[0], 0.005);
    assert.equal(METRICS.wait.buckets.at(-1), 3600);
  });

  it('puts a namespace before async metrics alone', () => {
    assert.equal(metricName(METRICS.running, 'lakefs'), 'lakefs_async_operations_running');
    assert.equal(metricName(METRICS.dropped, 'lakefs'), 'taskspan_dropped_total');
    assert.equal(metricName(METRICS.running, ''), 'async_operations_running');
    assert.equal(metricName(METRICS.running), 'async_operations_running');
  });

  it('stands in the README, row by row', () => {
    const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
    const rows = readme.match(/^\| `.*$/gm)?.map((row) => row.replace(/\s+/g, ' '));
    const kinds = { histogram: 'histogram', 'observable-counter': 'counter', 'observable-gauge': 'gauge' };
    assert.deepEqual(
      rows,
      specs.map(({ name, kind, labels }) => {
        const shown = kind === 'observable-up-down-counter' ? 'gauge' : kinds[kind];
        return `| \`${name}\` | ${shown} | ${labels.join(', ')}${labels.length > 0 ? ' ' : ''}|`;
      }),
    );
  });
});
