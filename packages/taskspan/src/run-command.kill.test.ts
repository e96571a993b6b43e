/** What is in the log when `taskspan run`, or its command, is killed at any moment. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, before, describe, it } from 'mocha';
import { CommandLine } from './command-line.test.fixture.ts';

/** Prints numbered lines for ever, so many at a time, after its process id. */
const COUNT = `import os, sys, time
at, many = 0, int(sys.argv[1])
os.write(1, b"%d\\n" % os.getpid())
while True:
    os.write(1, b"".join(b"line %d\\n" % (at + n) for n in range(many)))
    at += many
    if many < 1000: time.sleep(0.0005)
`;

describe('taskspan run that is killed', function () {
  this.timeout(120_000);
  let line: CommandLine;
  before(() => {
    line = new CommandLine();
  });
  after(() => line.remove());

  for (const [at, [who, many]] of (
    [
      ['us', 1],
      ['us', 100],
      ['us', 3000],
      ['us', 3000],
      ['its command', 1],
      ['its command', 100],
      ['its command', 3000],
    ] as const
  ).entries()) {
    it(`has each whole line that was shown, when SIGKILL meets ${who} between blocks of ${many} (${at})`, async () => {
      const id = `killed-${at}`;
      const args = [line.path, 'run', '--id', id, '--dir', line.app.data, '--', 'python3', '-c', COUNT, String(many)];
      const child = spawn(process.execPath, args, { cwd: line.app.path, stdio: ['ignore', 'pipe', 'ignore'] });
      let shown = '';
      const wanted = 20_000 * Math.random();
      let command = 0;
      for await (const chunk of child.stdout.setEncoding('utf8')) {
        shown += chunk;
        if (command === 0 && shown.includes('\n')) command = Number(shown.slice(0, shown.indexOf('\n')));
        if (shown.length > wanted && !child.killed && command > 0) {
          if (who === 'us') child.kill('SIGKILL');
          else if (child.exitCode === null) killOnce(command);
        }
      }
      if (child.signalCode === null && child.exitCode === null) await once(child, 'exit');
      assert.equal(child.signalCode, 'SIGKILL');
      const lines = shown.split('\n').slice(0, -1);
      // What was not shown yet, the system may have written half.
      line.isWriterKilled = who === 'us';
      const kept = line.lines(id);
      // What was kept and not shown any more comes after.
      assert.deepEqual(kept.slice(0, lines.length), lines);
      const events = line.events(id);
      assert.deepEqual(
        events,
        who === 'us' ? ['started', 'launched'] : ['started', 'launched', 'exited', 'ended', 'manifest'],
      );
      if (who !== 'us') assert.equal(line.event(id, 'exited')['task.exit.signal'], 'SIGKILL');
    });
  }

  const killed = new Set<number>();

  function killOnce(pid: number): void {
    if (killed.has(pid)) return;
    killed.add(pid);
    process.kill(pid, 'SIGKILL');
  }
});
