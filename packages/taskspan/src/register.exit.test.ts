/** How processes end under the hook: as without it, with everything written. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'mocha';
import { AppFolder, type Ended, endings, readJobLogs } from './app-folder.test.fixture.ts';

const HEAD = "import { runTask, startTask } from 'taskspan';\n";
const OPEN = "startTask('open', { id: 'open' }); startTask('open', { id: 'other' });\n";
const IDLE = "setInterval(() => {}, 1e6); console.log('ready');\n";

describe('the end of a process under taskspan/register', () => {
  let app: AppFolder;
  before(() => {
    app = new AppFolder();
  });
  after(() => app.remove());

  interface Case {
    readonly source: string;
    readonly signals?: readonly NodeJS.Signals[];
    readonly ends: Readonly<Record<string, string>>;
  }

  /** Runs it with and without the hook, with the same signals once it says that it is ready. */
  async function both({ source, signals = [], ends }: Case): Promise<void> {
    const data = app.ownData();
    const [hooked, plain] = await Promise.all(
      [undefined, []].map(async (nodeArgs) => {
        const running = app.start(HEAD + source, { env: data, ...(nodeArgs === undefined ? {} : { nodeArgs }) });
        for (const signal of signals) {
          await running.printed('ready');
          running.child.kill(signal);
        }
        return running.ended;
      }),
    );
    // Stacks name the app's own file, of which there are two, and on Node 20 the hook of every AsyncLocalStorage.
    const seen = (ended: Ended | undefined): unknown => [
      ended?.code,
      ended?.signal,
      ended?.stdout,
      ended?.stderr.replaceAll(/app\d+/g, 'app').replace(/\n.*callbackTrampoline.*/, ''),
    ];
    assert.deepEqual(seen(hooked), seen(plain));
    assert.deepEqual(endings(data.TASKSPAN_DIR), ends);
    for (const [name, log] of readJobLogs(data.TASKSPAN_DIR)) assert.deepEqual(log.broken, [], name);
  }

  const CANCELLED = { open: 'cancelled process_exit', other: 'cancelled process_exit' };
  const FAILED = { open: 'failure RangeError', other: 'failure RangeError' };

  const CASES: Readonly<Record<string, Case>> = {
    'a normal end with open runs': { source: OPEN, ends: CANCELLED },
    'an exit code that was set': {
      source: "await runTask('a', async () => {}, { id: 'a' }); process.exitCode = 3;",
      ends: { a: 'success' },
    },
    'process.exit outside runs': { source: `${OPEN} process.exit(4);`, ends: CANCELLED },
    'process.exit inside a run': {
      source: "runTask('a', () => process.exit(5), { id: 'a' });",
      ends: { a: 'cancelled process_exit' },
    },
    'process.exit straight after a run': {
      source: "runTask('a', () => 1, { id: 'a' }); process.exit();",
      ends: { a: 'success' },
    },
    'an uncaught exception': {
      source: `${OPEN} setImmediate(() => { throw new RangeError('broken'); });`,
      ends: FAILED,
    },
    'an unhandled rejection': { source: `${OPEN} void Promise.reject(new RangeError('broken'));`, ends: FAILED },
    'an error that the app handles': {
      source: `process.once('uncaughtException', () => { startTask('late', { id: 'late' }).end(); });
        const task = startTask('open', { id: 'open' });
        setTimeout(() => { throw new RangeError('survived'); }, 1);
        setTimeout(() => task.end(), 30);`,
      ends: { late: 'success', open: 'success' },
    },
    'SIGTERM without a handler': { source: OPEN + IDLE, signals: ['SIGTERM'], ends: CANCELLED },
    'SIGINT without a handler': { source: OPEN + IDLE, signals: ['SIGINT'], ends: CANCELLED },
    'a handler that exits at once': {
      source: `process.on('SIGTERM', () => process.exit(9)); ${OPEN} ${IDLE}`,
      signals: ['SIGTERM'],
      ends: CANCELLED,
    },
    'a handler that ignores': {
      source: `process.on('SIGINT', () => { console.log('ignored'); clearInterval(idle); });
        const idle = setInterval(() => {}, 1e6);
        ${OPEN} console.log('ready');`,
      signals: ['SIGINT'],
      ends: CANCELLED,
    },
  };

  it('is the same as without it, and all runs are written as what they are', async () => {
    const failed: string[] = [];
    const all = Object.entries(CASES);
    // A few at a time, each with and without the hook.
    for (let at = 0; at < all.length; at += 3) {
      await Promise.all(
        all.slice(at, at + 3).map(([name, one]) =>
          both(one).catch((error: Error) => {
            failed.push(`${name}: ${error.message}`);
          }),
        ),
      );
    }
    assert.deepEqual(failed, []);
  });

  it('waits for a graceful drain of three seconds, whose runs end by themselves', async () => {
    const data = app.ownData();
    const source = `${HEAD}
      const server = setInterval(() => {}, 1e6);
      let finish;
      const draining = Array.from({ length: 5 }, (_, at) => runTask('job', () => new Promise((resolve) => {
        setTimeout(resolve, 3000);
      }), { id: 'job-' + at }));
      process.on('SIGTERM', async () => {
        await Promise.all(draining);
        await runTask('cleanup', async () => {}, { id: 'cleanup' });
        const { metrics } = await import('./own.mjs');
        console.log(await metrics());
        clearInterval(server);
      });
      console.log('ready');`;
    const running = app.start(source, { env: data });
    await running.printed('ready');
    running.child.kill('SIGTERM');
    const ended = await running.ended;
    assert.deepEqual([ended.code, ended.signal, ended.stderr], [0, null, '']);
    assert.match(ended.stdout, /async_operations_total\{operation="job",status="success"\} 5/);
    assert.match(ended.stdout, /async_operations_total\{operation="job",status="cancelled"\} 0/);
    const expected = Object.fromEntries(
      ['job-0', 'job-1', 'job-2', 'job-3', 'job-4', 'cleanup'].map((id) => [id, 'success']),
    );
    assert.deepEqual(endings(data.TASKSPAN_DIR), expected);
  });

  it('by kill -9 leaves all lines up to the last flush, and at most the one being written is cut', async () => {
    const data = app.ownData();
    const source = `${HEAD}
      import { start } from 'taskspan';
      const task = startTask('open', { id: 'open' });
      task.log('info', 'before the flush');
      await start().forceFlush();
      console.log('ready');
      setInterval(() => { for (let i = 0; i < 200; i++) task.log('info', 'x'.repeat(1000)); }, 1);`;
    const running = app.start(source, { env: data });
    await running.printed('ready');
    // Writing goes on while the signal arrives.
    await new Promise((resolve) => setTimeout(resolve, 300));
    running.child.kill('SIGKILL');
    assert.equal((await running.ended).signal, 'SIGKILL');
    // Linux may cut a write in two when it kills; the next attempt begins a line of its own behind it.
    const again = `${HEAD} startTask('open', { id: 'open' }).end();`;
    assert.equal((await app.run(again, { env: data })).code, 0);
    const log = readJobLogs(data.TASKSPAN_DIR).get('open');
    assert.ok((log?.broken.length ?? 0) <= 1, log?.broken.join());
    const first = log?.records[0]?.attributes['task.run'];
    const killed = log?.records.filter((record) => record.attributes['task.run'] === first) ?? [];
    const second = log?.records.filter((record) => record.attributes['task.run'] !== first) ?? [];
    const names = [...killed.slice(0, 2), ...second].map((record) => record.eventName || record.body);
    assert.deepEqual(names, ['task.started', 'before the flush', 'task.started', 'task.ended']);
    assert.deepEqual(
      killed.map((record) => record.attributes['task.sequence']),
      killed.map((_, at) => at + 1),
    );
  });

  it('waits at most five seconds for a collector that does not answer', async () => {
    const deaf = createServer(() => {});
    deaf.listen(0, '127.0.0.1');
    await new Promise((resolve) => deaf.once('listening', resolve));
    const endpoint = `http://127.0.0.1:${(deaf.address() as AddressInfo).port}`;
    const data = app.ownData();
    const source = `${HEAD} runTask('a', () => 1, { id: 'a' }); process.exitCode = 6;
      setTimeout(() => {}, 300);`;
    const ended = await app.run(source, {
      env: { ...data, OTEL_EXPORTER_OTLP_ENDPOINT: endpoint },
    });
    deaf.closeAllConnections();
    deaf.close();
    assert.deepEqual([ended.code, ended.signal], [6, null]);
    assert.ok(ended.milliseconds < 9000, `${ended.milliseconds} ms`);
    assert.deepEqual(endings(data.TASKSPAN_DIR), { a: 'success' });
  });
});
