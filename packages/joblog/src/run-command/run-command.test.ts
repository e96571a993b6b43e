/** Commands of all kinds, run in code. What only a process of its own can show is in the tests of `taskspan run`. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { clearReports, state } from '@taskspan/core/hub';
import { after, afterEach, before, beforeEach, describe, it } from 'mocha';
import type { RunCommandOptions } from './command-options.ts';
import { KeptRecords } from './kept-records.test.fixture.ts';
import { runCommand } from './run-command.ts';

/** The same in three languages: a line, a metric, a manifest, a line on stderr, an exit code. */
const SPEAKERS: Readonly<Record<string, readonly string[]>> = {
  bash: [
    'bash',
    '-c',
    `echo hello
     echo '{"metric":{"name":"rows_processed","value":12,"labels":{"stage":"load"}}}'
     echo '{"manifest":{"outputs":[{"str":"s3://b"}],"inputs":[{"str":"s3://i"}],"metadata":{"by":"hand"}}}'
     echo oops >&2; exit 3`,
  ],
  Python: [
    'python3',
    '-c',
    `import json, sys
print("hello")
print(json.dumps({"metric": {"name": "rows_processed", "value": 12, "labels": {"stage": "load"}}}))
print(json.dumps({"manifest": {"outputs": [{"str": "s3://b"}], "inputs": [{"str": "s3://i"}], "metadata": {"by": "hand"}}}), flush=True)
print("oops", file=sys.stderr)
sys.exit(3)`,
  ],
  Node: [
    process.execPath,
    '-e',
    `console.log('hello');
console.log(JSON.stringify({ metric: { name: 'rows_processed', value: 12, labels: { stage: 'load' } } }));
console.log(JSON.stringify({ manifest: { outputs: [{ str: 's3://b' }], inputs: [{ str: 's3://i' }], metadata: { by: 'hand' } } }));
console.error('oops');
process.exitCode = 3;`,
  ],
};

