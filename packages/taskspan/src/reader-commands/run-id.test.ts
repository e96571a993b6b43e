import assert from 'node:assert/strict';
import { join } from 'node:path';
import { JobLogReader } from '@taskspan/joblog';
import { fullRunId } from './run-id.ts';
import { ended, STARTED, StoredRuns } from './stored-runs.test.fixture.ts';

describe('the id of a run that is meant', () => {
  let runs: StoredRuns;
  let reader: JobLogReader;
  before(() => {
    runs = new StoredRuns();
    for (const id of ['nightly-1', 'nightly-10', '01234567-89ab', '01234567-cdef', 'deadbeef-cafe'])
      runs.write(id, [STARTED, ended()]);
    runs.write('deadbeef-cafe', [STARTED, ended()], { run: 'b1b2c3d4e5f60718' });
    reader = new JobLogReader({ logs: join(runs.dir, 'logs') });
  });
  after(async () => {
    await reader.close();
    runs.remove();
  });

  for (const [text, id] of [
    ['deadbeef-cafe', 'deadbeef-cafe'],
    ['deadbeef', 'deadbeef-cafe'],
    ['nightly-1', 'nightly-1'],
    ['01234567-c', '01234567-cdef'],
  ] as const) {
    it(`${text} is ${id}`, async () => assert.equal(await fullRunId(reader, text), id));
  }

  for (const [text, message] of [
    ['deadbee', /^there is no job "deadbee"$/],
    ['eadbeef-cafe', /^there is no job/],
    ['01234567', /must be that of one run, .*01234567-(89ab|cdef), 01234567-(89ab|cdef)/],
    ['nightly-', /must be that of one run/],
  ] as const) {
    it(`${text} is none`, () => assert.rejects(fullRunId(reader, text), { message }));
  }

  it('is not found in another service', () =>
    assert.rejects(fullRunId(reader, 'deadbeef', { service: 'store' }), /there is no job "deadbeef"/));
});
