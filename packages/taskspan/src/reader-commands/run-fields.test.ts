import assert from 'node:assert/strict';
import type { JobLogEntry } from '@taskspan/joblog';
import { RunFields } from './run-fields.ts';

const STARTED: JobLogEntry = {
  timestamp: '',
  job_id: 'j',
  outputs: [],
  sequence_number: 1,
  event: { event_type: 'started', job_label: '', metadata: { 'task.run': 'a', user: 'cron', operation: 'etl' } },
};

describe('fields that every record of a run repeats', () => {
  it('are those of the run, and of its submission where they say the same', () => {
    const fields = new RunFields();
    fields.learn(STARTED);
    const own = (more: Record<string, string>): unknown =>
      fields.ownOf({ 'task.run': 'a', operation: 'etl', 'task.file': 'f', ...more });
    assert.deepEqual(own({ user: 'cron' }), []);
    assert.deepEqual(own({ user: 'alice', request_id: '7' }), [
      ['user', 'alice'],
      ['request_id', '7'],
    ]);
    assert.deepEqual(fields.ownOf({ 'task.run': 'b', user: 'cron' }), [['user', 'cron']]);
  });

  it('are not learnt from a later event of that name', () => {
    const fields = new RunFields();
    fields.learn(STARTED);
    const event = { event_type: 'started', job_label: '', metadata: { 'task.run': 'a', user: 'alice' } };
    fields.learn({ ...STARTED, event });
    assert.deepEqual(fields.ownOf({ 'task.run': 'a', user: 'alice' }), [['user', 'alice']]);
  });

  it('tell stderr from stdout', () => {
    const fields = new RunFields();
    assert.deepEqual(fields.ownOf({ 'log.iostream': 'stdout' }), []);
    assert.deepEqual(fields.ownOf({ 'log.iostream': 'stderr' }), [['log.iostream', 'stderr']]);
  });
});
