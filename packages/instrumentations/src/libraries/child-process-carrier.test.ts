import assert from 'node:assert/strict';
import childProcess, { exec, execFile, execFileSync, execSync, fork, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { runTask, startTask } from '@taskspan/core';
import type { RunRecord } from '@taskspan/core/hub';
import { after, afterEach, before, beforeEach, describe, it } from 'mocha';
import { type RecordedRuns, recordRuns } from '../base/recorded-runs.test.support.ts';
import { ChildProcessCarrier } from './child-process-carrier.ts';

const NAMES = ['TRACEPARENT', 'TRACESTATE', 'TASKSPAN_TASK_ID'] as const;
const NODE = process.execPath;
/** A shell starts ten times as fast as Node does. */
const PRINT = `printf '["%s","%s","%s"]' ${NAMES.map((name) => `"$${name}"`).join(' ')}`;
const PRINT_IN_NODE = `console.log(JSON.stringify([${NAMES.map((name) => `process.env.${name} ?? ''`).join(',')}]))`;

const MISSING = 'no-such-program';
const FOLDER = mkdtempSync(join(tmpdir(), 'taskspan-child-'));
const SCRIPT = join(FOLDER, 'print.cjs');

async function printed(child: childProcess.ChildProcess): Promise<string> {
  const [output] = await Promise.all([text(child.stdout as Readable), once(child, 'exit')]);
  return output;
}

type Options = { readonly env?: NodeJS.ProcessEnv };

/** Each way of starting a process, and what it finds of a run in its environment. */
const WAYS: Readonly<Record<string, (options: Options) => Promise<string> | string>> = {
  spawn: (options) => printed(spawn('sh', ['-c', PRINT], options)),
  exec: async (options) => (await promisify(exec)(PRINT, options)).stdout,
  execFile: async (options) => (await promisify(execFile)('sh', ['-c', PRINT], options)).stdout,
  fork: (options) => printed(fork(SCRIPT, { ...options, execArgv: [], stdio: ['ignore', 'pipe', 'inherit', 'ipc'] })),
  spawnSync: (options) => spawnSync('sh', ['-c', PRINT], options).stdout.toString(),
  execFileSync: (options) => execFileSync('sh', ['-c', PRINT], options).toString(),
  execSync: (options) => execSync(PRINT, options).toString(),
  'spawn, without a list of arguments': (options) => printed(spawn(PRINT, { ...options, shell: true })),
  'spawnSync, without a list of arguments': (options) =>
    spawnSync(PRINT, { ...options, shell: true }).stdout.toString(),
};

interface Seen {
  readonly parent: string | undefined;
  readonly id: string | undefined;
}

async function seenBy(way: string, options: Options = {}): Promise<Seen> {
  const [traceparent, , id] = JSON.parse((await WAYS[way]?.(options)) ?? '[]') as string[];
  return { parent: traceparent?.split('-')[2], id: id || undefined };
}

/** The environment of the tests may have come from a run itself. */
function withoutRun(): () => void {
  const before = NAMES.map((name) => [name, process.env[name]] as const);
  for (const name of NAMES) delete process.env[name];
  return () => {
    for (const [name, value] of before) if (value !== undefined) process.env[name] = value;
  };
}

describe('child processes', function () {
  this.timeout(20_000);
  let carrier: ChildProcessCarrier;
  let seen: RecordedRuns;
  let restoreEnv: () => void;
  const originals = { ...childProcess };
  const prototype = childProcess.ChildProcess.prototype as unknown as { spawn: () => void };
  const { spawn: originalSpawn } = prototype;

  before(() => writeFileSync(SCRIPT, PRINT_IN_NODE));
  after(() => rmSync(FOLDER, { recursive: true }));
  beforeEach(() => {
    restoreEnv = withoutRun();
    seen = recordRuns();
    carrier = new ChildProcessCarrier();
    carrier.enable();
  });
  afterEach(() => {
    carrier.disable();
    seen.stop();
    restoreEnv();
  });

  const events = (): RunRecord[] => seen.records.filter((record) => /exited|launch/.test(record.eventName ?? ''));
  const event = (): RunRecord => {
    assert.equal(events().length, 1);
    return events()[0] as RunRecord;
  };

  for (const way of Object.keys(WAYS)) {
    it(`find the run that started them (${way})`, async () => {
      const found = await runTask('op', () => seenBy(way), { id: 'id-1' });
      assert.deepEqual(found, { parent: seen.run().span.spanContext().spanId, id: 'id-1' });
      const { eventName, attributes, run } = event();
      assert.equal(eventName, 'task.exited');
      assert.equal(attributes?.['process.exit.code'], 0);
      assert.equal(run.id, 'id-1');
    });

    it(`keep the environment of the caller, which stays as it is (${way})`, async () => {
      const env = Object.freeze({ PATH: process.env['PATH'], TRACEPARENT: '00-mine-mine-00' });
      const found = await runTask('op', () => seenBy(way, Object.freeze({ env })), { id: 'id-1' });
      assert.deepEqual(found, { parent: 'mine', id: 'id-1' });
    });

    it(`find nothing outside a run (${way})`, async () => {
      assert.deepEqual(await seenBy(way), { parent: undefined, id: undefined });
      const task = startTask('op');
      task.end();
      assert.deepEqual(await task.run(() => seenBy(way)), { parent: undefined, id: undefined });
      assert.deepEqual(events(), []);
    });
  }

  it('find the step that started them', async () => {
    const found = await runTask('op', (task) => task.step('build', () => seenBy('spawn')));
    const { spanContext } = event();
    assert.equal(found.parent, spanContext.spanId);
    assert.notEqual(found.parent, seen.run().span.spanContext().spanId);
  });

  it('find their own run, where this process was started by another', async () => {
    process.env['TRACEPARENT'] = `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01`;
    process.env['TASKSPAN_TASK_ID'] = 'outer';
    try {
      const found = await runTask('op', () => seenBy('spawn', { env: { ...process.env } }), { id: 'id-1' });
      assert.deepEqual(found, { parent: seen.run().span.spanContext().spanId, id: 'id-1' });
      assert.equal((await seenBy('spawn')).parent, '2'.repeat(16));
    } finally {
      for (const name of NAMES) delete process.env[name];
    }
  });

  describe('that end', () => {
    const ends = async (start: () => childProcess.ChildProcess): Promise<void> => {
      await runTask('op', async () => {
        const child = start();
        await once(child, 'exit').catch(() => {});
      });
    };

    it('with a code are one event, before their listeners hear of it', async () => {
      let before: number | undefined;
      await ends(() => {
        const child = spawn(NODE, ['-e', 'process.exit(3)'], { stdio: 'ignore' });
        child.on('exit', () => {
          before = events().length;
        });
        return child;
      });
      assert.equal(before, 1);
      const { severity, attributes } = event();
      assert.equal(severity, 13);
      assert.equal(attributes?.['process.exit.code'], 3);
      assert.equal(attributes?.['task.exit.signal'], undefined);
      assert.equal(attributes?.['process.executable.name'], 'node');
      assert.equal(typeof attributes?.['process.pid'], 'number');
      assert.equal(seen.run().status, 'success');
    });

    it('by a signal are told by it', async () => {
      await ends(() => {
        const child = spawn(NODE, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
        child.on('spawn', () => child.kill('SIGKILL'));
        return child;
      });
      assert.equal(event().attributes?.['task.exit.signal'], 'SIGKILL');
      assert.equal(event().attributes?.['process.exit.code'], undefined);
    });

    it('before they began are told by the error', async () => {
      await ends(() => spawn(MISSING, ['--token=secret']));
      assert.equal(event().eventName, 'task.launch_failed');
      assert.deepEqual(event().attributes, {
        'process.executable.name': MISSING,
        'error.type': 'ENOENT',
      });
    });

    it('have as many listeners as without us', async () => {
      await ends(() => {
        const child = spawn(NODE, ['-e', '']);
        for (const name of ['exit', 'error', 'close', 'spawn']) assert.equal(child.listenerCount(name), 0, name);
        assert.deepEqual(Object.keys(child).includes('emit'), false);
        return child;
      });
    });

    it('belong to the log of a run that is over by then', async () => {
      const task = startTask('op', { id: 'id-1' });
      const child = task.run(() => spawn(NODE, ['-e', ''], { stdio: 'ignore' }));
      task.end();
      await once(child, 'exit');
      assert.equal(event().run.id, 'id-1');
    });
  });

  describe('that are waited for', () => {
    const inRun = (work: () => unknown): unknown =>
      runTask('op', () => {
        try {
          return work();
        } catch (error) {
          return error;
        }
      });

    it('are told by their code, and the caller gets the same error', () => {
      const error = inRun(() => execFileSync(NODE, ['-e', 'process.exit(4)'], { stdio: 'ignore' })) as {
        status: number;
      };
      assert.equal(error.status, 4);
      assert.equal(event().attributes?.['process.exit.code'], 4);
      assert.equal(event().attributes?.['process.executable.name'], 'node');
    });

    it('are told by the signal of a timeout', () => {
      const hang = 'setInterval(() => {}, 1000)';
      const result = inRun(() => spawnSync(NODE, ['-e', hang], { timeout: 300, stdio: 'ignore' })) as {
        signal: string;
      };
      assert.equal(result.signal, 'SIGTERM');
      assert.equal(event().eventName, 'task.exited');
      assert.equal(event().attributes?.['task.exit.signal'], 'SIGTERM');
    });

    it('are told by the error that kept them from starting', () => {
      assert.equal((inRun(() => spawnSync(MISSING)) as { error: { code: string } }).error.code, 'ENOENT');
      assert.equal((inRun(() => execFileSync(MISSING)) as { code: string }).code, 'ENOENT');
      assert.deepEqual(
        events().map(({ eventName, attributes }) => [eventName, attributes?.['error.type']]),
        [
          ['task.launch_failed', 'ENOENT'],
          ['task.launch_failed', 'ENOENT'],
        ],
      );
    });

    it('never show a command line', () => {
      inRun(() => execSync('exit 0 # --token=secret'));
      inRun(() => spawnSync('exit 0 # --token=secret', { shell: true }));
      inRun(() => spawnSync('exit 0 # --token=secret', { shell: '/bin/sh' }));
      assert.deepEqual(
        events().map((one) => one.attributes?.['process.executable.name']),
        ['sh', 'sh', 'sh'],
      );
    });

    it('take and refuse the same arguments', () => {
      const wrong: readonly unknown[][] = [
        ['true', [], null],
        ['true', 'x'],
        ['true', [], 7],
        [7],
        [],
        ['true', [], { env: 7 }],
      ];
      const bare = { ...originals };
      const outcome = (call: () => unknown): unknown => {
        try {
          return (call() as { status?: number } | null)?.status ?? 'done';
        } catch (error) {
          return (error as { code: string }).code;
        }
      };
      for (const name of ['spawnSync', 'execFileSync', 'execSync'] as const) {
        for (const args of [
          ...wrong,
          ['true'],
          ['true', null],
          ['true', undefined],
          ['true', [], undefined],
          ['true', {}],
        ]) {
          const call = (from: object) =>
            outcome(() => Reflect.apply(Reflect.get(from, name) as () => unknown, null, args));
          assert.deepEqual(
            runTask('op', () => call(childProcess)),
            call(bare),
            `${name} ${JSON.stringify(args)}`,
          );
        }
      }
    });
  });

  it('refuse the same arguments, without an event', () => {
    runTask('op', () => {
      assert.throws(() => spawn(7 as unknown as string), { code: 'ERR_INVALID_ARG_TYPE' });
      const child = new childProcess.ChildProcess() as unknown as { spawn(options?: unknown): unknown };
      assert.throws(() => child.spawn(), { code: 'ERR_INVALID_ARG_TYPE' });
      assert.throws(() => child.spawn({ envPairs: 'x' }), { code: 'ERR_INVALID_ARG_TYPE' });
    });
    assert.deepEqual(events(), []);
  });

  it('are started by functions of the same name and length, also those that were imported before', () => {
    for (const name of Object.keys(originals) as (keyof typeof originals)[]) {
      const current = childProcess[name] as unknown as () => void;
      assert.deepEqual([current.name, current.length], [originals[name].name, originals[name].length], name);
    }
    assert.equal(spawnSync, childProcess.spawnSync);
    assert.notEqual(spawnSync, originals.spawnSync);
    const { spawn: current } = prototype;
    assert.deepEqual([current.name, current.length], [originalSpawn.name, originalSpawn.length]);
  });

  it('are left alone once it is disabled, and taken up again', async () => {
    carrier.disable();
    assert.deepEqual({ ...childProcess }, originals);
    assert.equal(spawnSync, originals.spawnSync);
    assert.equal(prototype.spawn, originalSpawn);
    carrier.enable();
    carrier.enable();
    assert.notEqual((await runTask('op', () => seenBy('spawn'))).parent, undefined);
  });

  it('are told of once by two of us', async () => {
    const second = new ChildProcessCarrier();
    second.enable();
    await runTask('op', () => seenBy('execFile'));
    assert.equal(events().length, 1);
    carrier.disable();
    assert.notEqual((await runTask('op', () => seenBy('execFile'))).parent, undefined);
    second.disable();
    assert.equal((await runTask('op', () => seenBy('execFile'))).parent, undefined);
    assert.equal(events().length, 2);
  });

  it('of programs that are no Node get it too, with a file of their own', async () => {
    const script = join(FOLDER, 'job.sh');
    writeFileSync(script, '#!/bin/sh\necho "$TASKSPAN_TASK_ID"\n', { mode: 0o700 });
    const output = await runTask('op', () => promisify(execFile)(script), { id: 'id-1' });
    assert.equal(output.stdout, 'id-1\n');
    assert.equal(event().attributes?.['process.executable.name'], 'job.sh');
  });
});
