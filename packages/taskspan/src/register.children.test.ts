/** What a run starts: processes and threads that find the run, and link it. */
import assert from 'node:assert/strict';
import type { DecodedSpan } from '@taskspan/joblog';
import { after, before, describe, it } from 'mocha';
import { AppFolder, readJobLogs } from './app-folder.test.fixture.ts';

const CHILD = `import { runTask } from 'taskspan';
import { isMainThread, parentPort } from 'node:worker_threads';
const id = 'child-' + (process.argv[2] ?? process.env.HOW);
await runTask('child', async () => {}, { id });
const seen = [process.env.TASKSPAN_TASK_ID, process.env.TRACEPARENT?.split('-')[2]].join(' ');
if (isMainThread) console.log(seen);
else parentPort.postMessage(seen);
`;

describe('what a run starts under taskspan/register', () => {
  let app: AppFolder;
  before(() => {
    app = new AppFolder();
    app.write('child.mjs', CHILD);
  });
  after(() => app.remove());

  const spanOf = (data: string, id: string): DecodedSpan => {
    const [span] = readJobLogs(data).get(id)?.spans ?? [];
    return span ?? assert.fail(`no span of ${id}`);
  };
  const links = (span: DecodedSpan): string[] => span.links.map((link) => `${link.traceId}-${link.spanId}`);

  it('finds the run, and links to it the runs that it begins by itself', async function () {
    this.timeout(60_000);
    const data = app.ownData();
    const { code, stdout, stderr } = await app.run(
      `import childProcess, { execFileSync, fork } from 'node:child_process';
      import { once } from 'node:events';
      import { Worker } from 'node:worker_threads';
      import { runTask } from 'taskspan';
      const start = (how) => {
        if (how === 'fork') return once(fork('child.mjs', [how]), 'exit');
        if (how === 'thread') return once(new Worker('./child.mjs', { argv: [how] }), 'exit');
        if (how === 'sync') return execFileSync(process.execPath, ['child.mjs', how], { stdio: 'inherit' });
        if (how === 'plain') return once(childProcess.spawn(process.execPath, ['child.mjs', how], { stdio: 'inherit' }), 'exit');
      };
      for (const how of ['fork', 'thread', 'sync', 'plain']) {
        await runTask('parent', () => start(how), { id: 'parent-' + how });
      }
      await once(fork('child.mjs', ['alone']), 'exit');`,
      // Only forks and threads inherit the flags of this process.
      { env: { ...data, NODE_OPTIONS: '--import taskspan/register' }, nodeArgs: [] },
    );
    assert.deepEqual([code, stderr], [0, '']);
    for (const how of ['fork', 'thread', 'sync', 'plain']) {
      const parent = spanOf(data.TASKSPAN_DIR, `parent-${how}`);
      const child = spanOf(data.TASKSPAN_DIR, `child-${how}`);
      assert.deepEqual(links(child), [`${parent.traceId}-${parent.spanId}`], how);
      assert.notEqual(child.traceId, parent.traceId, how);
      assert.equal(child.parentSpanId, '', how);
      if (how !== 'thread') assert.ok(stdout.includes(`parent-${how} ${parent.spanId}\n`), how);
    }
    assert.deepEqual(links(spanOf(data.TASKSPAN_DIR, 'child-alone')), []);
    const exits = [...readJobLogs(data.TASKSPAN_DIR)].flatMap(([name, { records }]) =>
      records.filter(({ eventName }) => eventName === 'task.exited').map(({ attributes }) => [name, attributes]),
    );
    assert.deepEqual(
      exits.map(([name, attributes]) => [name, (attributes as Record<string, unknown>)['process.exit.code']]).sort(),
      [
        ['parent-fork', 0],
        ['parent-plain', 0],
        ['parent-sync', 0],
      ],
    );
  });

  it('is no enqueuer of what has one, or of what a schedule begins', async () => {
    const data = app.ownData();
    const traceparent = `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01`;
    const { code } = await app.run(
      `import { runTask } from 'taskspan';
      runTask('plain', () => runTask('nested', () => {}, { id: 'nested' }), { id: 'plain' });
      runTask('job', () => {}, { id: 'job', carrier: { traceparent: '00-${'3'.repeat(32)}-${'4'.repeat(16)}-01' } });
      runTask('scheduled', () => {}, { id: 'scheduled', relation: 'root' });`,
      { env: { ...data, TRACEPARENT: traceparent } },
    );
    assert.equal(code, 0);
    const found = (id: string): string[] => links(spanOf(data.TASKSPAN_DIR, id)).map((link) => link.slice(-16));
    assert.deepEqual(found('plain'), ['2'.repeat(16)]);
    assert.deepEqual(found('nested'), [spanOf(data.TASKSPAN_DIR, 'plain').spanId]);
    assert.deepEqual(found('job'), ['4'.repeat(16)]);
    assert.deepEqual(found('scheduled'), []);
  });

  for (const wrong of ['', 'nonsense', `00-${'0'.repeat(32)}-${'2'.repeat(16)}-01`]) {
    it(`starts as ever with TRACEPARENT="${wrong}"`, async () => {
      const data = app.ownData();
      const { code, stdout } = await app.run(
        `import { runTask } from 'taskspan'; console.log(runTask('plain', () => 'done', { id: 'plain' }));`,
        { env: { ...data, TRACEPARENT: wrong } },
      );
      assert.deepEqual([code, stdout], [0, 'done\n']);
      assert.deepEqual(links(spanOf(data.TASKSPAN_DIR, 'plain')), []);
    });
  }

  it('gets nothing where these carriers are switched off', async () => {
    const data = app.ownData();
    const { stdout } = await app.run(
      `import { execFileSync } from 'node:child_process';
      import { runTask } from 'taskspan';
      runTask('parent', () => execFileSync('sh', ['-c', 'echo "[$TRACEPARENT$TASKSPAN_TASK_ID]"'], { stdio: 'inherit' }));`,
      { env: { ...data, TASKSPAN_INSTRUMENTATIONS: '-child-process,-worker-threads' } },
    );
    assert.equal(stdout, '[]\n');
  });
});
