import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { clearReports, state } from '@taskspan/core/hub';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { LogFolder } from './log-folder.test.fixture.ts';
import { RetentionTimer } from './retention-timer.ts';

const LIMITS = { days: 7, bytes: Number.POSITIVE_INFINITY, files: Number.POSITIVE_INFINITY };

describe('RetentionTimer', () => {
  let folder: LogFolder;
  beforeEach(() => {
    folder = new LogFolder();
  });
  afterEach(() => {
    state.logsFolder = undefined;
    state.warn = undefined;
    clearReports('retention');
    folder.remove();
  });

  /** One look of one timer. */
  async function look(): Promise<boolean> {
    let timer: RetentionTimer | undefined;
    const didPrune = await new Promise<boolean>((onLook) => {
      timer = new RetentionTimer({ logs: folder.path, limits: LIMITS, firstAfterMs: 0, onLook });
      // It is unref'd, and this test waits for it.
      setTimeout(() => {}, 50);
    });
    await timer?.stop();
    return didPrune;
  }

  it('tidies, and tells what is left; the next process knows, and leaves it at that', async () => {
    const old = folder.write('2020-01-01/a.jsonl');
    const kept = `${new Date().toISOString().slice(0, 10)}/a.jsonl`;
    folder.write(kept, { text: 'x'.repeat(10) });
    assert.equal(await look(), true);
    assert.equal(existsSync(old), false);
    assert.deepEqual(state.logsFolder, { files: 1, bytes: 10 });
    state.logsFolder = undefined;
    folder.write('2020-01-01/b.jsonl');
    assert.equal(await look(), false);
    assert.deepEqual(state.logsFolder, { files: 1, bytes: 10 });
    assert.deepEqual(folder.files(), ['2020-01-01/b.jsonl', kept]);
  });

  it('says once that it cannot, and hurts nobody', async () => {
    const warnings: string[] = [];
    state.warn = (message) => warnings.push(message);
    const { path } = folder;
    folder.remove();
    const { writeFileSync } = await import('node:fs');
    writeFileSync(path, 'a file in the place of the folder');
    await look();
    await look();
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? '', /cannot be tidied: .*ENOTDIR/);
  });

  it('keeps no process alive', () => {
    const source = `
      import { RetentionTimer } from ${JSON.stringify(new URL('./retention-timer.ts', import.meta.url).href)};
      new RetentionTimer({ logs: ${JSON.stringify(folder.path)}, limits: ${JSON.stringify({ ...LIMITS, bytes: 1e9, files: 10 })} });`;
    const args = ['--import', 'tsx', '--input-type=module', '-e', source];
    const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 20_000 });
    assert.deepEqual([status, stderr], [0, '']);
  });
});
