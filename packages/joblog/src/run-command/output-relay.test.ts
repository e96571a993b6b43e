import assert from 'node:assert/strict';
import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { describe, it } from 'mocha';
import { OutputRelay } from './output-relay.ts';

describe('OutputRelay', () => {
  for (const who of ['log', 'terminal'] as const) {
    it(`reads on when the ${who} has room again, and loses nothing meanwhile`, async () => {
      const streams = { stdout: new PassThrough(), stderr: new PassThrough() };
      const kept: string[] = [];
      const shown: string[] = [];
      let makeRoom = (): void => {};
      let isFull = true;
      const room = (isAsked: boolean): Promise<void> | undefined =>
        isAsked && isFull ? new Promise((resolve) => (makeRoom = resolve)) : undefined;
      const relay = new OutputRelay(streams, {
        keep: (_stream, chunk) => {
          kept.push(String(chunk));
          return room(who === 'log');
        },
        show: (_stream, chunk) => {
          shown.push(String(chunk));
          return room(who === 'terminal');
        },
      });
      const paused = once(streams.stdout, 'pause');
      streams.stdout.write('one');
      await paused;
      streams.stdout.write('two');
      await new Promise(setImmediate);
      assert.deepEqual([kept, shown], [['one'], ['one']]);
      isFull = false;
      makeRoom();
      streams.stdout.end('three');
      streams.stderr.end();
      assert.equal(await relay.drained(10_000), true);
      assert.deepEqual([kept.join(''), shown.join('')], ['onetwothree', 'onetwothree']);
    });
  }

  it('reads what was printed, and no longer than it is told to where somebody holds the pipes', async () => {
    const streams = { stdout: new PassThrough(), stderr: new PassThrough() };
    const kept: string[] = [];
    const relay = new OutputRelay(streams, {
      keep: (_stream, chunk) => void kept.push(String(chunk)),
      show: () => undefined,
    });
    streams.stdout.write('one');
    assert.equal(await relay.drained(50), false);
    assert.deepEqual(kept, ['one']);
    assert.equal(streams.stdout.destroyed, true);
  });
});
