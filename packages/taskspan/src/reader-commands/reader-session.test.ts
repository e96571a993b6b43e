import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { reading } from './reader-session.ts';
import { type Printed, StoredRuns } from './stored-runs.test.fixture.ts';

describe('a command that reads job logs', () => {
  let runs: StoredRuns;
  before(() => {
    runs = new StoredRuns();
  });
  after(() => runs.remove());

  /** What is printed when a command does this. */
  const printed = (work: () => Promise<void>): Promise<Printed> =>
    runs.run(
      (program, io) => {
        program
          .command('work')
          .option('--dir <folder>')
          .action(() => reading(io, { dir: [runs.dir] }, work));
      },
      ['work'],
    );

  it('says in a sentence what the system refuses, and that there are no logs yet', async () => {
    const missing = join(runs.dir, 'missing');
    const { err, failed } = await printed(async () => {
      readFileSync(missing);
    });
    assert.deepEqual(err.split('\n'), [
      `taskspan: there are no logs in ${join(runs.dir, 'logs')}`,
      `taskspan: ENOENT: no such file or directory, open '${missing}'`,
      '',
    ]);
    assert.equal(failed, true);
  });

  it('hides no mistake of its own', async () => {
    const mistake = new TypeError('a mistake');
    await assert.rejects(
      printed(async () => {
        throw mistake;
      }),
      mistake,
    );
  });
});
