/**
 * What an open run holds in memory, beside an open span with the same name.
 * Run: node --expose-gc --import tsx packages/core/src/memory.bench.ts
 */
import { trace } from '@opentelemetry/api';
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import { startTask } from './index.ts';
import { state } from './internal/state.ts';

const COUNT = 50_000;
const ROUNDS = 5;
const TARGET_BYTES = 2048;

const { gc } = globalThis;
if (gc === undefined) throw new Error('start node with --expose-gc');

trace.setGlobalTracerProvider(new BasicTracerProvider());
const tracer = trace.getTracer('bench');

const contenders: Readonly<Record<string, () => unknown>> = {
  'open span': () => tracer.startSpan('bench', { attributes: { operation: 'bench' } }),
  'open run': () => startTask('bench'),
  'open run with options': () =>
    startTask('bench', {
      attempt: 1,
      label: 'nightly',
      attributes: { repository: 'repo', request_id: 'r', user: 'u' },
    }),
};

const bytes = new Map<string, number[]>();
for (let round = 0; round <= ROUNDS; round += 1) {
  for (const [name, open] of Object.entries(contenders)) {
    gc();
    const before = process.memoryUsage().heapUsed;
    const held = Array.from({ length: COUNT }, open);
    gc();
    const each = (process.memoryUsage().heapUsed - before) / held.length;
    // The first round warms up: caches and compiled code are not memory of a run.
    if (round > 0) bytes.set(name, [...(bytes.get(name) ?? []), each]);
    state.openRuns.clear();
    held.length = 0;
  }
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
const floor = median(bytes.get('open span') ?? []);
for (const [name, values] of bytes) {
  const each = median(values);
  console.log(
    `${name.padEnd(24)} ${each.toFixed(0).padStart(6)} bytes, ${(each - floor).toFixed(0).padStart(6)} over the bare span`,
  );
}
console.log(`target: at most ${TARGET_BYTES} bytes over the bare span`);
