import assert from 'node:assert/strict';
import { after, before, describe, it } from 'mocha';
import { AppFolder } from './app-folder.test.fixture.ts';
import { describeTwoCopies, OWN_COPY } from './package-copy.ts';

describe('two copies of the package', () => {
  let app: AppFolder;
  before(() => {
    app = new AppFolder();
  });
  after(() => app.remove());

  it('are told apart by their versions and folders', () => {
    const own = `version ${OWN_COPY.version} in ${OWN_COPY.folder}`;
    assert.equal(
      describeTwoCopies({ copy: { version: '0.0.9', folder: '/app/old/' } }),
      `two copies of taskspan are started: version 0.0.9 in /app/old/ acts, ${own} does not; keep one`,
    );
    assert.match(describeTwoCopies({}), /: another one acts, /);
  });

  it('do not act both: one warning says which one does, and tasks are seen once', async () => {
    const source = `import { runTask } from 'taskspan';
      const second = import.meta.resolve('taskspan/register').replace(/[^/]+$/, 'start.js?second');
      const { start } = await import(second);
      start(); start({ quiet: true });
      await runTask('job', async () => {}, { id: 'once' });
      await start().shutdown();
      const { metrics } = await import('./own.mjs');
      console.log(/^async_operations_total.*success.* (\\d+)$/m.exec(await metrics())[1]);`;
    const ended = await app.run(source, { env: app.ownData() });
    assert.deepEqual([ended.code, ended.stdout], [0, '1\n']);
    assert.match(
      ended.stderr,
      /^taskspan: two copies of taskspan are started: version [^\n]* in [^\n]* acts, [^\n]*\n$/,
    );
    assert.doesNotMatch(ended.stderr, /another one/);
  });
});
