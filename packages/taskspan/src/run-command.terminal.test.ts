/** `taskspan run` in a terminal, where the keys of its user reach the command and this process at once. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'mocha';
import { RunningApp } from './app-folder.test.fixture.ts';
import { CommandLine } from './command-line.test.fixture.ts';

/**
 * Runs its arguments in a terminal of their own: what comes on standard input is typed there, its end hangs up, what is
 * shown goes to standard output. It exits with 200 + n when signal n ended them.
 */
const TERMINAL = `
import os, pty, select, sys
pid, terminal = pty.fork()
if pid == 0: os.execvp(sys.argv[1], sys.argv[1:])
keys = True
while True:
    ready, _, _ = select.select([terminal] + ([0] if keys else []), [], [])
    if 0 in ready:
        typed = os.read(0, 1024)
        if typed: os.write(terminal, typed)
        else: os.close(terminal); break
    if terminal in ready:
        try: shown = os.read(terminal, 65536)
        except OSError: shown = b''
        if not shown: break
        os.write(1, shown)
_, status = os.waitpid(pid, 0)
code = os.waitstatus_to_exitcode(status)
sys.exit(code if code >= 0 else 200 - code)
`;

const CTRL_C = '\x03';

describe('taskspan run in a terminal', function () {
  this.timeout(60_000);
  let line: CommandLine;
  const children: ChildProcess[] = [];
  before(() => {
    line = new CommandLine();
  });
  after(() => {
    for (const child of children) child.kill('SIGKILL');
    line.remove();
  });

  function terminal(id: string, script: string): RunningApp {
    const run = [process.execPath, line.path, 'run', '--id', id, '--dir', line.app.data, '--', 'bash', '-c', script];
    const child = spawn('python3', ['-c', TERMINAL, ...run], {
      cwd: line.app.path,
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    children.push(child);
    return new RunningApp(child);
  }

  it('a key that interrupts reaches the command once', async () => {
    const running = terminal(
      'once',
      `n=0; trap 'n=$((n+1)); echo int $n' INT; echo up; for i in 1 2 3 4 5 6; do sleep 0.1; done; echo end $n; exit 5`,
    );
    await running.printed('up');
    running.child.stdin?.write(CTRL_C);
    await running.printed('end');
    const ended = await running.ended;
    assert.match(ended.stdout, /int 1\r\n(?!.*int 2).*end 1/s);
    assert.equal(ended.code, 5);
  });

  it('pressed twice it reaches the command twice', async () => {
    const running = terminal(
      'twice',
      `n=0; trap 'n=$((n+1)); echo int $n; [ $n = 2 ] && exit 9' INT; echo up; while :; do sleep 0.05; done`,
    );
    await running.printed('up');
    running.child.stdin?.write(CTRL_C);
    await running.printed('int 1');
    running.child.stdin?.write(CTRL_C);
    assert.equal((await running.ended).code, 9);
    assert.equal(line.event('twice', 'ended')['task.status'], 'failure');
  });

  it('ends a command that does nothing about it, and us by the same signal', async () => {
    const running = terminal('plain', 'echo up; exec sleep 300');
    await running.printed('up');
    running.child.stdin?.write(CTRL_C);
    assert.equal((await running.ended).code, 202);
    assert.equal(line.event('plain', 'ended')['task.status'], 'cancelled');
  });

  it('the command reads what is typed', async () => {
    const running = terminal('typed', 'read word; echo "got $word"; test -t 0');
    running.child.stdin?.write('hello\n');
    await running.printed('got hello');
    assert.equal((await running.ended).code, 0);
  });

  it('that goes away is told to the command, whose end is ours', async () => {
    const heard = line.app.write('heard', '');
    const running = terminal('gone', `trap 'echo hup >> ${heard}; exit 3' HUP; echo up; while :; do sleep 0.05; done`);
    await running.printed('up');
    running.child.stdin?.end();
    assert.equal((await running.ended).code, 3);
    // The terminal tells it, and a sender that means us alone could not be told apart.
    assert.match(readFileSync(heard, 'utf8'), /^hup\n/);
    assert.equal(line.event('gone', 'exited')['process.exit.code'], 3);
  });
});
