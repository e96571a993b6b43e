/** A collector that is away while an application runs, ends, is killed and starts again. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { after, before, describe, it } from 'mocha';
import { AppFolder } from './app-folder.test.fixture.ts';
import { Collector } from './collector.test.fixture.ts';

/** Runs for ever, a hundred at a time, and says how many have ended. */
const ENDLESS = `import { runTask } from 'taskspan';
for (let at = 0; ; at++) {
  await runTask('job', async () => {}, { id: process.argv[2] + at });
  if (at % 100 === 99) { console.log('ended ' + (at + 1)); await new Promise((resolve) => setTimeout(resolve, 20)); }
}`;
/** Runs until what others left is found and sent, at most 50 s. */
const SHORT = `import { existsSync, readdirSync } from 'node:fs';
import { runTask, start } from 'taskspan';
const root = process.env.TASKSPAN_DIR + '/spool';
const waits = () => existsSync(root) && readdirSync(root).some((name) => name.startsWith('v1.'));
for (const until = Date.now() + 50_000; waits() && Date.now() < until; ) {
  await new Promise((resolve) => setTimeout(resolve, 50));
}
console.log(process.memoryUsage().rss > 0);`;

describe('the spool of taskspan/register', function () {
  this.timeout(120_000);
  let app: AppFolder;
  before(() => {
    app = new AppFolder();
  });
  after(() => app.remove());

  /** An endpoint where nobody listens yet. */
  async function absent(): Promise<{ collector: Collector; endpoint: string; port: number }> {
    const collector = new Collector();
    const endpoint = await collector.start();
    collector.stop();
    return { collector, endpoint, port: Number(new URL(endpoint).port) };
  }

  /** Which runs have a span, a start and an end at the collector; fails when one has two. */
  function complete(collector: Collector): ReadonlySet<string> {
    const ids = collector.spanIds();
    assert.equal(new Set(ids).size, ids.length, 'no span twice');
    const runs = (event: string): string[] =>
      collector.records().flatMap((record) => {
        return record.includes(`"${event}"`)
          ? (/"task.id","value":{"stringValue":"([^"]+)"/.exec(record)?.[1] ?? [])
          : [];
      });
    const [started, ended] = [runs('task.started'), runs('task.ended')];
    assert.equal(new Set(started).size, started.length, 'no start twice');
    assert.equal(new Set(ended).size, ended.length, 'no end twice');
    return new Set(ended);
  }

  it('keeps what a killed application could not deliver, but for its last second, for the next one', async () => {
    const { collector, endpoint, port } = await absent();
    const data = app.ownData();
    const env = { ...data, OTEL_EXPORTER_OTLP_ENDPOINT: endpoint };
    const safe: string[] = [];
    for (const name of ['a', 'b']) {
      const running = app.start(ENDLESS, { env, args: [name] });
      await running.printed('ended 500');
      const before = Number(/.*ended (\d+)/s.exec(running.stdout)?.[1]);
      // A record may wait for a second, on a machine that has the time.
      await spooled(data.TASKSPAN_DIR, `${name}${before - 1}`);
      running.child.kill('SIGKILL');
      await running.ended;
      for (let at = 0; at < before; at++) safe.push(`${name}${at}`);
    }
    await collector.start(port);
    try {
      const ended = await app.run(SHORT, { env });
      assert.deepEqual([ended.code, ended.stderr], [0, '']);
      const arrived = complete(collector);
      assert.deepEqual(
        safe.filter((id) => !arrived.has(id)),
        [],
      );
      assert.deepEqual(readdirSync(join(data.TASKSPAN_DIR, 'spool')), []);
    } finally {
      collector.stop();
    }
  });

  /** The text of a file of the spool; empty while it is being written or when it was sent meanwhile. */
  function bodyOf(file: string): string {
    try {
      return gunzipSync(readFileSync(file)).toString();
    } catch {
      return '';
    }
  }

  /** Resolves when spans and records of this run lie in the spool. */
  async function spooled(dir: string, id: string): Promise<void> {
    const text = `{"key":"task.id","value":{"stringValue":"${id}"}}`;
    const holds = (signal: string): boolean =>
      existsSync(join(dir, 'spool')) &&
      readdirSync(join(dir, 'spool'), { recursive: true, encoding: 'utf8' }).some(
        // Finished: until it has this name, it belongs to a process that may die before.
        (file) =>
          file.includes(`.${signal}.`) &&
          !basename(file).startsWith('tmp-') &&
          bodyOf(join(dir, 'spool', file)).includes(text),
      );
    for (const until = Date.now() + 20_000; !(holds('spans') && holds('logs')); ) {
      assert.ok(Date.now() < until, `${id} is not in the spool`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  const BURST = `import { runTask } from 'taskspan';
    for (let at = 0; at < 700; at++) await runTask('job', async () => {}, { id: 'run' + at });`;
  for (const [how, source] of [
    ['process.exit', `${BURST} process.exit(0);`],
    ['an uncaught error', `${BURST} setImmediate(() => { throw new Error('over'); });`],
    ['its own end', BURST],
    ['SIGTERM', `${BURST} setInterval(() => {}, 1e6); process.kill(process.pid, 'SIGTERM');`],
  ]) {
    it(`keeps everything at ${how}, and delivers everything at once where it can`, async () => {
      const { collector, endpoint, port } = await absent();
      const data = app.ownData();
      const env = { ...data, OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_METRICS_EXPORTER: 'none' };
      await app.run(source ?? '', { env });
      assert.deepEqual(collector.spanIds(), []);
      await collector.start(port);
      try {
        await app.run(SHORT, { env });
        assert.equal(complete(collector).size, 700, 'later');
        const live = new Collector();
        const direct = { ...app.ownData(), ...env, OTEL_EXPORTER_OTLP_ENDPOINT: await live.start() };
        await app.run(source ?? '', { env: direct });
        // A machine that is too busy to deliver within the second of an exit handler has the rest on disk.
        if (complete(live).size < 700) await app.run(SHORT, { env: direct });
        live.stop();
        assert.equal(complete(live).size, 700, 'at once');
      } finally {
        collector.stop();
      }
    });
  }

  it('does not exist without an endpoint, and nothing of it is loaded', async () => {
    const data = app.ownData();
    const source = `import { runTask } from 'taskspan';
      await runTask('job', async () => {});
      await new Promise((resolve) => setTimeout(resolve, 300));`;
    // Node's record of what ran names every file.
    const coverage = join(app.path, 'coverage');
    await app.run(source, { env: { ...data, NODE_V8_COVERAGE: coverage } });
    const ran = readdirSync(coverage).map((name) => readFileSync(join(coverage, name), 'utf8'));
    const files = new Set(ran.join().match(/delivery\/dist\/[a-z-]+\.js/g));
    assert.deepEqual([...files], ['delivery/dist/otlp-config.js']);
    assert.ok(!existsSync(join(data.TASKSPAN_DIR, 'spool')));
  });

  it('can be switched off: what waits is in memory then', async () => {
    const { endpoint } = await absent();
    const data = app.ownData();
    const env = { ...data, OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, TASKSPAN_SPOOL_MAX_BYTES: '0' };
    const ended = await app.run(`${BURST} process.exit(0);`, { env });
    assert.equal(ended.code, 0);
    assert.ok(!existsSync(join(data.TASKSPAN_DIR, 'spool')));
  });
});
