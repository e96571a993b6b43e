import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { Writable } from 'node:stream';
import { writeBody } from './body-writer.ts';

const STALL_MS = 60_000;

/** The writable side of an answer, whose client takes a piece when the test says so. */
class Client extends Writable {
  readonly taken: string[] = [];
  #next: (() => void) | undefined;

  constructor() {
    super({ highWaterMark: 10, decodeStrings: false });
  }

  override _write(piece: string, _encoding: string, done: () => void): void {
    this.taken.push(piece);
    this.#next = done;
    this.emit('offered');
  }

  takes(): void {
    const next = this.#next;
    this.#next = undefined;
    next?.();
  }

  get response(): ServerResponse {
    return this as Writable as ServerResponse;
  }
}

async function* pieces(count: number, asked: number[] = []): AsyncGenerator<string, void, undefined> {
  for (let n = 0; n < count; n += 1) {
    asked.push(n);
    yield `piece number ${n}`;
  }
}

describe('writeBody', () => {
  it('asks for a piece when the one before has been taken', async () => {
    const client = new Client();
    const asked: number[] = [];
    const written = writeBody(client.response, pieces(3, asked), { stallMs: STALL_MS });
    for (const n of [0, 1, 2]) {
      if (client.taken.length <= n) await once(client, 'offered');
      assert.deepEqual(asked, [0, 1, 2].slice(0, n + 1));
      client.takes();
    }
    await written;
    assert.deepEqual(client.taken, ['piece number 0', 'piece number 1', 'piece number 2']);
    assert.equal(client.writableFinished, true);
  });

  it('ends, and closes what makes the pieces, when the client leaves', async () => {
    const client = new Client();
    let isClosed = false;
    const endless = async function* (): AsyncGenerator<string, void, undefined> {
      try {
        for (;;) yield 'more and more';
      } finally {
        isClosed = true;
      }
    };
    const written = writeBody(client.response, endless(), { stallMs: STALL_MS });
    await once(client, 'offered');
    client.destroy();
    await written;
    assert.equal(isClosed, true);
  });

  for (const count of [1, 5]) {
    it(`cuts off a client that takes nothing of ${count}`, async () => {
      const client = new Client();
      await writeBody(client.response, pieces(count), { stallMs: 1 });
      assert.equal(client.destroyed, true);
      assert.deepEqual(client.taken, ['piece number 0']);
    });
  }

  it('breaks the answer off when a piece cannot be made: the client sees that it is not whole', async () => {
    const client = new Client();
    const broken = async function* (): AsyncGenerator<string, void, undefined> {
      yield 'one';
      throw new Error('unreadable');
    };
    await assert.rejects(writeBody(client.response, broken(), { stallMs: STALL_MS }), /unreadable/);
    assert.equal(client.destroyed, true);
    assert.equal(client.writableFinished, false);
  });

  it('gives signs of life only to a client that has taken everything', async () => {
    const client = new Client();
    let release: (() => void) | undefined;
    const quiet = async function* (): AsyncGenerator<string, void, undefined> {
      yield 'first of all';
      await new Promise<void>((resolve) => {
        release = resolve;
      });
    };
    const written = writeBody(client.response, quiet(), { stallMs: STALL_MS, heartbeat: { text: ':', everyMs: 1 } });
    await once(client, 'offered');
    // Time for many signs, of which none comes.
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(client.writableLength, 'first of all'.length);
    client.takes();
    await once(client, 'offered');
    assert.deepEqual(client.taken, ['first of all', ':']);
    release?.();
    client.on('offered', () => client.takes());
    client.takes();
    await written;
    assert.equal(client.writableFinished, true);
  });
});
