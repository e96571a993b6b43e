/**
 * What an ended span costs its caller: our processor's `onEnd` against BatchSpanProcessor's. Then what one costs on its
 * way out, all of it: encoded and posted to nobody, and encoded, put on disk, read again and posted, against the floor
 * of `JSON.stringify` of its fields. Interleaved rounds, medians.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BasicTracerProvider, BatchSpanProcessor, type ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { spanSize } from '@taskspan/core/hub';
import { ExportQueue } from './export-queue.ts';
import { encodeSpans } from './otlp/otlp-json.ts';
import type { Post, SendResult } from './send-result.ts';
import { LazySpool } from './spool/lazy-spool.ts';

const SPANS = 20_000;
const ROUNDS = 15;
const DELIVERED: SendResult = { kind: 'delivered' };

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

function newQueue(post: Post, spool?: LazySpool): ExportQueue<ReadableSpan> {
  return new ExportQueue<ReadableSpan>({
    signal: 'spans',
    sizeOf: spanSize,
    spool,
    maxBytes: 512 * 1024 * 1024,
    outlet: {
      ready: () => undefined,
      encode: (spans) => {
        const bytes = encodeSpans(spans);
        return bytes && { bytes, format: 'json', gzip: false, items: spans.length };
      },
      post,
    },
  });
}

function nanosSince(began: bigint): number {
  return Number(process.hrtime.bigint() - began) / SPANS;
}

async function enqueueOurs(): Promise<number> {
  const queue = newQueue(async () => DELIVERED);
  const began = process.hrtime.bigint();
  for (let at = 0; at < SPANS; at += 1) queue.enqueue(ended);
  const took = nanosSince(began);
  await queue.shutdown();
  return took;
}

async function enqueueTheirs(): Promise<number> {
  const batch = new BatchSpanProcessor(
    { export: (_spans, done) => done({ code: 0 }), shutdown: async () => {} },
    { maxQueueSize: SPANS * 2, maxExportBatchSize: 512 },
  );
  const began = process.hrtime.bigint();
  for (let at = 0; at < SPANS; at += 1) batch.onEnd(ended as never);
  const took = nanosSince(began);
  await batch.shutdown();
  return took;
}

async function sendDirectly(): Promise<number> {
  const queue = newQueue(async () => DELIVERED);
  const began = process.hrtime.bigint();
  for (let at = 0; at < SPANS; at += 1) queue.enqueue(ended);
  await queue.forceFlush();
  return nanosSince(began);
}

/** All of it to disk and from there: wall time, with the disk's. The rate limit is above what is sent here. */
async function sendByDisk(): Promise<{ readonly wall: number; readonly cpu: number }> {
  const directory = mkdtempSync(join(tmpdir(), 'taskspan-bench-'));
  const spool = new LazySpool({ directory, maxBytes: 1024 * 1024 * 1024 });
  let isUp = false;
  const queue = newQueue(async () => (isUp ? DELIVERED : { kind: 'retryable', reason: 'down' }), spool);
  const began = process.hrtime.bigint();
  const before = process.cpuUsage();
  for (let at = 0; at < SPANS; at += 1) queue.enqueue(ended);
  await queue.forceFlush();
  isUp = true;
  await queue.forceFlush(60_000);
  const { user, system } = process.cpuUsage(before);
  const wall = nanosSince(began);
  await spool.close();
  rmSync(directory, { recursive: true });
  return { wall, cpu: ((user + system) * 1000) / SPANS };
}

function floor(): number {
  const context = span.spanContext();
  const began = process.hrtime.bigint();
  const fields = { name: ended.name, ...context, attributes: ended.attributes, start: ended.startTime };
  let bytes = 0;
  for (let at = 0; at < SPANS; at += 1) bytes += JSON.stringify(fields).length;
  if (bytes === 0) throw new Error('nothing was written');
  return nanosSince(began);
}

const times = { ours: [], theirs: [], floor: [], direct: [], disk: [], diskCpu: [] } as Record<string, number[]>;
for (let round = 0; round < ROUNDS; round += 1) {
  times['ours']?.push(await enqueueOurs());
  times['theirs']?.push(await enqueueTheirs());
  times['floor']?.push(floor());
  times['direct']?.push(await sendDirectly());
  const { wall, cpu } = await sendByDisk();
  times['disk']?.push(wall);
  times['diskCpu']?.push(cpu);
}
const median = (name: string): number => times[name]?.sort((a, b) => a - b)[Math.floor(ROUNDS / 2)] ?? Number.NaN;
const show = (name: string): string => `${median(name).toFixed(0)} ns`;
const ratio = (name: string, other: string): string => (median(name) / median(other)).toFixed(2);
console.log(`enqueue: ${show('ours')}, BatchSpanProcessor.onEnd: ${show('theirs')}, ratio ${ratio('ours', 'theirs')}`);
console.log(`floor (JSON.stringify): ${show('floor')} a span`);
console.log(`sent directly: ${show('direct')} a span, ${ratio('direct', 'floor')} x floor`);
console.log(
  `by way of the disk: ${show('disk')} a span wall, ${show('diskCpu')} CPU, ${ratio('disk', 'direct')} x direct`,
);
