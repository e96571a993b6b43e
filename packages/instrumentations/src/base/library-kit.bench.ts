/**
 * What a call of a job library costs as a run, beside the bare call and beside the same work through `runTask`; and what
 * the wrapping of a handler costs by itself.
 * Run: npx tsc -b packages/instrumentations && node --import tsx packages/instrumentations/src/base/library-kit.bench.ts
 */
import { context, SpanKind } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import { runTask } from '@taskspan/core';
import { state } from '@taskspan/core/hub';
import { interleave } from '../../../../test/interleave.ts';
import type { RunFacts } from './facts.ts';
import { LibraryKit } from './library-kit.ts';
import { callThrough, type LibraryCall, wrapFunction } from './wrapped-function.ts';

const work = async (): Promise<number> => 1;
const kit = new LibraryKit({ library: 'bench', owns: [], operation: () => undefined });
const call: LibraryCall = { original: work, self: undefined, args: [] };
const carrier = { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' };

const scheduled = (): RunFacts => ({ operation: 'bench', trigger: 'schedule' });

let jobs = 0;
/** All that a queue says of a job. */
const queued = (): RunFacts => {
  jobs += 1;
  return {
    operation: 'bench',
    trigger: 'queue',
    id: `mail.${jobs}.1`,
    jobId: String(jobs),
    queue: 'mail',
    attempt: 1,
    maxAttempts: 3,
    enqueuedAt: Date.now() - 5,
    carrier,
    classify: () => undefined,
  };
};

/** The same through the public door. */
const queuedTask = (): unknown => {
  jobs += 1;
  return runTask('bench', work, {
    id: `mail.${jobs}.1`,
    kind: SpanKind.CONSUMER,
    relation: 'root',
    attempt: 1,
    maxAttempts: 3,
    enqueuedAt: Date.now() - 5,
    carrier,
    attributes: {
      'messaging.system': 'bench',
      'messaging.operation.type': 'process',
      'messaging.operation.name': 'process',
      'messaging.destination.name': 'mail',
      'messaging.message.id': String(jobs),
    },
  });
};

await interleave('nobody listens', {
  'bare handler': () => work(),
  'kit.run of a schedule': () => kit.run(call, scheduled),
  'kit.run of a queued job': () => kit.run(call, queued),
});

const proxied = wrapFunction(work, 'bench.handler', callThrough);
const plain = (...args: readonly unknown[]): unknown => callThrough({ original: work, self: undefined, args });
await interleave(
  'a wrapped handler',
  { 'bare handler': () => work(), 'plain wrapper': () => plain(), 'proxy of wrapFunction': () => proxied() },
  { calls: 100_000 },
);

context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
state.tracerProvider = new BasicTracerProvider();
// As where files are written: every record is taken.
state.sinks.push(() => {});
const wrapped = kit.wrapHandler(work, queued) as () => unknown;
await interleave('spans and records, exporters and files aside', {
  'bare handler': () => work(),
  'runTask, nothing said': () => runTask('bench', work),
  'kit.run of a schedule': () => kit.run(call, scheduled),
  'runTask, all that a queue says': queuedTask,
  'kit.run of a queued job': () => kit.run(call, queued),
  'wrapHandler of a queued job': () => wrapped(),
});
