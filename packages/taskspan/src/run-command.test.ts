/** `taskspan run` from outside: what it shows, what it leaves, and how it ends, beside the same command without it. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'mocha';
import { CommandLine } from './command-line.test.fixture.ts';

describe('taskspan run', function () {
  this.timeout(60_000);
  let line: CommandLine;
  before(() => {
    line = new CommandLine();
  });
  after(() => line.remove());

  it('shows what the command prints, and keeps it in the log of the run', async () => {
    const script = `echo hello; echo oops >&2; echo '{"metric":{"name":"rows_processed","value":7}}'; exit 3`;
    const ended = await line.run([
      '--id',
      'whole',
      '--operation',
      'load',
      '--label',
      'L',
      '--output',
      'o1',
      '--output=o2',
      '--input',
      'i',
      '--',
      'bash',
      '-c',
      script,
    ]);
    assert.deepEqual(
      [ended.code, ended.signal, ended.stdout, ended.stderr],
      [3, null, 'hello\n{"metric":{"name":"rows_processed","value":7}}\n', 'oops\n'],
    );
    const events = line.events('whole');
    assert.deepEqual(events, ['started', 'launched', 'metric', 'exited', 'ended', 'manifest']);
    assert.deepEqual([...line.lines('whole')].sort(), ['hello', 'oops']);
    const { records, spans } = line.log('whole');
    assert.deepEqual(
      records.map(({ attributes }) => attributes['task.sequence']),
      records.map((_, at) => at + 1),
    );
    assert.deepEqual(
      [line.event('whole', 'started')['task.metrics'], line.event('whole', 'started')['task.label']],
      ['files', 'L'],
    );
    const ends = line.event('whole', 'ended');
    assert.deepEqual(
      [ends['task.status'], ends['error.type'], ends['task.outputs']],
      ['failure', 'exit_code_3', ['o1', 'o2']],
    );
    const manifest = line.event('whole', 'manifest');
    assert.deepEqual([manifest['manifest.outputs'], manifest['manifest.inputs']], [['o1', 'o2'], ['i']]);
    const [span] = spans;
    assert.deepEqual(
      [spans.length, span?.name, span?.spanId, span?.traceId, span?.attributes['task.status'], span?.status.code],
      [1, 'load', records[0]?.attributes['task.run'], records[0]?.traceId, 'failure', 2],
    );
    assert.deepEqual(
      [records[0]?.resource.attributes['service.name'], records[0]?.attributes['operation']],
      ['proving-app', 'load'],
    );
  });

  describe('ends as the command ends without it:', () => {
    for (const [what, command] of Object.entries({
      'exit code 0': ['true'],
      'exit code 1': ['false'],
      'exit code 255': ['bash', '-c', 'exit 255'],
      SIGTERM: ['bash', '-c', 'kill -TERM $$'],
      SIGKILL: ['bash', '-c', 'kill -KILL $$'],
      SIGINT: ['bash', '-c', 'kill -INT $$'],
      SIGHUP: ['bash', '-c', 'kill -HUP $$'],
      SIGPIPE: ['bash', '-c', 'kill -PIPE $$'],
      SIGUSR1: ['bash', '-c', 'kill -USR1 $$'],
      SIGALRM: ['bash', '-c', 'kill -ALRM $$'],
      SIGSEGV: ['bash', '-c', 'ulimit -c 0; kill -SEGV $$'],
    })) {
      it(what, async () => {
        const [program = '', ...args] = command;
        // An image of its memory would be written beside the tests.
        const [ended, bare] = await Promise.all([
          line.run(['--', ...command], { through: ['bash', '-c', 'ulimit -c 0; exec "$@"', 'bash'] }),
          once(spawn(program, args, { stdio: 'ignore' }), 'exit'),
        ]);
        assert.deepEqual([ended.code, ended.signal, ended.stdout, ended.stderr], [...bare, '', '']);
      });
    }
  });

  it('needs no -- before a command', async () => {
    const ended = await line.run(['--id', 'bare', 'echo', '--quiet', '-x']);
    assert.deepEqual([ended.stdout, ended.code], ['--quiet -x\n', 0]);
  });

  for (const [what, args, code, message] of [
    [
      'a command that does not exist',
      ['--id', 'none', '--', 'no-such-program-here'],
      127,
      /^taskspan: no-such-program-here: command not found\n$/,
    ],
    [
      'a command that may not be executed',
      ['--', '/etc/passwd'],
      126,
      /^taskspan: \/etc\/passwd: permission denied\n$/,
    ],
    ['no command', ['--operation', 'x', '--'], 125, /^error: no command to run\n\nUsage: taskspan run/],
    ['an unknown option', ['--nothing', 'true'], 125, /^error: unknown option '--nothing'\n\nUsage/],
    ['a bad duration', ['--timeout', 'soon', 'true'], 125, /'soon' is invalid: a duration such as 500ms/],
  ] as const) {
    it(`says what is wrong with ${what}`, async () => {
      const ended = await line.run(args);
      assert.equal(ended.code, code);
      assert.match(ended.stderr, message);
      assert.equal(ended.stdout, '');
    });
  }

  it('does not begin without an environment file that was asked for', async () => {
    const ended = await line.run(['--env-file', 'missing.env', 'echo', 'begun']);
    // Some versions of Node look for that option themselves, wherever it stands.
    assert.ok(ended.code === 125 || ended.code === 9, String(ended.code));
    assert.match(ended.stderr, /missing\.env/);
    assert.equal(ended.stdout, '');
  });

  it('keeps the run of a command that cannot be launched', () => {
    assert.deepEqual(line.events('none'), ['started', 'launch_failed', 'ended', 'manifest']);
    assert.equal(line.event('none', 'launch_failed')['task.exit.category'], 'launch_failed');
  });

  it('--help prints what can be said', async () => {
    const cli = 'node_modules/taskspan/dist/cli.js';
    const help = (args: readonly string[]) => line.app.run(cli, { nodeArgs: [], args });
    const [own, named, all] = await Promise.all([line.run(['--help']), help(['help', 'run']), help(['--help'])]);
    assert.match(own.stdout, /^Usage: taskspan run .*--env-file <file>.*--quiet/s);
    assert.equal(named.stdout, own.stdout);
    assert.match(all.stdout, /run .*run a command/s);
    assert.deepEqual([own.code, own.stderr], [0, '']);
  });

  describe('takes the id of the run', () => {
    const id = async (args: readonly string[], env: Record<string, string>): Promise<string> =>
      (
        await line.run([...args, '--', 'sh', '-c', 'echo $TASKSPAN_TASK_ID $DATABUILD_JOB_RUN_ID $TASKSPAN_RUN_ID'], {
          env,
        })
      ).stdout;

    it('from --id, else from the orchestrator, else makes one', async () => {
      const both = { TASKSPAN_RUN_ID: 'a', DATABUILD_JOB_RUN_ID: 'b' };
      const [given, told, before, made] = await Promise.all([
        id(['--id', 'x'], both),
        id([], both),
        id([], { DATABUILD_JOB_RUN_ID: 'b' }),
        id([], {}),
      ]);
      assert.deepEqual([given, told, before], ['x x\n', 'a a\n', 'b b\n']);
      assert.match(made, /^([0-9a-f-]{14}7[0-9a-f-]{21}) \1\n$/);
    });

    it('anew for a run below a run, which is linked', async () => {
      const ended = await line.run(
        ['--id', 'outer', '--', process.execPath, line.path, 'run', '--', 'sh', '-c', 'echo $TASKSPAN_TASK_ID'],
        { env: { TASKSPAN_RUN_ID: 'planned' } },
      );
      const inner = ended.stdout.trim();
      assert.match(inner, /^[0-9a-f-]{36}$/);
      const [outerSpan] = line.log('outer').spans;
      const [innerSpan] = line.log(inner).spans;
      assert.deepEqual(
        innerSpan?.links.map(({ traceId, spanId }) => [traceId, spanId]),
        [[outerSpan?.traceId, outerSpan?.spanId]],
      );
      assert.deepEqual(line.lines('outer'), [inner]);
    });
  });

  it('hands the context of its span to a program that makes spans of its own', async () => {
    const program = line.app.write(
      'spans.mjs',
      `import { startTask } from 'taskspan';
import 'taskspan/register';
const task = startTask('inner');
process.stdout.write(JSON.stringify([process.env.TRACEPARENT, process.env.TASKSPAN_TASK_RUN]));
task.end();`,
    );
    const id = line.newId();
    const ended = await line.run(['--id', id, '--', process.execPath, program], { env: { TASKSPAN_QUIET: 'true' } });
    const [span] = line.log(id).spans;
    assert.deepEqual(JSON.parse(ended.stdout), [`00-${span?.traceId}-${span?.spanId}-01`, span?.spanId]);
  });

  it('adds the variables of --env-file to those that are set', async () => {
    const one = line.app.write('one.env', 'A=1\nB="two words"\nSET=file\n');
    const two = line.app.write('two.env', '# the later file wins\nA=2\n');
    const ended = await line.run(['--env-file', one, '--env-file', two, '--', 'sh', '-c', 'echo "$A|$B|$SET"'], {
      env: { SET: 'process' },
    });
    assert.equal(ended.stdout, '2|two words|process\n');
  });

  it('takes what stands in --env-file literally, and refuses what is no variable', async () => {
    const good = line.app.write('good.env', "DB_PASS=p#ss w0rd\nAFTER=it's\n");
    const bad = line.app.write('bad.env', 'A=1\nB="no end\n');
    const [taken, refused] = await Promise.all([
      line.run(['--env-file', good, '--', 'sh', '-c', 'echo "$DB_PASS|$AFTER"']),
      line.run(['--env-file', bad, '--', 'echo', 'begun']),
    ]);
    assert.equal(taken.stdout, "p#ss w0rd|it's\n");
    assert.deepEqual([refused.code, refused.stdout], [125, '']);
    assert.match(refused.stderr, /bad\.env' is invalid: line 2: the value of B begins with a quote/);
  });

  it('does not keep a run elsewhere than in the folder that was named', async () => {
    const file = line.app.write('no-folder', '');
    const ended = await line.run(['--dir', file, '--', 'echo', 'begun']);
    assert.deepEqual([ended.code, ended.stdout], [125, '']);
    assert.match(
      ended.stderr,
      /option '--dir <folder>' argument '.*no-folder' is invalid: .*no-folder is not a folder/,
    );
  });

  it('--quiet says in a line that the command failed, and where its log is', async () => {
    const [failed, silent] = await Promise.all([
      line.run(['--id', 'sad', '--operation', 'load', '--quiet', '--', 'sh', '-c', 'echo a; exit 3']),
      line.run(['--id', 'shown', '--', 'sh', '-c', 'exit 3']),
    ]);
    assert.deepEqual(
      [failed.code, failed.stdout, failed.stderr],
      [3, '', 'taskspan: sh failed (exit_code_3): taskspan logs sad\n'],
    );
    assert.equal(silent.stderr, '');
  });

  it('--quiet keeps and does not show', async () => {
    const ended = await line.run(['--id', 'quiet', '--quiet', '--', 'sh', '-c', 'echo a; echo b >&2']);
    assert.deepEqual([ended.stdout, ended.stderr, [...line.lines('quiet')].sort()], ['', '', ['a', 'b']]);
  });

  it('lets the command read standard input', async () => {
    const ended = await line.run(['--', 'cat'], { through: ['sh', '-c', 'echo typed | "$@"', 'sh'] });
    assert.equal(ended.stdout, 'typed\n');
  });

  it('shows every byte as it came, whatever it is', async () => {
    const bytes = Buffer.alloc(300_000, Buffer.from(Array.from({ length: 256 }, (_, at) => at)));
    const file = line.app.write('bytes', '');
    writeFileSync(file, bytes);
    const copy = join(line.app.path, 'copy');
    const ended = await line.run(['--id', 'bytes', '--', 'cat', file], {
      through: ['sh', '-c', `"$@" > ${copy}`, 'sh'],
    });
    assert.equal(ended.code, 0);
    assert.ok(readFileSync(copy).equals(bytes));
    assert.ok(line.lines('bytes').length > 1000);
  });

  it('shows a part of a line at once, for it may be a question', async () => {
    const running = line.start(['--', 'bash', '-c', 'printf "sure? "; sleep 300']);
    await running.printed('sure? ');
    running.child.kill('SIGTERM');
    assert.equal((await running.ended).signal, 'SIGTERM');
  });

  describe('when nobody reads what it shows', () => {
    it('keeps on writing the log, and the command does not notice', async () => {
      const script = 'for i in $(seq 1 20000); do echo line $i; done; echo status $? >&2';
      const ended = await line.run(['--id', 'epipe', '--', 'bash', '-c', script], {
        through: ['bash', '-c', '"$@" | head -1; echo $PIPESTATUS', 'bash'],
      });
      assert.deepEqual([ended.stdout, ended.stderr], ['line 1\n0\n', 'status 0\n']);
      assert.equal(line.lines('epipe').length, 20_001);
    });

    it('does so when it was closed from the start', async () => {
      const ended = await line.run(['--id', 'closed', '--', 'sh', '-c', 'echo a; echo b >&2'], {
        through: ['sh', '-c', 'exec "$@" >&-', 'sh'],
      });
      assert.deepEqual([ended.code, ended.stderr, [...line.lines('closed')].sort()], [0, 'b\n', ['a', 'b']]);
    });

    it('lets the command wait while nobody takes it, and loses nothing', async () => {
      const told = join(line.app.path, 'told');
      const program = `import sys
block = b"x" * 999 + b"\\n"
for at in range(20000):
    sys.stdout.buffer.write(block)
    if at % 100 == 0: open(${JSON.stringify(told)}, "w").write(str(at))
`;
      const args = [line.path, 'run', '--id', 'slow', '--dir', line.app.data, '--', 'python3', '-c', program];
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'], cwd: line.app.path });
      // Not read yet: the command gets as far as pipes and buffers reach, and stops there.
      let seen = -1;
      for (let same = 0; same < 8; ) {
        await new Promise((resolve) => setTimeout(resolve, 100));
        const now = existsSync(told) ? Number(readFileSync(told, 'utf8')) : 0;
        same = now === seen && now > 0 ? same + 1 : 0;
        seen = now;
      }
      assert.ok(seen < 2500, `the command was let on to line ${seen} of 20000`);
      let bytes = 0;
      child.stdout.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
      });
      const [code] = (await once(child, 'close')) as [number];
      assert.deepEqual([code, bytes, line.lines('slow').length], [0, 20_000_000, 20_000]);
    });
  });

  describe('when nobody takes what it shows, and an end is wanted,', () => {
    /** Runs it before a reader that reads nothing until it has ended. @returns what a shell says of it */
    async function stuck(id: string, args: readonly string[], ...before: readonly string[]): Promise<number> {
      const done = join(line.app.path, `done-${id}`);
      const script = `( "$@"; echo $? >&2; touch ${done} ) | while [ ! -e ${done} ]; do sleep 0.05; done`;
      const through = ['bash', '-c', script, 'bash', ...before];
      return Number((await line.run(['--id', id, '--drain', '200ms', ...args, '--', 'yes'], { through })).stderr);
    }

    it('ends a command whose time is over', async () => {
      assert.equal(await stuck('stuck', ['--timeout', '300ms']), 124);
      assert.equal(line.event('stuck', 'ended')['error.type'], 'timeout');
    });

    it('ends with a command that a signal ends', async () => {
      await stuck('term', [], 'timeout', '--signal=TERM', '2');
      assert.equal(line.event('term', 'ended')['task.status'], 'cancelled');
    });
  });

  describe('hands signals to the command', () => {
    it('which decides what they do', async () => {
      const script = `trap 'echo usr1' USR1; trap 'echo hup' HUP; n=0
trap 'n=$((n+1)); echo int $n; [ $n = 2 ] && exit 9' INT
echo up; while :; do sleep 0.05; done`;
      const running = line.start(['--id', 'signals', '--', 'bash', '-c', script]);
      await running.printed('up\n');
      for (const [signal, answer] of [
        ['SIGUSR1', 'usr1'],
        ['SIGHUP', 'hup'],
        ['SIGINT', 'int 1'],
        ['SIGINT', 'int 2'],
      ] as const) {
        running.child.kill(signal);
        await running.printed(answer);
      }
      const ended = await running.ended;
      assert.deepEqual([ended.code, line.event('signals', 'ended')['task.status']], [9, 'failure']);
    });

    it('and waits for one that takes its time after SIGTERM', async () => {
      const running = line.start([
        '--id',
        'grace',
        '--',
        'bash',
        '-c',
        `trap 'sleep 0.5; echo done; exit 0' TERM; echo up; while :; do sleep 0.05; done`,
      ]);
      await running.printed('up\n');
      running.child.kill('SIGTERM');
      const ended = await running.ended;
      assert.deepEqual([ended.code, ended.stdout], [0, 'up\ndone\n']);
      assert.equal(line.event('grace', 'ended')['task.status'], 'success');
    });

    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
      it(`and ends by ${signal} when that does; the run was cancelled`, async () => {
        const id = line.newId();
        const running = line.start(['--id', id, '--', 'bash', '-c', 'echo up; exec sleep 300']);
        await running.printed('up\n');
        running.child.kill(signal);
        assert.equal((await running.ended).signal, signal);
        const { 'task.status': status, 'error.type': type } = line.event(id, 'ended');
        assert.deepEqual([status, type], ['cancelled', 'aborted']);
      });
    }

    it('but after its exit they are for what still waits', async () => {
      const running = line.start(['--id', 'left', '--', 'bash', '-c', 'sleep 300 & echo $$ $! up']);
      await running.printed('up\n');
      const [command, left] = running.stdout.split(' ').map(Number) as [number, number];
      while (existsSync(`/proc/${command}`)) await new Promise((resolve) => setTimeout(resolve, 10));
      running.child.kill('SIGTERM');
      const ended = await running.ended;
      process.kill(left, 'SIGKILL');
      assert.ok(ended.milliseconds < 5000, `${ended.milliseconds} ms`);
      assert.equal(line.event('left', 'ended')['task.status'], 'success');
    });
  });

  describe('limits the time', () => {
    it('ends the command and exits with 124', async () => {
      const ended = await line.run(['--id', 'late', '--timeout', '300ms', '--', 'sh', '-c', 'echo begun; sleep 300']);
      assert.deepEqual([ended.code, ended.stdout], [124, 'begun\n']);
      const { 'task.status': status, 'error.type': type } = line.event('late', 'ended');
      assert.deepEqual([status, type], ['failure', 'timeout']);
    });

    it('or lets it run on', async () => {
      const ended = await line.run([
        '--id',
        'on',
        '--timeout',
        '100ms',
        '--on-timeout',
        'expire',
        '--',
        'sh',
        '-c',
        'sleep 0.4; echo done',
      ]);
      assert.deepEqual([ended.code, ended.stdout, line.event('on', 'ended')['task.status']], [0, 'done\n', 'expired']);
    });
  });

  it('--drain says for how long a process left behind is read', async () => {
    const ended = await line.run(['--id', 'drain', '--drain', '200ms', '--', 'bash', '-c', 'sleep 4 & echo now']);
    assert.ok(ended.milliseconds < 4000);
    assert.deepEqual(line.lines('drain')[0], 'now');
  });

  it('--heartbeat says how often the use of all its processes is written', async () => {
    await line.run(['--id', 'beat', '--heartbeat', '100ms', '--', 'bash', '-c', 'sleep 0.5 & wait']);
    const beats = line.log('beat').records.filter(({ eventName }) => eventName === 'task.heartbeat');
    assert.ok(beats.length >= 2 && beats.length <= 6, `${beats.length} heartbeats`);
    assert.ok(beats.some(({ attributes }) => attributes['task.processes'] === 2));
  });

  it('knows how much processor time a short command took', async () => {
    const busy = 'import time\nend = time.process_time() + 0.2\nwhile time.process_time() < end: pass';
    await line.run(['--id', 'busy', '--', 'bash', '-c', `python3 -c '${busy}' & wait`]);
    const used = Number(line.event('busy', 'exited')['task.cpu.seconds']);
    assert.ok(used >= 0.2 && used < 5, `${used} s`);
  });

  it('--max-lines limits the log, not what is shown, and the log says how much is not there', async () => {
    const ended = await line.run(['--id', 'loud', '--max-lines', '100', '--', 'seq', '5000']);
    assert.equal(ended.stdout.split('\n').length, 5001);
    const { records } = line.log('loud');
    const lines = records.filter(({ attributes }) => attributes['log.iostream'] === 'stdout');
    assert.ok(lines.length >= 100 && lines.length <= 2000, `${lines.length} lines`);
    const told = records.filter(({ body }) => typeof body === 'string' && /drop/i.test(body));
    assert.ok(told.length > 0, 'the log says so');
  });
});
