import assert from 'node:assert/strict';
import { type Context, context, ROOT_CONTEXT, SpanStatusCode, trace } from '@opentelemetry/api';
import { logs } from '@opentelemetry/api-logs';
import type { ReadableSpan, Span, SpanProcessor } from '@opentelemetry/sdk-trace-base';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { type Adoption, adoptSpan, endAdoptedSpan } from './adopted-run.ts';
import { closeOpenRuns } from './internal/hub.ts';
import { type RunInfo, state } from './internal/state.ts';
import { type Recording, startRecording, stopRecording } from './recorded-sdk.test.ts';
import { currentRun } from './run-context.ts';
import { runTask } from './run-task.ts';

/** Adopts every span whose name begins with `take`; one named `take x` is worked on in its parent. */
class Adopter implements SpanProcessor {
  readonly runs: RunInfo[] = [];

  onStart(span: Span, parentContext: Context): void {
    if (!span.name.startsWith('take')) return;
    const adoption: Adoption = { operation: 'orders', own: { 'task.library': 'lib' } };
    const parent = span.name === 'take x' ? trace.getSpan(parentContext) : undefined;
    this.runs.push(adoptSpan(span, { ...adoption, workedOnIn: parent }));
  }

  onEnd(span: ReadableSpan): void {
    endAdoptedSpan(span);
    endAdoptedSpan(span);
  }

  forceFlush(): Promise<void> {
    return Promise.resolve();
  }

  shutdown(): Promise<void> {
    return Promise.resolve();
  }
}

const tracer = () => trace.getTracer('other');

