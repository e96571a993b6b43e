/**
 * What a task costs where nobody listens, and what its span costs, beside the bare forms.
 * Run: node --import tsx packages/core/src/run-task.bench.ts
 */
import { context, SpanStatusCode, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { interleave } from '../../../test/interleave.ts';
import { runTask } from './index.ts';

const work = (): number => 1;
const asyncWork = async (): Promise<number> => 1;

await interleave('no SDK, sync', {
  'bare function': () => work(),
  runTask: () => runTask('bench', work),
});
await interleave('no SDK, async', {
  'bare function': () => asyncWork(),
  runTask: () => runTask('bench', asyncWork),
});

const noExport = {
  export: (_spans: unknown, done: (result: { code: number }) => void): void => done({ code: 0 }),
  shutdown: async (): Promise<void> => {},
  forceFlush: async (): Promise<void> => {},
};
trace.setGlobalTracerProvider(
  new BasicTracerProvider({
    spanProcessors: [new BatchSpanProcessor(noExport, { maxQueueSize: 2_000_000, maxExportBatchSize: 512 })],
  }),
);
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
const tracer = trace.getTracer('bench');

await interleave('SDK, async, span only', {
  'bare startActiveSpan': () =>
    tracer.startActiveSpan('bench', async (span) => {
      try {
        return await asyncWork();
      } catch (error) {
        span.setStatus({ code: SpanStatusCode.ERROR });
        throw error;
      } finally {
        span.end();
      }
    }),
  runTask: () => runTask('bench', asyncWork),
});
