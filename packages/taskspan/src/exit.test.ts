import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'mocha';

/** The built file: a child process starts in a tenth of the time that loading TypeScript takes. */
const EXIT_MODULE = new URL('../dist/exit.js', import.meta.url).href;

/** What stands before each app: hooks that say on standard output what was asked of them. */
const HOOKS = `
import { writeSync } from 'node:fs';
import { installExitHandlers } from ${JSON.stringify(EXIT_MODULE)};
const say = (text) => writeSync(1, text + '\\n');
let open = 1;
globalThis.endTask = (status) => { if (open-- > 0) say('run ' + status); };
let delay = 20;
globalThis.flushTakes = (ms) => { delay = ms; };
globalThis.handlers = installExitHandlers({
  flushAsync: (timeoutMs) => new Promise((resolve) => {
    say('async');
    setTimeout(resolve, delay).unref();
  }),
  flushSync: () => say('sync'),
  closeOpenRuns: (end) => endTask('error' in end ? 'failure ' + end.error?.name : end.status + ' ' + end.errorType),
});
`;

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Lines on standard output but `ready`. */
  readonly lines: readonly string[];
  readonly stderr: string;
  readonly milliseconds: number;
}

interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Resolves when this line was printed. */
  printed(line: string): Promise<void>;
}