describe('runCommand', function () {
  this.timeout(30_000);
  let kept: KeptRecords;
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'taskspan-command-'));
  });
  after(() => rmSync(folder, { recursive: true }));
  beforeEach(() => {
    kept = new KeptRecords();
  });
  afterEach(() => kept.close());

  const bash = (script: string, options?: RunCommandOptions): ReturnType<typeof runCommand> =>
    runCommand(['bash', '-c', script], options);

  for (const [language, command] of Object.entries(SPEAKERS)) {
    it(`takes what a program in ${language} prints into the log of its run`, async () => {
      const result = await runCommand(command, { operation: 'load', label: 'daily', outputs: ['s3://a'] });
      const { id } = result;
      assert.match(String(id), /^[0-9a-f]{8}-[0-9a-f]{4}-7/);
      assert.deepEqual(
        [result.status, result.category, result.exitCode, result.signal, result.errorType, result.shellStatus],
        ['failure', 'error', 3, undefined, 'exit_code_3', 3],
      );
      assert.ok(result.durationSeconds > 0 && result.durationSeconds < 20);
      const events = kept.events(id);
      assert.deepEqual(
        [events.slice(0, 2), events.slice(-3)],
        [
          ['started', 'launched'],
          ['exited', 'ended', 'manifest'],
        ],
      );
      assert.deepEqual([...events.slice(2, -3)].sort(), ['log', 'log', 'metric']);
      assert.deepEqual([...kept.lines(id)].sort(), ['hello', 'oops']);
      const metric = kept.event(id, 'metric');
      assert.deepEqual(
        [metric['metric.name'], metric['metric.value'], metric['metric.label.stage']],
        ['rows_processed', 12, 'load'],
      );
      assert.equal(kept.event(id, 'launched')['process.executable.name'], command[0]?.split('/').at(-1));
      const exited = kept.event(id, 'exited');
      assert.deepEqual([exited['process.exit.code'], exited['task.exit.category']], [3, 'error']);
      assert.equal(kept.event(id, 'ended')['error.type'], 'exit_code_3');
      const manifest = kept.event(id, 'manifest');
      assert.deepEqual(
        [manifest['manifest.outputs'], manifest['manifest.inputs'], manifest['manifest.metadata.by']],
        [['s3://a', 's3://b'], ['s3://i'], 'hand'],
      );
      const [started] = kept.of(id);
      const [start, end] = [Number(manifest['manifest.start_time']), Number(manifest['manifest.end_time'])];
      assert.ok(start * 1000 - (started?.timeMs ?? 0) < 1 && end > start, `${start} to ${end}`);
      for (const name of ['launched', 'exited', 'ended', 'manifest']) {
        assert.equal(kept.event(id, name)['task.label'], 'daily', name);
      }
      assert.deepEqual(kept.event(id, 'ended')['task.outputs'], ['s3://a', 's3://b']);
    });
  }

  it('says of each line which stream it came from, in the order of each', async () => {
    const { id } = await bash('for i in 1 2 3; do echo o$i; echo e$i >&2; done');
    const of = (stream: string): unknown[] =>
      kept.of(id).flatMap(({ body, attributes }) => (attributes?.['log.iostream'] === stream ? [body] : []));
    assert.deepEqual(
      [of('stdout'), of('stderr')],
      [
        ['o1', 'o2', 'o3'],
        ['e1', 'e2', 'e3'],
      ],
    );
  });

  it('gives the command its ids, the context of its span, and nothing that was meant for another run', async () => {
    const { id } = await bash('env', {
      env: { ...process.env, TASKSPAN_RUN_ID: 'planned', DATABUILD_JOB_RUN_ID: 'planned', MINE: 'yes' },
    });
    const told = new Map(kept.lines(id).map((line) => String(line).split(/=(.*)/s) as [string, string]));
    const [{ run }] = kept.of(id) as [ReturnType<KeptRecords['of']>[number]];
    assert.deepEqual(
      ['TASKSPAN_TASK_ID', 'DATABUILD_JOB_RUN_ID', 'TASKSPAN_TASK_RUN', 'TRACEPARENT', 'TASKSPAN_RUN_ID', 'MINE'].map(
        (name) => told.get(name),
      ),
      [id, id, run.runId, `00-${run.spanContext.traceId}-${run.runId}-01`, undefined, 'yes'],
    );
  });

  it('keeps the given id', async () => {
    const { id } = await bash('echo $TASKSPAN_TASK_ID', { id: 'mine' });
    assert.deepEqual([id, kept.lines('mine')], ['mine', ['mine']]);
  });

  it('names the operation after the program, without its folder', async () => {
    const { id } = await runCommand(['/bin/true']);
    assert.equal(kept.of(id)[0]?.run.operation, 'true');
  });

  it('runs it in the given folder, without standard input', async () => {
    const { id } = await bash('pwd -P; cat', { cwd: folder });
    assert.equal(kept.lines(id)[0]?.split('/').at(-1), folder.split('/').at(-1));
  });

  it('lets a program open /dev/stdout and /dev/stderr', async () => {
    const { id } = await bash('echo out > /dev/stdout; echo err > /dev/stderr');
    assert.deepEqual([...kept.lines(id)].sort(), ['err', 'out']);
  });

  it('leaves nothing in the folder for temporary files', async () => {
    const { TMPDIR: before } = process.env;
    process.env['TMPDIR'] = mkdtempSync(join(folder, 'temporary-'));
    try {
      await Promise.all([bash('true'), bash('true'), runCommand(['no-such-program-here'])]);
      assert.deepEqual(readdirSync(tmpdir()), []);
    } finally {
      if (before === undefined) delete process.env['TMPDIR'];
      else process.env['TMPDIR'] = before;
    }
  });

  for (const [what, command, status, code] of [
    ['does not exist', ['no-such-program-here'], 127, 'ENOENT'],
    ['may not be executed', ['/etc/passwd'], 126, 'EACCES'],
    ['is a folder', [tmpdir()], 126, 'EACCES'],
    ['holds a NUL', ['a\0b'], 126, 'ERR_INVALID_ARG_VALUE'],
  ] as const) {
    it(`says so when the program ${what}`, async () => {
      const result = await runCommand(command);
      assert.deepEqual(
        [result.category, result.shellStatus, result.errorType, result.status],
        ['launch_failed', status, code, 'failure'],
      );
      assert.deepEqual(kept.events(result.id), ['started', 'launch_failed', 'ended', 'manifest']);
      assert.equal(kept.event(result.id, 'launch_failed')['error.type'], code);
      assert.equal(kept.event(result.id, 'ended')['task.status'], 'failure');
    });
  }

  it('refuses what is no command', async () => {
    for (const none of [[], [''], undefined, 'ls'] as unknown as (readonly string[])[]) {
      await assert.rejects(runCommand(none), TypeError);
    }
  });

  for (const signal of ['SIGTERM', 'SIGKILL', 'SIGSEGV'] as const) {
    it(`tells that ${signal} ended it`, async () => {
      const result = await bash(`kill -${signal.slice(3)} $$`);
      assert.deepEqual(
        [result.status, result.category, result.signal, result.exitCode, result.errorType],
        ['failure', 'signal', signal, undefined, signal],
      );
      const exited = kept.event(result.id, 'exited');
      assert.deepEqual([exited['task.exit.signal'], exited['process.exit.code']], [signal, undefined]);
    });
  }

  describe('whose time is over', () => {
    it('ends it and all that it started, with SIGTERM', async () => {
      const result = await bash('sleep 300 & echo $!; wait', { timeoutMs: 300 });
      assert.deepEqual(
        [result.status, result.category, result.errorType, result.shellStatus, result.signal],
        ['failure', 'timeout', 'timeout', 124, 'SIGTERM'],
      );
      assert.ok(!isRunning(Number(kept.lines(result.id)[0])), 'its child is gone');
      assert.equal(kept.event(result.id, 'exited')['task.exit.category'], 'timeout');
    });

    it('counts as over also when it then ends well', async () => {
      const result = await bash('trap "echo bye; exit 0" TERM; while :; do sleep 0.05; done', { timeoutMs: 300 });
      assert.deepEqual(
        [result.status, result.errorType, result.exitCode, result.shellStatus],
        ['failure', 'timeout', 0, 124],
      );
      assert.ok(kept.lines(result.id).includes('bye'));
    });

    it('may let it run on: then it is expired, unless it fails', async () => {
      const [late, failed, early] = await Promise.all([
        bash('sleep 0.4', { timeoutMs: 100, onTimeout: 'expire' }),
        bash('sleep 0.4; exit 4', { timeoutMs: 100, onTimeout: 'expire' }),
        bash('true', { timeoutMs: 60_000, onTimeout: 'expire' }),
      ]);
      assert.deepEqual([late.status, failed.status, early.status], ['expired', 'failure', 'success']);
      assert.equal(kept.event(late.id, 'ended')['task.status'], 'expired');
      assert.deepEqual([late.shellStatus, failed.shellStatus], [0, 4]);
    });

    it('is in time when it has exited before, whoever holds its output', async () => {
      const result = await bash('sleep 1 & true', { timeoutMs: 700, onTimeout: 'expire' });
      assert.equal(result.status, 'success');
      assert.equal(kept.event(result.id, 'ended')['task.status'], 'success');
    });
  });

  it('is cancelled by its signal', async () => {
    const caller = new AbortController();
    const running = bash('echo ready; exec sleep 300', { signal: caller.signal });
    await kept.next(({ body }) => body === 'ready');
    caller.abort();
    const result = await running;
    assert.deepEqual([result.status, result.errorType, result.category], ['cancelled', 'aborted', 'signal']);
  });

  it('is cancelled by a signal that was aborted before', async () => {
    const result = await bash('exec sleep 300', { signal: AbortSignal.abort() });
    assert.equal(result.status, 'cancelled');
  });

  describe('that leaves something behind', () => {
    it('reads on what that prints', async () => {
      const { id, durationSeconds } = await bash('(sleep 0.6; echo late) & echo now');
      assert.deepEqual(kept.lines(id), ['now', 'late']);
      assert.ok(durationSeconds < 0.6, 'its own exit is what counts');
    });

    it('reads it for a while, then says that it does not any more', async () => {
      const { id } = await bash('sleep 3 & echo now', { drainMs: 100 });
      assert.deepEqual(kept.lines(id)[0], 'now');
      assert.match(String(kept.lines(id)[1]), /still open/);
      assert.deepEqual(kept.events(id).slice(-3), ['exited', 'ended', 'manifest']);
    });
  });

  it('tells every so often what it and all below it use', async () => {
    // Beats while it has used what is asked for, however long that took.
    const busy = 'import time\nb = bytearray(40 << 20)\nwhile time.process_time() < 0.4: pass\ntime.sleep(1.5)';
    const { id } = await bash(`python3 -c '${busy}' & wait`, { heartbeatMs: 300 });
    const beats = kept.of(id).filter(({ eventName }) => eventName === 'task.heartbeat');
    assert.ok(beats.length >= 2, `${beats.length} heartbeats`);
    // The first may come before its child is there, the last after that is gone.
    const last = beats.findLast(({ attributes }) => attributes?.['task.processes'] === 2)?.attributes ?? {};
    assert.ok(Number(last['task.memory.rss_bytes']) > 40 << 20, String(last['task.memory.rss_bytes']));
    assert.ok(Number(last['task.memory.peak_bytes']) >= Number(last['task.memory.rss_bytes']));
    assert.ok(Number(last['task.cpu.seconds']) > 0.1, String(last['task.cpu.seconds']));
    const exited = kept.event(id, 'exited');
    assert.ok(Number(exited['task.memory.peak_bytes']) >= Number(last['task.memory.peak_bytes']));
    assert.ok(Number(exited['task.cpu.seconds']) >= Number(last['task.cpu.seconds']));
  });

  it('writes each record into a line of its own', async () => {
    const { id } = await bash('echo a; echo b');
    const [started, ...rest] = kept.of(id);
    assert.equal(started?.eventName, 'task.started');
    assert.ok(rest.every(({ isAlone, eventName }) => isAlone === true || eventName === 'task.ended'));
  });

  it('leaves counting to this process', async () => {
    const { id } = await bash('true');
    assert.equal(kept.event(id, 'started')['task.metrics'], undefined);
  });

  it('never mixes what many print at once', async () => {
    const results = await Promise.all(
      Array.from({ length: 60 }, (_, at) =>
        bash(`for i in 1 2 3 4 5; do echo ${at}-$i; echo ${at}-$i >&2; done`, { id: `many-${at}` }),
      ),
    );
    for (const [at, { id }] of results.entries()) {
      const wanted = [1, 2, 3, 4, 5].map((i) => `${at}-${i}`);
      for (const stream of ['stdout', 'stderr']) {
        const lines = kept.of(id).filter(({ attributes }) => attributes?.['log.iostream'] === stream);
        assert.deepEqual(
          lines.map(({ body }) => body),
          wanted,
        );
      }
    }
  });

  it('runs it all the same when nothing keeps runs, and says that once', async () => {
    kept.close();
    const warnings: string[] = [];
    clearReports();
    state.warn = (message) => warnings.push(message);
    const [sinks, file] = [state.sinks.length, join(folder, 'ran')];
    assert.equal(sinks, 0);
    const result = await bash(`echo "$TASKSPAN_TASK_ID" > ${file}; echo x; exit 5`, { timeoutMs: 20_000 });
    assert.deepEqual([result.exitCode, result.status, result.id], [5, 'failure', undefined]);
    assert.equal(readFileSync(file, 'utf8'), '\n');
    await bash('true');
    state.warn = undefined;
    assert.equal(warnings.length, 1);
    assert.match(String(warnings[0]), /^runCommand\(\) leaves no log: .*start\(\)/);
    kept = new KeptRecords();
  });

  it('runs nothing when an option is not what it should be', async () => {
    const file = join(folder, 'not-run');
    for (const wrong of [{ timeoutMs: '500' }, { timeout: 500 }]) {
      await assert.rejects(bash(`touch ${file}`, wrong as unknown as RunCommandOptions), TypeError);
    }
    assert.equal(existsSync(file), false);
  });

  it('holds no descriptor when it is over', async () => {
    await bash('true');
    const open = (): number => readdirSync('/proc/self/fd').length;
    const before = open();
    for (let at = 0; at < 5; at += 1) await bash('echo x');
    await runCommand(['no-such-program-here']);
    assert.ok(open() <= before, `${open()} descriptors, ${before} before`);
  });

  it('keeps a command that is a script without a first line for the shell', async () => {
    const script = join(folder, 'plain');
    writeFileSync(script, 'echo plain\n', { mode: 0o755 });
    const { id } = await runCommand([script]);
    assert.deepEqual(kept.lines(id), ['plain']);
  });
});

/** A zombie has no command line any more. */
function isRunning(pid: number): boolean {
  const path = `/proc/${pid}/cmdline`;
  return existsSync(path) && readFileSync(path, 'latin1') !== '';
}
