import assert from 'node:assert/strict';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads';
import { readConfig } from './config.ts';
import { findProcessPlace } from './process-place.ts';

describe('the place of a process', () => {
  let root: string;
  beforeEach(() => {
    root = realpathSync(mkdtempSync(join(tmpdir(), 'taskspan-place-')));
  });
  afterEach(() => {
    setEnvironmentData('taskspan.v1.folders', undefined);
    rmSync(root, { recursive: true, force: true });
  });

  it('has a name, an instance of its own, and the folders that its settings ask for', () => {
    const config = readConfig({ OTEL_SERVICE_NAME: 'shop', TASKSPAN_DIR: root });
    const [one, two] = [findProcessPlace(config), findProcessPlace(config)];
    assert.equal(one.service, 'shop');
    assert.equal(one.directory, root);
    assert.equal(one.logsFolder, join(root, 'logs'));
    assert.equal(one.attributes['service.instance.id'], one.instanceId);
    assert.notEqual(one.instanceId, two.instanceId);
  });

  it('has no folder of logs when files are off', () => {
    const place = findProcessPlace(readConfig({ TASKSPAN_DIR: root, TASKSPAN_FILES: 'off' }));
    assert.deepEqual([place.directory, place.logsFolder], [root, undefined]);
  });

  it('is handed over to worker threads', () => {
    findProcessPlace(readConfig({ TASKSPAN_DIR: root }));
    assert.deepEqual(getEnvironmentData('taskspan.v1.folders'), { dir: root, logsDir: join(root, 'logs') });
  });
});
