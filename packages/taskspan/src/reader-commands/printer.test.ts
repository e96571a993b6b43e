import assert from 'node:assert/strict';
import { once } from 'node:events';
import { PassThrough, Writable } from 'node:stream';
import type { CommandIo, CommandStream } from './command-io.ts';
import { printing } from './printer.ts';

function io(out: CommandStream, err: CommandStream = new PassThrough()): CommandIo {
  return { out, err, env: {}, fail: () => {} };
}

describe('what a command prints', () => {
  it('waits for whoever reads it', async () => {
    const out = new PassThrough({ highWaterMark: 8 });
    let isDone = false;
    const done = printing(io(out), async (printer) => {
      await printer.lines(['0123456789']);
      await printer.lines(['next']);
      isDone = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(isDone, false);
    assert.equal(String(out.read()), '0123456789\n');
    await done;
    assert.equal(String(out.read()), 'next\n');
  });

  it('ends without a word when its reader has gone, however it learns of it', async () => {
    const gone = Object.assign(new Error('write EPIPE'), { code: 'EPIPE' });
    const out = new Writable({ highWaterMark: 1, write: (_chunk, _encoding, done) => void setImmediate(done, gone) });
    let lines = 0;
    await printing(io(out), async (printer) => {
      for (;;) {
        await printer.lines([`line ${lines}`]);
        lines += 1;
        if (lines > 10) throw new Error('went on');
      }
    });
    assert.ok(lines <= 1, String(lines));
  });

  it('fails when it cannot be written, and says so once', async () => {
    const full = Object.assign(new Error('no space left'), { code: 'ENOSPC' });
    const out = new Writable({ highWaterMark: 1, write: (_chunk, _encoding, done) => void setImmediate(done, full) });
    const err = new PassThrough();
    let failures = 0;
    const fail = (): void => {
      failures += 1;
    };
    await printing({ ...io(out, err), fail }, (printer) => printer.lines(['x', 'y']));
    assert.equal(String(err.read()), 'taskspan: cannot write: no space left\n');
    assert.equal(failures, 1);
  });

  it('shows a sign on a terminal while it waits, and leaves nothing of it', async () => {
    const err = Object.assign(new PassThrough(), { isTTY: true });
    let shown = '';
    const isShown = new Promise<void>((resolve) => {
      err.on('data', (chunk) => {
        shown += String(chunk);
        resolve();
      });
    });
    await printing(io(new PassThrough(), err), async (printer) => {
      await printer.waiting('reading', () => isShown);
      printer.note('done');
    });
    err.end();
    await once(err, 'end');
    assert.match(shown, /^\r\| reading \d+s/);
    assert.ok(shown.endsWith('\r\u001b[Ktaskspan: done\n'), shown);
  });

  it('shows no sign elsewhere', async () => {
    const err = new PassThrough();
    await printing(io(new PassThrough(), err), async (printer) => {
      assert.equal(await printer.waiting('reading', async () => 1), 1);
    });
    assert.equal(err.read(), null);
  });
});
