import assert from 'node:assert/strict';
import { performance } from 'node:perf_hooks';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { runTask } from '@taskspan/core';
import { state } from '@taskspan/core/hub';
import { LazyTracerProvider } from './lazy-tracer-provider.ts';

interface Setup {
  readonly provider: LazyTracerProvider;
  readonly exporter: InMemorySpanExporter;
  loads(): number;
}

function setUp(): Setup {
  let loads = 0;
  const exporter = new InMemorySpanExporter();
  const provider = new LazyTracerProvider(() => {
    loads += 1;
    return new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  });
  return { provider, exporter, loads: () => loads };
}

describe('LazyTracerProvider', () => {
  it('loads nothing for tracers and flushes, and the SDK once for spans', async () => {
    const { provider, exporter, loads } = setUp();
    const [one, two] = [provider.getTracer('one', '1.0.0'), provider.getTracer('two')];
    await provider.forceFlush();
    assert.equal(loads(), 0);
    one.startSpan('first').end();
    const answer = two.startActiveSpan('second', { attributes: { a: 1 } }, (span) => {
      span.end();
      return 42;
    });
    assert.equal(answer, 42);
    assert.equal(loads(), 1);
    await provider.forceFlush();
    const spans = exporter.getFinishedSpans();
    assert.deepEqual(
      spans.map((span) => [span.name, span.instrumentationScope.name, span.instrumentationScope.version]),
      [
        ['first', 'one', '1.0.0'],
        ['second', 'two', undefined],
      ],
    );
    assert.deepEqual(spans[1]?.attributes, { a: 1 });
  });

  it('loads the SDK when the first task asks for its tracer: before the clock of that task starts', () => {
    const { provider, loads } = setUp();
    state.tracerProvider = provider;
    try {
      // The first reading of the monotonic clock is the start of the run.
      const loadsAtStart: number[] = [];
      const now = performance.now.bind(performance);
      performance.now = () => {
        loadsAtStart.push(loads());
        return now();
      };
      try {
        runTask('first', () => {});
      } finally {
        Reflect.deleteProperty(performance, 'now');
      }
      assert.equal(loadsAtStart[0], 1);
    } finally {
      state.tracerProvider = undefined;
    }
  });

  it('shuts the processors down, also when there was no span', async () => {
    const { provider, exporter, loads } = setUp();
    await provider.shutdown();
    assert.equal(loads(), 1);
    provider.getTracer('late').startSpan('late').end();
    assert.deepEqual(exporter.getFinishedSpans(), []);
  });

  it('gives spans that record nothing when the SDK cannot be loaded', () => {
    const provider = new LazyTracerProvider(() => {
      throw new Error('not installed');
    });
    const span = provider.getTracer('any').startSpan('lost');
    assert.equal(span.isRecording(), false);
    span.end();
  });
});
