import assert from 'node:assert/strict';
import { cp, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterEach, describe, it } from 'mocha';
import type * as Hub from '../hub.ts';
import type * as Api from '../index.ts';
import { startRecording, stopRecording } from '../recorded-sdk.test.ts';
import { currentRun } from '../run-context.ts';
import { runTask, startTask } from '../run-task.ts';
import { DROP_REASONS, DROP_SIGNALS, MISSED_REASONS, state } from './state.ts';

const DIST = fileURLToPath(new URL('../../dist', import.meta.url));
const MODULES = fileURLToPath(new URL('../../../../node_modules', import.meta.url));

describe('the state of a process', () => {
  afterEach(stopRecording);

  it('has the reasons and signals of the contract', () => {
    assert.deepEqual(DROP_SIGNALS, ['logs', 'spans', 'metrics']);
    assert.deepEqual(DROP_REASONS, ['disk', 'overflow', 'refused', 'spool_full']);
    assert.deepEqual(MISSED_REASONS, ['missed', 'overlap', 'skipped']);
  });

  it('is one for two copies of this package: sinks, open runs, orphans, contexts and reports', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'taskspan-copy-'));
    try {
      await cp(DIST, join(folder, 'dist'), { recursive: true });
      await cp(join(DIST, '..', 'package.json'), join(folder, 'package.json'));
      await symlink(MODULES, join(folder, 'node_modules'));
      const load = (file: string): Promise<unknown> => import(pathToFileURL(join(folder, 'dist', file)).href);
      const api = (await load('index.js')) as typeof Api;
      const hub = (await load('hub.js')) as typeof Hub;
      assert.equal(hub.state, state);
      assert.notEqual(api.runTask, runTask);

      const seen = startRecording();
      api.runTask(
        'theirs',
        () => {
          assert.equal(currentRun()?.operation, 'theirs');
          assert.equal(hub.currentRun()?.operation, 'theirs');
          runTask('ours', (task) => task.log('info', 'line'));
        },
        { attributes: { user: 'me' } },
      );
      assert.deepEqual(
        seen.records.map((record) => [record.run.operation, record.sequence, record.run.fields?.['user']]),
        [
          ['theirs', 1, 'me'],
          ['ours', 1, 'me'],
          ['ours', 2, 'me'],
          ['ours', 3, 'me'],
          ['theirs', 2, 'me'],
        ],
      );
      startTask('open');
      hub.closeOpenRuns({ status: 'cancelled', errorType: 'process_exit' });
      assert.equal(seen.span('open').attributes['task.status'], 'cancelled');
      api.recordOrphanedTask(null, { id: 'lost', operation: 'lost' });
      assert.equal(state.orphans.has('lost'), true);
      api.runTask('', () => 1);
      runTask('', () => 1);
      assert.equal(seen.warnings.length, 1);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