describe('installExitHandlers', () => {
  let folder: string;
  const children = new Set<ChildProcess>();
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'taskspan-exit-'));
    writeFileSync(join(folder, 'hooks.mjs'), HOOKS);
    writeFileSync(join(folder, 'nothing.mjs'), 'globalThis.endTask = () => {};');
  });
  after(() => {
    for (const child of children) child.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  });

  /** Starts an app; `without` leaves our handlers out, for comparison. */
  function start(source: string, options: { without?: boolean; args?: string[] } = {}): Running {
    const script = join(folder, `app${Math.random().toString(36).slice(2)}.mjs`);
    writeFileSync(script, source);
    const hooks = options.without ? './nothing.mjs' : './hooks.mjs';
    const child = spawn(process.execPath, [...(options.args ?? []), '--import', hooks, script], {
      cwd: folder,
      env: { PATH: process.env['PATH'] },
    });
    children.add(child);
    const began = performance.now();
    let stdout = '';
    let stderr = '';
    const waiting = new Map<string, () => void>();
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    child.stdout.on('data', (chunk) => {
      stdout += chunk;
      for (const [line, resolve] of waiting) if (stdout.split('\n').includes(line)) resolve();
    });
    const ended = new Promise<Ended>((resolve) => {
      child.on('close', (code, signal) => {
        children.delete(child);
        const lines = stdout.split('\n').filter((line) => line !== '' && line !== 'ready');
        resolve({ code, signal, lines, stderr, milliseconds: performance.now() - began });
      });
    });
    const printed = (line: string): Promise<void> =>
      new Promise((resolve, reject) => {
        if (stdout.split('\n').includes(line)) resolve();
        waiting.set(line, resolve);
        void ended.then((end) => reject(new Error(`ended without "${line}": ${JSON.stringify(end)}`)));
      });
    return { child, ended, printed };
  }

  /** Starts an app, sends it these signals, each once the line before it was printed. */
  async function signalled(source: string, signals: readonly [string, NodeJS.Signals][]): Promise<Ended> {
    const app = start(`${source}\nconsole.log('ready');`);
    for (const [line, signal] of signals) {
      await app.printed(line);
      app.child.kill(signal);
    }
    return app.ended;
  }

  describe('without signals', () => {
    const FLUSHED_AT_EXIT = ['run cancelled process_exit', 'sync'];
    const FLUSHED_TWICE = ['run cancelled process_exit', 'async', 'sync'];
    const ends: readonly [name: string, source: string, lines: readonly string[], code: number][] = [
      ['a script that ends', '', FLUSHED_TWICE, 0],
      ['process.exitCode', 'process.exitCode = 7;', FLUSHED_TWICE, 7],
      ['a run that ends by itself', "setTimeout(() => endTask('success'), 10);", ['run success', 'async', 'sync'], 0],
      ['process.exit()', 'process.exit(3);', FLUSHED_AT_EXIT, 3],
      ['process.exit() later', 'setTimeout(() => process.exit(), 5); setInterval(() => {}, 1e6);', FLUSHED_AT_EXIT, 0],
      ['an uncaught error', "throw new TypeError('broken');", ['run failure TypeError', 'sync'], 1],
      [
        'an uncaught error in a callback',
        "setTimeout(() => { throw new RangeError('broken'); }, 5);",
        ['run failure RangeError', 'sync'],
        1,
      ],
      ['an uncaught null', 'setTimeout(() => { throw null; }, 5);', ['run failure undefined', 'sync'], 1],
      [
        'an unhandled rejection',
        "setTimeout(() => Promise.reject(new SyntaxError('broken')), 5);",
        ['run failure SyntaxError', 'sync'],
        1,
      ],
      ['an await that never ends', 'await new Promise(() => {});', FLUSHED_TWICE, 13],
      [
        'an error that the app survives',
        "process.on('uncaughtException', () => {}); setTimeout(() => endTask('success'), 20); setTimeout(() => { throw new Error('x'); }, 5);",
        ['run success', 'async', 'sync'],
        0,
      ],
      [
        'an error that a capture callback survives',
        "process.setUncaughtExceptionCaptureCallback(() => {}); setTimeout(() => { throw new Error('x'); }, 5);",
        FLUSHED_TWICE,
        0,
      ],
      [
        'an error whose listener exits',
        "process.on('uncaughtException', () => process.exit(9)); setTimeout(() => { throw new URIError('x'); }, 5);",
        ['run failure URIError', 'sync'],
        9,
      ],
      [
        'a rejection whose listener exits',
        "process.on('unhandledRejection', () => process.exit(9)); Promise.reject(new URIError('x'));",
        ['run failure URIError', 'sync'],
        9,
      ],
    ];
    for (const [name, source, lines, code] of ends) {
      it(`flushes at ${name}, with the app's own code and output`, async () => {
        const [ours, plain] = await Promise.all([start(source).ended, start(source, { without: true }).ended]);
        assert.deepEqual([ours.lines, ours.code, ours.signal], [lines, code, null]);
        const withoutNames = (text: string): string => text.replaceAll(/app\w+\.mjs/g, 'app.mjs');
        assert.deepEqual([plain.code, withoutNames(plain.stderr)], [code, withoutNames(ours.stderr)]);
      });
    }

    it('lets a warned rejection be one', async () => {
      const source = "Promise.reject(new Error('x')); setTimeout(() => endTask('success'), 10);";
      const end = await start(source, { args: ['--unhandled-rejections=warn'] }).ended;
      assert.deepEqual([end.lines, end.code], [['run success', 'async', 'sync'], 0]);
    });

    it('flushes what an exit listener still did, and keeps the code that it sets', async () => {
      const source = "process.on('exit', () => { endTask('success'); process.exit(5); }); process.exit(1);";
      const end = await start(source).ended;
      assert.deepEqual([end.lines, end.code], [['run success', 'sync'], 5]);
      const throwing = await start("process.on('exit', () => { throw new Error('late'); });").ended;
      assert.deepEqual(throwing.lines.slice(-1), ['sync']);
      assert.match(throwing.stderr, /Error: late/);
    });

    it('calls beforeExit listeners as often as without us', async () => {
      const sync = "process.on('beforeExit', () => console.log('bye'));";
      assert.deepEqual((await start(sync).ended).lines.filter((line) => line === 'bye').length, 1);
      const working = `let left = 2;
        process.on('beforeExit', async () => {
          console.log('bye');
          await null;
          if (left-- > 0) setTimeout(() => console.log('work'), 10);
          else endTask('success');
        });`;
      const [ours, plain] = await Promise.all([start(working).ended, start(working, { without: true }).ended]);
      assert.deepEqual(plain.lines, ['bye', 'work', 'bye', 'work', 'bye']);
      assert.deepEqual(ours.lines, [...plain.lines, 'run success', 'async', 'sync']);
    });

    it('waits for a flush, but never longer than the limit', async () => {
      const source = `import { installExitHandlers } from ${JSON.stringify(EXIT_MODULE)};
        handlers.uninstall();
        let asked;
        installExitHandlers({
          flushAsync: (ms) => { asked = ms; return new Promise(() => {}); },
          flushSync: () => console.log('sync', asked),
          closeOpenRuns: () => {},
        }, { timeoutMs: 150 });`;
      const end = await start(source).ended;
      assert.deepEqual([end.lines, end.code], [['sync 150'], 0]);
      assert.ok(end.milliseconds < 4000, `${end.milliseconds} ms`);
    });

    it('survives hooks that throw and reject', async () => {
      const source = `import { installExitHandlers } from ${JSON.stringify(EXIT_MODULE)};
        handlers.uninstall();
        const fail = () => { throw new Error('hook'); };
        installExitHandlers({ flushAsync: async () => fail(), flushSync: fail, closeOpenRuns: fail });
        process.exitCode = 4;`;
      const end = await start(source).ended;
      assert.deepEqual([end.lines, end.code, end.stderr], [[], 4, '']);
    });

    it('works in a worker thread, where signals are none of its business', async () => {
      const source = `import { Worker, isMainThread } from 'node:worker_threads';
        handlers.uninstall();
        if (isMainThread) {
          const worker = new Worker(new URL(import.meta.url));
          worker.on('exit', (code) => console.log('worker exit', code));
        } else {
          const { installExitHandlers } = await import(${JSON.stringify(EXIT_MODULE)});
          console.log = (text) => process.stdout.write(text + '\\n');
          const { writeSync } = await import('node:fs');
          installExitHandlers({
            flushAsync: async () => { writeSync(1, 'worker async\\n'); },
            flushSync: () => writeSync(1, 'worker sync\\n'),
            closeOpenRuns: (end) => writeSync(1, 'worker ' + JSON.stringify(end) + '\\n'),
          });
          writeSync(1, 'listeners ' + process.listenerCount('SIGTERM') + '\\n');
          setTimeout(() => process.exit(6), 10);
        }`;
      const end = await start(source).ended;
      const cancelled = 'worker {"status":"cancelled","errorType":"process_exit"}';
      assert.deepEqual(end.lines, ['listeners 0', cancelled, 'worker sync', 'worker exit 6']);
    });
  });

  describe('with signals', () => {
    const IDLE = 'setInterval(() => {}, 1e6);';
    const FLUSHED = ['run cancelled process_exit', 'async', 'sync'];

    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
      it(`flushes at ${signal}, then dies of it`, async () => {
        const end = await signalled(IDLE, [['ready', signal]]);
        assert.deepEqual([end.lines, end.code, end.signal, end.stderr], [FLUSHED, null, signal, '']);
      });
    }

    it('ends at once when the signal comes again', async () => {
      const end = await signalled(`flushTakes(1e6); ${IDLE}`, [
        ['ready', 'SIGINT'],
        ['async', 'SIGINT'],
      ]);
      assert.deepEqual([end.lines, end.signal], [FLUSHED, 'SIGINT']);
      assert.ok(end.milliseconds < 4000, `${end.milliseconds} ms`);
    });

    it('leaves a graceful drain alone: its runs end as what they are', async () => {
      const source = `process.on('SIGTERM', () => {
          console.log('listeners', process.listenerCount('SIGTERM'));
          setTimeout(() => { endTask('success'); process.exit(0); }, 3000);
        }); ${IDLE}`;
      const end = await signalled(source, [['ready', 'SIGTERM']]);
      assert.deepEqual([end.lines, end.code], [['async', 'listeners 1', 'run success', 'sync'], 0]);
      assert.ok(end.milliseconds > 2900, `${end.milliseconds} ms`);
    });

    it('hides from the app and comes back when its handler is gone', async () => {
      const source = `const names = () => process.listeners('SIGTERM').map((listener) => listener.name).join();
        function first() {} function second() {}
        console.log(process.listenerCount('SIGTERM'));
        process.on('SIGTERM', first); console.log(names());
        process.prependOnceListener('SIGTERM', second); console.log(names());
        process.off('SIGTERM', first); console.log(names());
        process.off('SIGTERM', second); console.log(process.listenerCount('SIGTERM'));
        process.on('SIGTERM', first); process.removeAllListeners('SIGTERM'); console.log(process.listenerCount('SIGTERM'));
        process.removeAllListeners('SIGTERM'); console.log(process.listenerCount('SIGTERM'), 'at last');
        ${IDLE}`;
      const end = await signalled(source, [['0 at last', 'SIGTERM']]);
      assert.deepEqual(end.lines, ['0', 'first', 'second,first', 'second', '0', '0', '0 at last', ...FLUSHED]);
      assert.equal(end.signal, 'SIGTERM');
    });

    it('receives nothing for a handler added later, while the app is idle', async () => {
      const source = `setTimeout(() => { process.on('SIGINT', () => { endTask('success'); process.exit(2); });
        console.log('added'); }, 5); ${IDLE}`;
      const end = await signalled(source, [['added', 'SIGINT']]);
      assert.deepEqual([end.lines.slice(1), end.code], [['async', 'run success', 'sync'], 2]);
    });

    it('flushes after a handler that runs once and raises the signal again', async () => {
      const source = `process.once('SIGTERM', () => { console.log('own'); process.kill(process.pid, 'SIGTERM'); }); ${IDLE}`;
      const end = await signalled(source, [['ready', 'SIGTERM']]);
      assert.deepEqual([end.lines, end.signal], [['async', 'own', ...FLUSHED], 'SIGTERM']);
    });

    it('lets a library that counts listeners see only its own', async () => {
      // The habit of such libraries: when theirs is the only listener, clean up, step back and raise the signal again.
      const source = `const onTerm = () => {
          if (process.listeners('SIGTERM').length !== 1) return;
          process.off('SIGTERM', onTerm);
          console.log('cleaned');
          process.kill(process.pid, 'SIGTERM');
        };
        process.on('SIGTERM', onTerm); ${IDLE}`;
      const end = await signalled(source, [['ready', 'SIGTERM']]);
      assert.deepEqual([end.lines, end.signal], [['async', 'cleaned', ...FLUSHED], 'SIGTERM']);
    });

    it('hands the signal to a handler that the app adds during the flush', async () => {
      const source = `process.stdin.on('data', () => process.on('SIGTERM', () => process.exit(8)));
        flushTakes(200); ${IDLE}`;
      const app = start(`${source}\nconsole.log('ready');`);
      await app.printed('ready');
      app.child.kill('SIGTERM');
      await app.printed('async');
      app.child.stdin?.write('x');
      const end = await app.ended;
      assert.deepEqual([end.code, end.signal], [8, null]);
    });

    it('lets process.exit during the flush have its way', async () => {
      const source = `flushTakes(1e6); setInterval(() => { if (globalThis.left) process.exit(6); }, 5);
        setTimeout(() => { globalThis.left = true; }, 300); ${IDLE}`;
      const end = await signalled(source, [['ready', 'SIGTERM']]);
      assert.deepEqual([end.lines.slice(-1), end.code], [['sync'], 6]);
    });

    it('leaves nothing behind when it is taken back', async () => {
      const source = `handlers.uninstall();
        console.log(['SIGTERM', 'SIGINT', 'SIGHUP', 'newListener', 'removeListener', 'uncaughtExceptionMonitor', 'exit', 'beforeExit']
          .map((event) => process.listenerCount(event)).join(), Object.hasOwn(process, 'reallyExit'));
        ${IDLE}`;
      const plain = `console.log(['SIGTERM', 'SIGINT', 'SIGHUP', 'newListener', 'removeListener', 'uncaughtExceptionMonitor', 'exit', 'beforeExit']
          .map((event) => process.listenerCount(event)).join(), Object.hasOwn(process, 'reallyExit'));`;
      const without = await start(plain, { without: true }).ended;
      const end = await signalled(source, [[without.lines[0] ?? '', 'SIGTERM']]);
      assert.deepEqual([end.lines, end.signal], [without.lines, 'SIGTERM']);
    });
  });
});
