import assert from 'node:assert/strict';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'mocha';
import { AppFolder } from './app-folder.test.fixture.ts';
import { readConfig } from './config.ts';
import { LogRetention } from './log-retention.ts';

describe('LogRetention', () => {
  let app: AppFolder;
  before(() => {
    app = new AppFolder();
  });
  after(() => app.remove());

  it('has nothing to do where nothing is written, or nothing is to be deleted', () => {
    assert.equal(LogRetention.begin(undefined, readConfig({})), undefined);
    assert.equal(LogRetention.begin('/nowhere', readConfig({ TASKSPAN_RETENTION: 'off' })), undefined);
  });

  it('stops before it has begun', async () => {
    const retention = LogRetention.begin('/nowhere', readConfig({}));
    assert.ok(retention !== undefined);
    await retention.stop();
  });

  it('deletes old days under the flag, in a process that lives long enough, and is loaded no sooner', async () => {
    const data = app.ownData();
    const old = join(data.TASKSPAN_DIR, 'logs', '2020-01-01', 'a.jsonl');
    mkdirSync(join(data.TASKSPAN_DIR, 'logs', '2020-01-01'), { recursive: true });
    writeFileSync(old, '{"resourceLogs":[]}\n');
    const { utimesSync } = await import('node:fs');
    utimesSync(old, 1e9, 1e9);
    // The minutes that it waits are skipped, nothing else.
    app.write(
      'clock.mjs',
      `const real = globalThis.setTimeout;
       globalThis.setTimeout = (fn, ms, ...rest) => real(fn, ms >= 60_000 && ms <= 660_000 ? 300 : ms, ...rest);`,
    );
    const source = `
      import { existsSync } from 'node:fs';
      for (const until = Date.now() + 15_000; existsSync(${JSON.stringify(old)}) && Date.now() < until; ) {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }`;
    const ended = await app.run(source, {
      nodeArgs: ['--import', './clock.mjs', '--import', 'taskspan/register'],
      env: { ...data },
    });
    assert.deepEqual([ended.code, ended.stderr], [0, '']);
    assert.equal(existsSync(old), false);
  });
});
