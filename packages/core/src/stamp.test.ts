import assert from 'node:assert/strict';
import { context, trace } from '@opentelemetry/api';
import { logs } from '@opentelemetry/api-logs';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { state } from './internal/state.ts';
import { type Recording, startRecording, stopRecording } from './recorded-sdk.test.ts';
import { runTask, startTask } from './run-task.ts';
import { RunStampLogProcessor, RunStampSpanProcessor } from './stamp.ts';

const tracer = () => trace.getTracer('app');

describe('RunStampSpanProcessor', () => {
  let seen: Recording;
  beforeEach(() => {
    seen = startRecording();
  });
  afterEach(stopRecording);

  it('leads every descendant back to its run, and gives it no operation', () => {
    runTask(
      'op',
      () =>
        tracer().startActiveSpan('child', (child) => {
          tracer().startSpan('grandchild').end();
          child.end();
        }),
      { id: 'id-1' },
    );
    const file = seen.span('op').attributes['task.file'];
    for (const name of ['child', 'grandchild'])
      assert.deepEqual(seen.span(name).attributes, { 'task.id': 'id-1', 'task.file': file });
  });

  it('does so past every limit on attributes, also for steps', () => {
    stopRecording();
    seen = startRecording({ spanLimits: { attributeCountLimit: 3, attributeValueLengthLimit: 8 } });
    const many = Object.fromEntries(Array.from({ length: 9 }, (_, at) => [`key${at}`, 'a long value']));
    runTask(
      'op',
      (task) => {
        tracer().startSpan('child', { attributes: many }).end();
        task.step('step', () => {});
      },
      { id: 'an id that is longer than eight' },
    );
    const { 'task.id': id, 'task.file': file } = seen.span('op').attributes;
    assert.equal(id, 'an id that is longer than eight');
    for (const name of ['child', 'step']) {
      assert.equal(seen.span(name).attributes['task.id'], id);
      assert.equal(seen.span(name).attributes['task.file'], file);
    }
    assert.equal(seen.span('step').attributes['task.step.status'], 'success');
  });

  it('leaves spans outside any run alone', () => {
    tracer().startSpan('plain').end();
    assert.deepEqual(seen.span('plain').attributes, {});
  });

  it('does not mix a task with the run around it', () => {
    runTask('outer', () => runTask('inner', () => {}, { id: 'inner-1' }), { id: 'outer-1' });
    assert.equal(seen.span('inner').attributes['task.id'], 'inner-1');
    assert.match(String(seen.span('inner').attributes['task.file']), /inner-1$/);
  });

  it('gives a task span of another library a file of its own when it has an id', () => {
    const start = (attributes: Record<string, string | number>) => tracer().startSpan('foreign', { attributes }).end();
    start({ operation: 'x', 'task.id': 'a/b' });
    start({ operation: 'x' });
    start({ operation: 'x', 'task.id': '' });
    start({ operation: 'x', 'task.id': 5 });
    const files = seen.spans().map((span) => span.attributes['task.file']);
    assert.match(String(files[0]), /^\d{4}-\d{2}-\d{2}\/a_b-[0-9a-f]{8}$/);
    assert.deepEqual(files.slice(1), [undefined, undefined, undefined]);
  });

  it('asks the file budget, which may throw', () => {
    state.fileNamer = (id) => `2026-01-01/_shared.${id}`;
    tracer()
      .startSpan('one', { attributes: { operation: 'x', 'task.id': 'a' } })
      .end();
    startTask('task', { id: 'b' }).end();
    assert.equal(seen.span('one').attributes['task.file'], '2026-01-01/_shared.a');
    assert.equal(seen.span('task').attributes['task.file'], '2026-01-01/_shared.b');
    state.fileNamer = () => {
      throw new Error('budget');
    };
    tracer()
      .startSpan('two', { attributes: { operation: 'x', 'task.id': 'a' } })
      .end();
    startTask('other', { id: 'b' }).end();
    assert.match(String(seen.span('two').attributes['task.file']), /\/a$/);
    assert.match(String(seen.span('other').attributes['task.file']), /\/b$/);
  });

  it('has nothing to flush', async () => {
    const processor = new RunStampSpanProcessor();
    processor.onEnd();
    await processor.forceFlush();
    await processor.shutdown();
  });
});

describe('RunStampLogProcessor', () => {
  let seen: Recording;
  beforeEach(() => {
    seen = startRecording({ records: 'sdk' });
  });
  afterEach(stopRecording);

  it('stamps lines inside a run, also after its end, and numbers them with the rest', () => {
    const emit = (body: string) => logs.getLogger('app').emit({ body });
    let inside = context.active();
    runTask(
      'op',
      () => {
        inside = context.active();
        emit('inside');
      },
      { id: 'id-1', attributes: { user: 'me' } },
    );
    context.with(inside, () => emit('late'));
    emit('outside');
    const found = seen
      .logs()
      .map((log) => [
        log.body ?? log.eventName,
        log.attributes['task.id'],
        log.attributes['task.sequence'],
        log.attributes['user'],
      ]);
    assert.deepEqual(found, [
      ['task.started', 'id-1', 1, 'me'],
      ['inside', 'id-1', 2, 'me'],
      ['task.ended', 'id-1', 3, 'me'],
      ['late', 'id-1', 4, 'me'],
      ['outside', undefined, undefined, undefined],
    ]);
  });

  it('does not let a line forge the run that it belongs to', () => {
    runTask(
      'op',
      () =>
        logs
          .getLogger('app')
          .emit({ body: 'x', attributes: { 'task.id': 'forged', 'task.run': 'forged', operation: 'forged' } }),
      { id: 'id-1' },
    );
    const line = seen.logs().find((log) => log.body === 'x');
    assert.deepEqual([line?.attributes['task.id'], line?.attributes['operation']], ['id-1', 'op']);
    assert.equal(line?.attributes['task.run'], seen.span('op').spanContext().spanId);
  });

  it('has nothing to flush', async () => {
    const processor = new RunStampLogProcessor();
    await processor.forceFlush();
    await processor.shutdown();
  });
});
