/** What breaks in production, done to the real servers: what is lost, what comes twice, and what the user is told. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { ROOT } from '../house/source-tree.ts';
import { AppProcess } from './harness/app-process.ts';
import { type CollectorOptions, CollectorServer } from './harness/collector-server.ts';
import { assertDelivered, type DeliveredRuns } from './harness/delivered-runs.ts';
import { JaegerServer } from './harness/jaeger-server.ts';
import { JobLogTree, jobLogPaths } from './harness/job-log-tree.ts';
import { LINES, RECORDS } from './harness/load.ts';
import { poll } from './harness/poll.ts';
import { ScratchFolder } from './harness/scratch-folder.ts';

describe('when', () => {
  let scratch: ScratchFolder;
  let collector: CollectorServer;
  /** Apps and servers of the test. */
  let started: { stop(): Promise<void> }[];
  beforeEach(async () => {
    scratch = new ScratchFolder();
    started = [];
  });
  afterEach(async () => {
    await Promise.all(started.map((one) => one.stop()));
    scratch.remove();
  });

  it('the Collector is killed and started again during load, nothing is lost', async () => {
    await startCollector();
    const app = startLoad(1500, 300);
    await app.printed(/submitted [4-9]\d\d/);
    await collector.process.kill();
    await app.printed(/submitted [89]\d\d/);
    await collector.process.start();
    await app.printed(/^submitted all$/m);
    const { doubledRecords } = await delivered(1500);
    // What the Collector had taken when it was killed, and not yet acknowledged.
    assert.ok(doubledRecords <= 2 * 512, `${doubledRecords} records twice`);
    await finish(app);
  });

  it('the Collector is stopped and started again during load, nothing is lost and nothing doubled', async () => {
    await startCollector();
    const app = startLoad(1500, 300);
    await app.printed(/submitted [4-9]\d\d/);
    await collector.stop();
    await app.printed(/submitted [89]\d\d/);
    await collector.process.start();
    await app.printed(/^submitted all$/m);
    const { doubledRecords, doubledSpans } = await delivered(1500);
    assert.deepEqual([doubledRecords, doubledSpans], [0, 0]);
    await finish(app);
  });

  it('Jaeger is away, spans wait on the disk of the Collector, also over its restart, and arrive once', async () => {
    const jaeger = await JaegerServer.start();
    started.push(jaeger);
    await startCollector({ jaegerEndpoint: jaeger.otlpEndpoint });
    await jaeger.stop();
    const app = startLoad(500, 250);
    await app.printed(/^submitted all$/m);
    await delivered(500);
    await collector.stop();
    await collector.process.start();
    await jaeger.process.start();
    await poll(
      'all spans in Jaeger',
      async () => {
        const spans = await jaeger.query.spans('e2e');
        assert.equal(spans.length, 500);
        assert.equal(new Set(spans.map(({ spanId }) => spanId)).size, 500);
      },
      { timeoutMs: 90_000, everyMs: 500 },
    );
    await finish(app);
  });

  it('the logs folder is removed under the Collector, later files are there again; open ones after its restart', async () => {
    await startCollector();
    // All runs of a process in one file, which stays open.
    const sharing = startApp('load.mjs', ['900', String(LINES), '150'], 'sharing', {
      TASKSPAN_RUN_FILES_PER_HOUR: '0',
    });
    await sharing.printed(/submitted 1\d\d/);
    await poll('a file', () => assert.notEqual(jobLogPaths(collector.logsFolder).length, 0));
    rmSync(collector.logsFolder, { recursive: true });
    const later = startApp('every-end.mjs', ['20'], 'later');
    await poll('files of the later runs', () => {
      assert.equal(new JobLogTree(collector.logsFolder).endings().get('merge failure'), 20);
    });
    await finish(later);
    assert.equal(
      new JobLogTree(collector.logsFolder).endings().get('load success'),
      undefined,
      'gone with the open file',
    );
    await collector.stop();
    await collector.process.start();
    await sharing.printed(/^submitted all$/m);
    await finish(sharing);
    await poll('the file that was open', () => {
      assert.ok((new JobLogTree(collector.logsFolder).endings().get('load success') ?? 0) > 0);
    });
  });

  it('the Collector cannot write its files, what it did not take arrives when it can', async () => {
    const folder = scratch.folder('collector', 'logs');
    rmSync(folder, { recursive: true });
    // A file where the folder belongs: as final an error, for the Collector, as a full disk.
    writeFileSync(folder, '');
    await startCollector();
    const app = startApp('every-end.mjs', ['5'], 'app');
    await app.printed(/HTTP 500/, 'stderr');
    rmSync(folder);
    await poll('all runs', () => {
      const tree = new JobLogTree(collector.logsFolder);
      assert.equal(tree.endings().get('merge failure'), 5);
      assert.equal(new Set(tree.spans.map(({ spanId }) => spanId)).size, 5 * 11 + 1, 'each span');
    });
    assert.equal((await app.finish()).code, 0);
  });

  it('an app is killed while the Collector is away, its next start delivers what it left on disk', async () => {
    await startCollector();
    await collector.stop();
    const killed = startLoad(300, 300);
    await killed.printed(/^submitted all$/m);
    // What is younger than a second may still be in memory.
    await poll('everything on disk', () => {
      assert.deepEqual([spooledItems('load', 'logs'), spooledItems('load', 'spans')], [300 * RECORDS, 300]);
    });
    killed.kill('SIGKILL');
    assert.equal((await killed.ended).signal, 'SIGKILL');
    await collector.process.start();
    const next = startApp('every-end.mjs', ['1'], 'load');
    await next.printed(/^done$/m);
    await poll('what the killed app left', () => {
      const tree = new JobLogTree(collector.logsFolder);
      assert.equal(tree.endings().get('load success'), 300);
      assert.equal(tree.records.filter(({ attributes }) => attributes['operation'] === 'load').length, 300 * RECORDS);
    });
    await poll('an empty spool', () => assert.equal(spooledItems('load'), 0));
    await finish(next);
  });

  it('an app exits with data in memory, it is delivered', async () => {
    await startCollector();
    const app = startApp('exit-at-once.mjs', ['100'], 'exit');
    const { code, stderr } = await app.ended;
    assert.deepEqual([code, stderr], [3, '']);
    await poll('all runs', () => {
      const tree = new JobLogTree(collector.logsFolder);
      assert.equal(tree.endings().get('exit success'), 100);
      assert.equal(tree.spans.length, 100);
    });
  });

  it('it exits while the Collector is away, its next start delivers that', async () => {
    await startCollector();
    await collector.stop();
    const app = startApp('exit-at-once.mjs', ['100'], 'exit');
    assert.equal((await app.ended).code, 3);
    await collector.process.start();
    const next = startApp('every-end.mjs', ['1'], 'exit');
    await poll('all runs', () => {
      assert.equal(new JobLogTree(collector.logsFolder).endings().get('exit success'), 100);
    });
    await finish(next);
  });

  it('the token is wrong, one warning says so and what to look at; with the right one it is delivered', async () => {
    await startCollector({ configs: [join(ROOT, 'collector', 'auth.yaml')], env: { COLLECTOR_TOKEN: 'right' } });
    const wrong = startApp('every-end.mjs', ['1'], 'app', {
      OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20wrong',
    });
    await wrong.printed(/401/, 'stderr');
    const { code, stderr } = await wrong.finish();
    assert.equal(code, 0);
    assert.match(stderr, /^taskspan: [^\n]*401[^\n]*OTEL_EXPORTER_OTLP_HEADERS[^\n]*\n$/);
    assert.deepEqual(new JobLogTree(collector.logsFolder).files, []);
    const right = startApp('every-end.mjs', ['1'], 'app', {
      OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20right',
    });
    await poll('the runs of both', () => {
      assert.equal(new JobLogTree(collector.logsFolder).endings().get('merge failure'), 2);
    });
    await finish(right);
  });

  async function startCollector(options: CollectorOptions = {}): Promise<void> {
    collector = await CollectorServer.start(scratch.folder('collector'), options);
    started.push(collector);
  }

  function startLoad(runs: number, perSecond: number): AppProcess {
    return startApp('load.mjs', [String(runs), String(LINES), String(perSecond)], 'load');
  }

  /** An app that leaves files to the Collector; `name` is that of its data folder. */
  function startApp(
    app: string,
    args: readonly string[],
    name: string,
    env: Readonly<Record<string, string>> = {},
  ): AppProcess {
    const own = { ...collector.appEnvironment, TASKSPAN_FILES: 'off', ...env };
    const process = new AppProcess({ app, args, folder: scratch.folder(name), env: own });
    started.push(process);
    return process;
  }

  /** Waits until all is in the Collector's files. */
  async function delivered(runs: number): Promise<DeliveredRuns> {
    return await poll('all records', () =>
      assertDelivered(new JobLogTree(collector.logsFolder), { runs, records: RECORDS }),
    );
  }

  async function finish(app: AppProcess): Promise<void> {
    const { code, stderr } = await app.finish();
    assert.equal(code, 0, stderr);
  }

  /** Records or spans, or both, that wait on disk: the file of a request says how many it has. */
  function spooledItems(name: string, signal = 'logs|spans'): number {
    const spool = join(scratch.folder(name), 'spool');
    if (!existsSync(spool)) return 0;
    const files = readdirSync(spool, { recursive: true, encoding: 'utf8' });
    const counts = files.map((file) => new RegExp(`\\.(?:${signal})\\.(\\d+)\\.json(\\.gz)?$`).exec(file)?.[1]);
    return counts.reduce((sum, count) => sum + Number(count ?? 0), 0);
  }
});
