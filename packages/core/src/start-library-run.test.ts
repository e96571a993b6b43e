import assert from 'node:assert/strict';
import { SpanKind } from '@opentelemetry/api';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { ATTR } from './names.ts';
import { type Recording, startRecording, stopRecording } from './recorded-sdk.test.ts';
import { startTask } from './run-task.ts';
import { startLibraryRun } from './start-library-run.ts';

const LINKED = { traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: 1 };

describe('startLibraryRun', () => {
  let recording: Recording;
  beforeEach(() => {
    recording = startRecording();
  });
  afterEach(stopRecording);

  it('says what the library knows, on the span and on task.started', () => {
    const own = { [ATTR.TASK_LIBRARY]: 'bullmq', [ATTR.TASK_JOB_ID]: '42', [ATTR.TASK_BATCH_SIZE]: 2 };
    const run = startLibraryRun('send', { own, kind: SpanKind.CONSUMER, relation: 'root', links: [LINKED] });
    run?.returned(1);
    const span = recording.span('send');
    for (const [key, value] of Object.entries(own)) {
      assert.equal(span.attributes[key], value);
      assert.equal(recording.record('task.started').attributes?.[key], value);
    }
    assert.deepEqual(
      span.links.map((link) => link.context),
      [LINKED],
    );
  });

  it('links beside the enqueuer, and never the span that happens to be active', () => {
    const carrier = { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` };
    startTask('outer').run(() => {
      startLibraryRun('send', { relation: 'root', carrier, links: [LINKED] })?.returned(1);
      startLibraryRun('tick', { relation: 'root' })?.returned(1);
    });
    assert.deepEqual(
      recording.span('send').links.map((link) => link.context.spanId),
      ['b'.repeat(16), LINKED.spanId],
    );
    const started = recording.records.find((record) => record.run.operation === 'send')?.attributes;
    assert.equal(started?.['task.enqueuer'], `${'a'.repeat(32)}-${'b'.repeat(16)}`);
    const tick = recording.span('tick');
    assert.deepEqual([tick.links, tick.parentSpanContext], [[], undefined]);
  });

  it('ends as the library reports, the first time only', () => {
    const error = new TypeError('x');
    const cases = [
      [{ status: 'success' }, 'success', undefined],
      [{ status: 'deferred' }, 'deferred', undefined],
      [{ status: 'cancelled' }, 'cancelled', 'aborted'],
      [{ status: 'failure' }, 'failure', '_OTHER'],
      [{ status: 'failure', thrown: { error } }, 'failure', 'TypeError'],
      [{ status: 'failure', errorType: 'timeout', thrown: { error } }, 'failure', 'timeout'],
    ] as const;
    for (const [outcome, status, type] of cases) {
      const run = startLibraryRun('send', {});
      assert.equal(run?.isEnded, false);
      run?.setOwn(ATTR.TASK_WILL_RETRY, true);
      run?.report(outcome);
      run?.report({ status: 'cancelled' });
      run?.threw(error);
      assert.equal(run?.isEnded, true);
      const span = recording.spans().at(-1);
      assert.deepEqual(
        [span?.attributes['task.status'], span?.attributes['error.type'], span?.attributes['task.will_retry']],
        [status, type, true],
      );
      const ended = recording.records.filter((record) => record.eventName === 'task.ended');
      assert.equal(ended.at(-1)?.attributes?.['task.will_retry'], true);
    }
    assert.equal(recording.records.filter((record) => record.eventName === 'task.ended').length, cases.length);
    const exceptions = recording.records.filter((record) => record.eventName === 'exception');
    assert.equal(exceptions.length, 2);
  });

  it('is nothing when nobody watches', () => {
    stopRecording();
    startRecording({ spans: false, records: 'none' });
    assert.equal(startLibraryRun('send', {}), undefined);
  });
});
