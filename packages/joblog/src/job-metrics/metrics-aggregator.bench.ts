/**
 * What a scrape costs on a tree of N runs (`node --expose-gc --import tsx metrics-aggregator.bench.ts [N]`, default
 * 20 000): the first reading, one with nothing new, one with a new run, the text, and taking up the saved state.
 */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { MetricsAggregator } from './metrics-aggregator.ts';
import { lineOf, StoredRun, StoredRuns, sample } from './stored-runs.test.fixture.ts';

const runs = Number(process.argv[2] ?? 20_000);
const stored = new StoredRuns();
try {
  for (let index = 0; index < runs; index += 1) {
    const run = new StoredRun(`0190b3e4-7c1a-7000-8000-${String(index).padStart(12, '0')}`, {
      operation: `operation-${index % 20}`,
      label: `label-${index % 50}`,
      isCounted: index % 2 === 0,
    });
    const lines = Array.from({ length: 10 }, (_, line) => run.event(undefined, 0.1, { body: `line ${line} of it` }));
    stored.append(
      `${run.id}.jsonl`,
      lineOf(run.started()) +
        lines.map((record) => lineOf(record)).join('') +
        lineOf(run.rows(1)) +
        lineOf(run.ended()),
    );
  }
  const heap = usedBytes();
  const aggregator = new MetricsAggregator({ logs: stored.logs, state: stored.state });
  await timed(`first reading of ${runs} runs, with saving`, () => aggregator.refresh());
  await timed('nothing new', () => aggregator.refresh());
  await timed('nothing new, again', () => aggregator.refresh());
  stored.add(new StoredRun('one-more'));
  await timed('one run more', () => aggregator.refresh());
  await timed('text', async () => aggregator.render().length);
  console.log(`memory ${((usedBytes() - heap) / 1e6).toFixed(1)} MB`);
  await timed('close, with saving', () => aggregator.close());
  console.log(`state ${(statSync(join(stored.state, 'metrics-1.jsonl')).size / 1e6).toFixed(1)} MB`);
  const next = new MetricsAggregator({ logs: stored.logs, state: stored.state });
  await timed('first reading after a restart', () => next.refresh());
  const total = sample(next.render(), 'async_operations_total{operation="operation-0",status="success"}');
  if (total !== runs / 20) throw new Error(`${total} runs counted instead of ${runs / 20}`);
} finally {
  stored.remove();
}

async function timed(what: string, work: () => Promise<unknown>): Promise<void> {
  const start = performance.now();
  await work();
  console.log(`${what}: ${(performance.now() - start).toFixed(1)} ms`);
}

function usedBytes(): number {
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
