// What counting a task costs on its path: ours, against the four sync instrument calls that one would write by hand.
// Both run under one meter provider each with one reader; rounds are interleaved.
// Run: node --expose-gc --import tsx packages/metrics/src/task-metrics.bench.ts
import { INVALID_SPAN_CONTEXT, ROOT_CONTEXT } from '@opentelemetry/api';
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';
import type { Span } from '@opentelemetry/sdk-trace-base';
import { type RunInfo, state } from '@taskspan/core/hub';
import { TaskMetrics } from './task-metrics.ts';
import { taskViews } from './task-views.ts';

class PullReader extends MetricReader {
  override async onForceFlush(): Promise<void> {}
  override async onShutdown(): Promise<void> {}
}

const TASKS = 50_000;
const ROUNDS = 9;
const span = {
  kind: 0,
  attributes: { operation: 'commit' },
  spanContext: () => INVALID_SPAN_CONTEXT,
} as unknown as Span;

const oursReader = new PullReader();
const taskMetrics = new TaskMetrics();
taskMetrics.bind(new MeterProvider({ readers: [oursReader], views: taskViews() }));

const naiveReader = new PullReader();
const meter = new MeterProvider({ readers: [naiveReader] }).getMeter('naive');
const running = meter.createUpDownCounter('running');
const total = meter.createCounter('total');
const duration = meter.createHistogram('duration');

/** Starts and ends tasks; the runs are made outside of the measured time. */
function ours(): number {
  const runs = Array.from({ length: TASKS }, (): RunInfo => {
    const { spanId } = INVALID_SPAN_CONTEXT;
    return { operation: 'commit', runId: spanId, status: 'success', durationSeconds: 0.3, startTimeMs: 1 } as RunInfo;
  });
  return measure(() => {
    for (const run of runs) {
      state.starting = run;
      taskMetrics.onStart(span, ROOT_CONTEXT);
      state.starting = undefined;
      state.ending = run;
      taskMetrics.onEnd(span);
      state.ending = undefined;
    }
  });
}

function naive(): number {
  return measure(() => {
    for (let i = 0; i < TASKS; i++) {
      running.add(1, { operation: 'commit' });
      running.add(-1, { operation: 'commit' });
      total.add(1, { operation: 'commit', status: 'success' });
      duration.record(0.3, { operation: 'commit', status: 'success' });
    }
  });
}

/** @returns nanoseconds per task */
function measure(work: () => void): number {
  globalThis.gc?.();
  const began = process.hrtime.bigint();
  work();
  return Number(process.hrtime.bigint() - began) / TASKS;
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

const results = { ours: [] as number[], path: [] as number[], naive: [] as number[] };
// The same tasks without a meter: what is on the task's path when the histograms are fed between tasks.
const unbound = new TaskMetrics();
for (let round = 0; round < ROUNDS; round++) {
  results.ours.push(ours());
  results.naive.push(naive());
  results.path.push(path());
  await oursReader.collect();
  await naiveReader.collect();
}

function path(): number {
  const run = { operation: 'commit', status: 'success', durationSeconds: 0.3, startTimeMs: 1 } as RunInfo;
  unbound.takeReport();
  return measure(() => {
    for (let i = 0; i < TASKS; i++) {
      unbound.onRunStart(run);
      unbound.onRunEnd(run);
      if (i % 9000 === 0) unbound.takeReport();
    }
  });
}

const [oursNs, naiveNs, pathNs] = [median(results.ours), median(results.naive), median(results.path)];
console.log(`four sync instrument calls   ${naiveNs.toFixed(0)} ns per task`);
console.log(`TaskMetrics, all of it       ${oursNs.toFixed(0)} ns per task, ratio ${(oursNs / naiveNs).toFixed(2)}`);
console.log(`TaskMetrics, the path alone  ${pathNs.toFixed(0)} ns per task, ratio ${(pathNs / naiveNs).toFixed(2)}`);
