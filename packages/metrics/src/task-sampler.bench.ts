// What an unsampled child span costs with our sampler around the configured one, and without; then a lifted task span.
// Rounds are interleaved. Run: node --expose-gc --import tsx packages/metrics/src/task-sampler.bench.ts
import { type Attributes, type Context, ROOT_CONTEXT, TraceFlags, trace } from '@opentelemetry/api';
import { AlwaysOffSampler, BasicTracerProvider, ParentBasedSampler, type Sampler } from '@opentelemetry/sdk-trace-base';
import { TaskMetrics } from './task-metrics.ts';
import { taskSampler } from './task-sampler.ts';

const SPANS = 100_000;
const ROUNDS = 11;
const parent = trace.setSpanContext(ROOT_CONTEXT, {
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: 'b7ad6b7169203331',
  traceFlags: TraceFlags.NONE,
});

/** @returns measures one round: nanoseconds per span */
function prepare(sampler: Sampler, attributes: () => Attributes, under: Context): () => number {
  const tracer = new BasicTracerProvider({ sampler, spanProcessors: [new TaskMetrics()] }).getTracer('bench');
  return () => {
    globalThis.gc?.();
    const began = process.hrtime.bigint();
    for (let i = 0; i < SPANS; i++) tracer.startSpan('GET', { attributes: attributes() }, under).end();
    return Number(process.hrtime.bigint() - began) / SPANS;
  };
}

const delegate = (): Sampler => new ParentBasedSampler({ root: new AlwaysOffSampler() });
const child = (): Attributes => ({ 'http.request.method': 'GET', 'url.path': '/x' });
const task = (): Attributes => ({ operation: 'commit', 'task.id': 'x' });
const rounds = {
  'unsampled child span, plain sampler': prepare(delegate(), child, parent),
  'unsampled child span, task sampler': prepare(taskSampler(delegate()), child, parent),
  'unsampled task span, task sampler': prepare(taskSampler(delegate()), task, ROOT_CONTEXT),
};
const times = new Map<string, number[]>();
for (let round = 0; round < ROUNDS; round++) {
  for (const [what, measure] of Object.entries(rounds)) times.set(what, [...(times.get(what) ?? []), measure()]);
}
let base: number | undefined;
for (const [what, values] of times) {
  const median = values.sort((a, b) => a - b)[ROUNDS >> 1] ?? Number.NaN;
  base ??= median;
  console.log(`${what.padEnd(38)} ${median.toFixed(0)} ns, ratio ${(median / base).toFixed(2)}`);
}
