import assert from 'node:assert/strict';
import { logs } from '@opentelemetry/api-logs';
import { hrTimeToMilliseconds } from '@opentelemetry/core';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { type RunLines, state } from './internal/state.ts';
import { SCOPE, SEVERITY } from './names.ts';
import { type Recording, startRecording, stopRecording } from './recorded-sdk.test.ts';
import { emitLines, emitRecord, runAttributes } from './records.ts';
import { currentRun } from './run-context.ts';
import { runTask, startTask } from './run-task.ts';

/** One run with a record of every kind. */
function everything(): void {
  const task = startTask('op', {
    id: 'id-1',
    attempt: 2,
    label: 'l',
    attributes: { request_id: 'r-1', queue: 'q' },
    enqueuedAt: 5000,
  });
  task.run(() => {
    task.step('part', () => task.log('debug', 'inside', { size: 1 }));
    task.progress(0.5, 'half');
    task.metric('rows', 3);
    logs.getLogger('app').emit({
      body: 'a line of the app',
      severityNumber: 9,
      attributes: { request_id: 'of the line', operation: 'forged' },
    });
  });
  task.end({ error: new TypeError('x') });
}

describe('records of a run', () => {
  let seen: Recording;
  afterEach(stopRecording);

  describe('to a sink', () => {
    beforeEach(() => {
      seen = startRecording();
    });

    it('have names, severities and a sequence without a gap', () => {
      everything();
      assert.deepEqual(
        seen.records.map(({ eventName, severity, sequence }) => [eventName, severity, sequence]),
        [
          ['task.started', SEVERITY.info, 1],
          [undefined, SEVERITY.debug, 2],
          ['task.step', SEVERITY.info, 3],
          ['task.progress', SEVERITY.info, 4],
          ['task.metric', SEVERITY.info, 5],
          ['exception', SEVERITY.error, 6],
          ['task.ended', SEVERITY.error, 7],
        ],
      );
      assert.deepEqual(seen.records[0]?.attributes, {
        request_id: 'r-1',
        queue: 'q',
        'task.attempt': 2,
        'task.enqueued_at': 5,
        'task.label': 'l',
      });
      for (const [index, record] of seen.records.entries()) {
        assert.ok(Math.abs(record.timeMs - Date.now()) < 5000);
        assert.ok(index === 0 || record.timeMs >= (seen.records[index - 1]?.timeMs ?? 0));
        assert.equal(record.run.runId, seen.span('op').spanContext().spanId);
      }
    });

    it('reach every sink, also behind one that throws', () => {
      state.sinks.unshift(() => {
        throw new Error('sink');
      });
      assert.equal(
        runTask('op', () => 1),
        1,
      );
      assert.deepEqual(seen.events(), ['task.started', 'task.ended']);
    });

    it('do not go to the logs SDK as well', () => {
      stopRecording();
      seen = startRecording({ records: 'sdk' });
      state.sinks.push(() => {});
      runTask('op', () => 1);
      assert.deepEqual(seen.logs(), []);
    });
  });

  describe('of lines that came together', () => {
    const lines = {
      texts: ['one', 'two'],
      isPlain: true,
      isAscii: true,
      timeMs: 1000,
      isAlone: false,
      severity: SEVERITY.warn,
      attributes: { k: 'v' },
    };

    it('reach a sink at once where it can take them so, and else one by one', () => {
      seen = startRecording();
      const atOnce: RunLines[] = [];
      state.sinks.push(Object.assign(() => {}, { takeLines: (taken: RunLines) => atOnce.push(taken) }));
      const task = startTask('op');
      const run = task.run(() => currentRun());
      if (run === undefined) assert.fail('there is a run');
      emitLines(run, lines);
      emitRecord(run, { severity: SEVERITY.info });
      task.end();
      assert.deepEqual(
        seen.records.map(({ body, sequence, severity, attributes }) => [body, sequence, severity, attributes?.['k']]),
        [
          [undefined, 1, SEVERITY.info, undefined],
          ['one', 2, SEVERITY.warn, 'v'],
          ['two', 3, SEVERITY.warn, 'v'],
          [undefined, 4, SEVERITY.info, undefined],
          [undefined, 5, SEVERITY.info, undefined],
        ],
      );
      assert.deepEqual(
        atOnce.map(({ texts, firstSequence }) => [texts, firstSequence]),
        [[['one', 'two'], 2]],
      );
    });
  });

  describe('through a logs SDK', () => {
    beforeEach(() => {
      seen = startRecording({ records: 'sdk' });
    });

    it('say the same, with ids, file and fields on each', () => {
      everything();
      const found = seen.logs();
      assert.deepEqual(
        found.map((log) => [log.eventName, log.severityNumber, log.severityText, log.attributes['task.sequence']]),
        [
          ['task.started', 9, 'INFO', 1],
          [undefined, 5, 'DEBUG', 2],
          ['task.step', 9, 'INFO', 3],
          ['task.progress', 9, 'INFO', 4],
          ['task.metric', 9, 'INFO', 5],
          [undefined, 9, undefined, 6],
          ['exception', 17, 'ERROR', 7],
          ['task.ended', 17, 'ERROR', 8],
        ],
      );
      const span = seen.span('op').spanContext();
      for (const log of found) {
        assert.equal(log.attributes['task.id'], 'id-1');
        assert.equal(log.attributes['operation'], 'op');
        assert.equal(log.attributes['task.run'], span.spanId);
        assert.equal(log.attributes['task.file'], seen.span('op').attributes['task.file']);
        assert.equal(log.spanContext?.traceId, span.traceId);
        assert.ok(Math.abs(hrTimeToMilliseconds(log.hrTime) - Date.now()) < 5000);
        const ofTheLine = log.body === 'a line of the app';
        assert.equal(log.attributes['request_id'], ofTheLine ? 'of the line' : 'r-1');
        if (!ofTheLine) assert.equal(log.instrumentationScope.name, SCOPE.name);
      }
      assert.equal(found[0]?.instrumentationScope.version, SCOPE.version);
      assert.equal(found[0]?.instrumentationScope.schemaUrl, SCOPE.schemaUrl);
      assert.equal(found[1]?.body, 'inside');
      assert.equal(found[1]?.spanContext?.spanId, seen.span('part').spanContext().spanId);
      assert.equal(found[3]?.body, 'half');
    });

    it('leave the app alone when the SDK throws', () => {
      logs.disable();
      logs.setGlobalLoggerProvider({
        getLogger: () => {
          throw new Error('provider');
        },
      });
      assert.equal(
        runTask('op', () => 1),
        1,
      );
      assert.equal(seen.warnings.length, 1);
    });
  });

  it('go nowhere when nobody keeps them, and take no number', () => {
    seen = startRecording({ records: 'none' });
    const task = startTask('op');
    task.log('info', 'lost');
    const records: number[] = [];
    state.sinks.push((record) => records.push(record.sequence));
    task.end();
    assert.deepEqual(records, [1]);
  });
});

describe('runAttributes', () => {
  it('are the identity of the run, then what was given at submission', () => {
    const run = { id: 'i', operation: 'o', runId: 'r', file: 'f', fields: { user: 'me' } };
    assert.deepEqual(runAttributes(run as never), {
      'task.id': 'i',
      operation: 'o',
      'task.run': 'r',
      'task.file': 'f',
      user: 'me',
    });
  });
});