describe('an adopted span', () => {
  let seen: Recording;
  let adopter: Adopter;
  const record = (options: Parameters<typeof startRecording>[0] = {}): void => {
    adopter = new Adopter();
    seen = startRecording({ ...options, processors: [adopter] });
  };
  beforeEach(() => record());
  afterEach(() => {
    stopRecording();
    state.adopted = undefined;
  });

  it('is a run with records, an id, a file and what is said of it', () => {
    tracer()
      .startSpan('take', { attributes: { 'app.key': 'v' } })
      .end();
    const { attributes, ...span } = seen.span('take');
    const [run] = adopter.runs;
    assert.deepEqual(seen.events(), ['task.started', 'task.ended']);
    assert.deepEqual(attributes, {
      'app.key': 'v',
      'task.library': 'lib',
      operation: 'orders',
      'task.id': run?.id,
      'task.file': run?.file,
      'task.status': 'success',
    });
    assert.deepEqual(seen.record('task.started').attributes, { 'app.key': 'v', 'task.library': 'lib' });
    assert.equal(run?.runId, seen.span('take').spanContext().spanId);
    assert.equal(span.name, 'take');
    assert.equal(state.openRuns.size, 0);
  });

  it('is open while it lasts, and told to whoever watches runs', () => {
    const span = tracer().startSpan('take');
    assert.deepEqual(
      [...state.openRuns].map((run) => run.info),
      adopter.runs,
    );
    assert.equal(adopter.runs[0]?.status, undefined);
    span.end();
    assert.equal(adopter.runs[0]?.status, 'success');
    assert.equal(typeof adopter.runs[0]?.durationSeconds, 'number');
  });

  it('is adopted once', () => {
    const span = tracer().startSpan('take') as Span;
    assert.equal(adoptSpan(span, { operation: 'again', own: {} }), adopter.runs[0]);
    span.end();
    assert.deepEqual(seen.events(), ['task.started', 'task.ended']);
    assert.equal(endAdoptedSpan({}), undefined);
  });

  it('has all that is made below it, however deep', () => {
    tracer().startActiveSpan('take', (span) => {
      tracer().startActiveSpan('child', (child) => {
        tracer().startSpan('grandchild').end();
        child.end();
      });
      span.end();
    });
    const { 'task.id': id, 'task.file': file } = seen.span('take').attributes;
    for (const name of ['child', 'grandchild'])
      assert.deepEqual(seen.span(name).attributes, { 'task.id': id, 'task.file': file });
    // Ending a descendant ends no run.
    assert.equal(seen.events().filter((name) => name === 'task.ended').length, 1);
  });

  it('has the lines that are logged in it, numbered with its own records', () => {
    stopRecording();
    record({ records: 'sdk' });
    tracer().startActiveSpan('take', (span) => {
      logs.getLogger('app').emit({ body: 'hello' });
      span.end();
    });
    const line = seen.logs().find((one) => one.body === 'hello');
    assert.equal(line?.attributes['task.id'], adopter.runs[0]?.id);
    assert.equal(line?.attributes['operation'], 'orders');
    assert.equal(line?.attributes['task.run'], adopter.runs[0]?.runId);
    assert.deepEqual(
      seen.logs().map((one) => one.attributes['task.sequence']),
      [1, 2, 3],
    );
  });

  it('may be worked on in another span, which then leads to the first', () => {
    tracer().startActiveSpan('batch', {}, ROOT_CONTEXT, (batch) => {
      const messages = [tracer().startSpan('take x'), tracer().startSpan('take x')];
      assert.equal(currentRun(), adopter.runs[0]);
      for (const message of [batch, ...messages]) message.end();
    });
    assert.notEqual(adopter.runs[0], adopter.runs[1]);
    assert.equal(seen.span('batch').attributes['task.id'], adopter.runs[0]?.id);
    assert.equal(seen.events().filter((name) => name === 'task.ended').length, 2);
  });

  it('is inside the run around it, and around the runs inside', () => {
    runTask('outer', () => {
      tracer().startActiveSpan('take', (span) => {
        assert.equal(currentRun()?.operation, 'orders');
        runTask('inner', (task) => task.step('step', () => assert.equal(currentRun()?.operation, 'inner')));
        span.end();
      });
      assert.equal(currentRun()?.operation, 'outer');
    });
    assert.equal(seen.span('inner').links[0]?.context.spanId, seen.span('take').spanContext().spanId);
    assert.notEqual(seen.span('step').attributes['task.id'], adopter.runs[0]?.id);
  });

  for (const [what, end, expected] of [
    ['unset', () => {}, { status: 'success', type: undefined, errors: [] }],
    [
      'an error without a word',
      (span) => span.setStatus({ code: SpanStatusCode.ERROR }),
      { status: 'failure', type: '_OTHER', errors: [] },
    ],
    [
      'an error with a message',
      (span) => span.setStatus({ code: SpanStatusCode.ERROR, message: 'no' }),
      { status: 'failure', type: '_OTHER', errors: ['no'] },
    ],
    [
      'a recorded error',
      (span) => {
        span.recordException(new TypeError('first'));
        span.recordException(new RangeError('last'));
        span.setStatus({ code: SpanStatusCode.ERROR, message: 'last' });
      },
      { status: 'failure', type: 'RangeError', errors: ['first', 'last'] },
    ],
    [
      'a recorded error that was no failure',
      (span) => span.recordException('tolerated'),
      { status: 'success', type: undefined, errors: ['tolerated'] },
    ],
    [
      'an error type without an error status',
      (span) => span.setAttribute('error.type', 'Tolerated'),
      { status: 'success', type: 'Tolerated', errors: [] },
    ],
    [
      'a status that is claimed',
      (span) => span.setAttribute('task.status', 'cancelled'),
      { status: 'cancelled', type: undefined, errors: [] },
    ],
    [
      'a status that cannot be claimed',
      (span) => span.setAttribute('task.status', 'orphaned'),
      { status: 'success', type: undefined, errors: [] },
    ],
  ] as readonly [string, (span: Span) => void, { status: string; type: string | undefined; errors: string[] }][]) {
    it(`ends as its span does: ${what}`, () => {
      const span = tracer().startSpan('take') as Span;
      end(span);
      span.end();
      const { attributes } = seen.record('task.ended');
      assert.equal(attributes?.['task.status'], expected.status);
      assert.equal(attributes?.['error.type'], expected.type);
      assert.equal(seen.span('take').attributes['task.status'], expected.status);
      assert.deepEqual(
        seen.records.filter((one) => one.eventName === 'exception').map((one) => one.attributes?.['exception.message']),
        expected.errors,
      );
    });
  }

  it('ends with the process, and its maker too late', () => {
    const span = tracer().startSpan('take');
    closeOpenRuns({ status: 'cancelled', errorType: 'process_exit' });
    closeOpenRuns({ error: new Error('late') });
    span.end();
    assert.equal(seen.record('task.ended').attributes?.['error.type'], 'process_exit');
    assert.equal(seen.span('take').attributes['task.status'], 'cancelled');
    assert.equal(seen.span('take').status.code, SpanStatusCode.UNSET);
  });

  it('fails with the process that an error ends', () => {
    tracer().startSpan('take');
    closeOpenRuns({ error: new RangeError('uncaught') });
    assert.equal(seen.record('task.ended').attributes?.['error.type'], 'RangeError');
    assert.deepEqual(seen.span('take').status, { code: SpanStatusCode.ERROR, message: 'uncaught' });
  });

  it('ends with the process also where no processor tells of its end', () => {
    stopRecording();
    seen = startRecording();
    const span = tracer().startSpan('plain') as Span;
    const run = adoptSpan(span, { operation: 'orders', own: {} });
    closeOpenRuns({ status: 'cancelled', errorType: 'process_exit' });
    assert.equal(run.status, 'cancelled');
    assert.deepEqual(seen.events(), ['task.started', 'task.ended']);
  });

  it('keeps an id that it brings', () => {
    tracer()
      .startSpan('take', { attributes: { 'task.id': 'mine' } })
      .end();
    assert.equal(adopter.runs[0]?.id, 'mine');
    assert.match(String(adopter.runs[0]?.file), /\/mine$/);
    assert.equal(seen.record('task.started').attributes?.['task.id'], undefined);
  });

  it('has no context of its own to keep', () => {
    tracer().startActiveSpan('take', (span) => {
      span.end();
      assert.equal(currentRun(), adopter.runs[0]);
    });
    assert.equal(currentRun(context.active()), undefined);
  });
});
