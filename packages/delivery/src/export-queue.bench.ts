/**
 * What an ended span costs its caller: our processor's `onEnd` against BatchSpanProcessor's, in interleaved rounds.
 * Both send to nobody; the batch processor's queue is large enough to drop nothing.
 */
import { BasicTracerProvider, BatchSpanProcessor, type ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { spanSize } from '@taskspan/core/hub';
import { ExportQueue } from './export-queue.ts';

const SPANS = 20_000;
const ROUNDS = 30;

const span = new BasicTracerProvider().getTracer('bench').startSpan('commit', {
  attributes: {
    operation: 'commit',
    'task.id': '0199f0a2-5f0c-7d1e-9d6a-000000000000',
    'task.attempt': 1,
    repository: 'r',
  },
});
span.end();
const ended = span as unknown as ReadableSpan;

async function round(ours: boolean): Promise<number> {
  const queue = new ExportQueue<ReadableSpan>({
    signal: 'spans',
    outlet: { ready: () => undefined, encode: () => undefined, post: async () => ({ kind: 'delivered' }) },
    sizeOf: spanSize,
  });
  const batch = new BatchSpanProcessor(
    { export: (_spans, done) => done({ code: 0 }), shutdown: async () => {} },
    { maxQueueSize: SPANS * 2, maxExportBatchSize: 512 },
  );
  const began = process.hrtime.bigint();
  if (ours) for (let i = 0; i < SPANS; i += 1) queue.enqueue(ended);
  else for (let i = 0; i < SPANS; i += 1) batch.onEnd(ended as never);
  const took = Number(process.hrtime.bigint() - began) / SPANS;
  await Promise.all([queue.shutdown(), batch.shutdown()]);
  return took;
}

const times: { ours: number[]; theirs: number[] } = { ours: [], theirs: [] };
for (let i = 0; i < ROUNDS; i += 1) {
  times.ours.push(await round(true));
  times.theirs.push(await round(false));
}
const median = (list: number[]): number => list.sort((a, b) => a - b)[Math.floor(list.length / 2)] ?? Number.NaN;
const ours = median(times.ours);
const theirs = median(times.theirs);
console.log(
  `enqueue: ${ours.toFixed(0)} ns, BatchSpanProcessor.onEnd: ${theirs.toFixed(0)} ns, ratio ${(ours / theirs).toFixed(2)}`,
);
