import assert from 'node:assert/strict';
import { SEVERITY } from '@taskspan/core';
import { parseEntryLine } from './entry-line.ts';
import { toldContent } from './told-content.ts';

function told(line: string): ReturnType<typeof toldContent> {
  const entry = parseEntryLine(line);
  assert.ok(entry, line);
  return toldContent(entry);
}

describe('what a program of a run tells', () => {
  it('becomes the record that its entry is, at the time that it names', () => {
    assert.deepEqual(
      told(
        '{"timestamp":"2026-01-27T10:30:45.000000001Z","log":{"level":"ERROR","message":"no","fields":{"rows":"3"}},"outputs":["a"]}',
      ),
      {
        eventName: undefined,
        severity: SEVERITY.error,
        body: 'no',
        attributes: { rows: '3', 'task.outputs': ['a'] },
        timeNanos: '1769509845000000001',
      },
    );
    assert.deepEqual(told('{"metric":{"name":"rows","value":"NaN","labels":{"task.id":"x"}}}'), {
      eventName: 'task.metric',
      severity: SEVERITY.info,
      body: undefined,
      attributes: { 'metric.name': 'rows', 'metric.value': Number.NaN, 'metric.label.task.id': 'x' },
      timeNanos: undefined,
    });
  });

  it('has neither the id nor the number that it claims', () => {
    const { attributes } = told('{"job_id":"other","sequence_number":99,"log":{}}');
    assert.deepEqual(attributes, {});
  });

  it('is an event of its own, however it is called', () => {
    for (const type of ['started', 'ended', 'orphaned', 'metric', 'manifest', 'event', 'made_up']) {
      const { eventName, severity, attributes } = told(
        `{"event":{"event_type":"${type}","metadata":{"task.status":"failure"}}}`,
      );
      assert.deepEqual([eventName, severity, attributes?.['event.type']], ['task.event', SEVERITY.info, type]);
      assert.deepEqual([attributes?.['task.status'], attributes?.['field.task.status']], [undefined, 'failure']);
    }
  });

  it('cannot say what is the owner of the run to say', () => {
    const fields = {
      operation: 'o',
      'task.id': 'i',
      'task.run': 'r',
      'task.sequence': '9',
      'event.name': 'task.ended',
    };
    const { eventName, attributes } = told(JSON.stringify({ log: { fields: { ...fields, 'field.operation': 'p' } } }));
    assert.equal(eventName, undefined);
    assert.deepEqual(attributes, {
      'field.operation': 'o',
      'field.field.operation': 'p',
      'field.field.task.id': 'i',
      'field.task.run': 'r',
      'field.field.task.sequence': '9',
      'field.event.name': 'task.ended',
    });
  });
});
