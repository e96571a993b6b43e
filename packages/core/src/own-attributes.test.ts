import assert from 'node:assert/strict';
import { SpanStatusCode, trace } from '@opentelemetry/api';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { only, type Recording, startRecording, stopRecording } from './recorded-sdk.test.ts';
import { runTask } from './run-task.ts';

describe('status and name of the span', () => {
  let seen: Recording;
  beforeEach(() => {
    seen = startRecording();
  });
  afterEach(stopRecording);

  it('are those of the outcome, whatever the work said of its active span', () => {
    const say = (code: SpanStatusCode) => {
      trace.getActiveSpan()?.setStatus({ code }).updateName('other');
    };
    runTask('good', () => say(SpanStatusCode.ERROR));
    assert.throws(() =>
      runTask('bad', () => {
        say(SpanStatusCode.OK);
        throw new RangeError('no');
      }),
    );
    assert.deepEqual(seen.span('good').status, { code: SpanStatusCode.UNSET });
    assert.deepEqual(seen.span('bad').status, { code: SpanStatusCode.ERROR, message: 'no' });
  });

  it('and the attributes of the outcome option do not replace what was found', () => {
    const outcome = () => ({
      status: 'failure' as const,
      errorType: 'Real',
      attributes: { 'error.type': 'Fake', more: 1 },
    });
    runTask('said', () => {}, { outcome });
    const ended = only(
      seen.records.filter((record) => record.eventName === 'task.ended'),
      'task.ended',
    );
    assert.equal(ended.attributes?.['error.type'], 'Real');
    assert.equal(ended.attributes?.['more'], 1);
    assert.equal(seen.span('said').attributes['error.type'], 'Real');
  });
});
