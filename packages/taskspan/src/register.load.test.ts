/** Very many runs at once. */
import assert from 'node:assert/strict';
import { createReadStream, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, it } from 'mocha';
import { AppFolder, series } from './app-folder.test.fixture.ts';

/** Memory over that of the idle app that the queues may take. From Node 24 on each pending promise takes more by itself. */
const MOST_MEMORY_MB = Number.parseInt(process.versions.node, 10) >= 24 ? 500 : 400;

/** Says how much memory it took at most, and what its metrics are. */
const TAIL = `
await taskspan.forceFlush();
const text = await (await fetch(await taskspan.metricsUrl)).text();
process.stdout.write(JSON.stringify({ megabytes: process.resourceUsage().maxRSS / 1024 - idle, text }));
`;
const HEAD = `import { runTask, start, startTask } from 'taskspan';
const taskspan = start({ runFilesPerHour: 200 });
await taskspan.metricsUrl;
runTask('warm', () => {});
const idle = process.resourceUsage().maxRSS / 1024;
`;

describe('very many runs under taskspan', function () {
  // Some seconds of work, on a machine that may be busy with the other tests.
  this.timeout(120_000);
  let app: AppFolder;
  before(() => {
    app = new AppFolder();
  });
  after(() => app.remove());

  /** How often each of these stands in the files, whose lines are all whole. */
  async function countInFiles(data: string, needles: readonly string[]): Promise<number[]> {
    const counts = needles.map(() => 0);
    const folder = join(data, 'logs');
    for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      if (!file.endsWith('.jsonl')) continue;
      for await (const line of createInterface({ input: createReadStream(join(folder, file)) })) {
        assert.ok(line.startsWith('{"resource') && line.endsWith('}]}]}'), line.slice(-100));
        for (const [at, needle] of needles.entries()) counts[at] = (counts[at] ?? 0) + line.split(needle).length - 1;
      }
    }
    return counts;
  }

  async function check(source: string, runs: number): Promise<void> {
    const data = app.ownData();
    const ended = await app.run(HEAD + source + TAIL, { nodeArgs: [], env: data });
    assert.deepEqual([ended.code, ended.signal], [0, null]);
    assert.match(ended.stderr, /^taskspan: more than 200 runs in an hour: further ones share a file [^\n]*\n$/);
    const { megabytes, text } = JSON.parse(ended.stdout) as { megabytes: number; text: string };
    assert.equal(series(text, 'async_operations_total', { operation: 'job', status: 'success' }), runs);
    assert.equal(series(text, 'async_operation_duration_seconds_count', { operation: 'job', status: 'success' }), runs);
    assert.equal(series(text, 'async_operations_running', { operation: 'job' }), 0);
    assert.match(text, /taskspan_dropped_total\{[^}]*\} 0/);
    assert.doesNotMatch(text, /taskspan_dropped_total\{[^}]*\} [1-9]/);
    // One more of each: the run that warmed up.
    const needles = ['"eventName":"task.started"', '"eventName":"task.ended"', '"endTimeUnixNano"'];
    assert.deepEqual(await countInFiles(data.TASKSPAN_DIR, needles), [runs + 1, runs + 1, runs + 1]);
    assert.ok(megabytes <= MOST_MEMORY_MB, `${megabytes} MB`);
  }

  it('100 000 that end in one tick are all counted and written, in bounded memory', async () => {
    await check("for (let at = 0; at < 100_000; at++) runTask('job', () => {});", 100_000);
  });

  it('100 000 that are open together and end in one tick likewise', async () => {
    await check("await Promise.all(Array.from({ length: 100_000 }, () => runTask('job', async () => {})));", 100_000);
  });

  it('10 000 that are open together are all counted and written', async () => {
    const source = `const open = Array.from({ length: 10_000 }, (_, at) => startTask('job', { id: 'run-' + at }));
      const during = await (await fetch(await taskspan.metricsUrl)).text();
      if (!/async_operations_running\\{operation="job"\\} 10000/.test(during)) throw new Error(during);
      for (const task of open) { task.log('info', 'line'); await task.run(async () => {}); task.end(); }`;
    await check(source, 10_000);
  });
});
