import assert from 'node:assert/strict';
import { clearReports, state } from '@taskspan/core/hub';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { ExportQueue } from './export-queue.ts';
import type { ExportQueueOptions } from './export-queue-options.ts';
import type { SendResult } from './send-result.ts';
import { unpackBody } from './spool/packed-body.ts';
import { bodyOf } from './spool/spool.test.fixture.ts';

const DELIVERED: SendResult = { kind: 'delivered' };
const open: ExportQueue<number>[] = [];

interface Setting extends Partial<ExportQueueOptions<number>> {
  /** Takes one request. */
  readonly send?: (items: readonly number[]) => Promise<SendResult>;
}

function setUp({ send = async () => DELIVERED, ...options }: Setting): ExportQueue<number> {
  const queue = new ExportQueue<number>({
    signal: 'spans',
    sizeOf: () => 100,
    backoffMs: 1,
    outlet: {
      ready: () => undefined,
      encode: (items) => bodyOf(JSON.stringify(items), items.length),
      post: async (body, onAccepted) => {
        const result = await send(JSON.parse(String((await unpackBody(body)).bytes)));
        if (result.kind === 'delivered') onAccepted();
        return result;
      },
    },
    ...options,
  });
  open.push(queue);
  return queue;
}

function lost(reason: 'overflow' | 'refused'): number {
  return state.dropped.get('spans')?.get(reason) ?? 0;
}

describe('ExportQueue', () => {
  beforeEach(() => {
    state.dropped.clear();
    clearReports();
  });
  afterEach(() => Promise.all(open.splice(0).map((queue) => queue.shutdown(0))));

  it('never sends in the turn of the caller', async () => {
    let sent = 0;
    const queue = setUp({
      batchItems: 1,
      send: async (items) => {
        sent += items.length;
        return DELIVERED;
      },
    });
    queue.enqueue(1);
    queue.enqueue(2);
    assert.equal(sent, 0);
    assert.equal(await queue.forceFlush(), true);
    assert.equal(sent, 2);
    assert.equal(queue.bytes, 0);
  });

  it('keeps order through a failure, and one request at a time while it fails', async () => {
    const sent: number[] = [];
    let inFlight = 0;
    let mostWhileFailing = 0;
    let failures = 0;
    const queue = setUp({
      batchItems: 1,
      send: async (items) => {
        inFlight += 1;
        if (failures > 1 && failures < 5) mostWhileFailing = Math.max(mostWhileFailing, inFlight);
        await new Promise(setImmediate);
        inFlight -= 1;
        if (failures < 5) {
          failures += 1;
          return { kind: 'retryable', reason: 'busy' };
        }
        sent.push(...items);
        return DELIVERED;
      },
    });
    for (let i = 0; i < 10; i += 1) queue.enqueue(i);
    await queue.shutdown(5000);
    assert.deepEqual(
      [...sent].sort((a, b) => a - b),
      [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
    );
    assert.equal(mostWhileFailing, 1);
    assert.equal(lost('overflow'), 0);
  });

  it('gives a flush up at the first failed attempt, and loses nothing by it', async () => {
    let result: SendResult = { kind: 'retryable', reason: 'down', retryAfterMs: 60_000 };
    const queue = setUp({ send: async () => result });
    queue.enqueue(1);
    assert.equal(await queue.forceFlush(), false);
    assert.equal(queue.bytes, 100);
    result = DELIVERED;
    assert.equal(await queue.forceFlush(), true);
    assert.equal(state.dropped.size, 0);
  });

  it('awaits with a flush what is in flight already', async () => {
    let answer: (result: SendResult) => void = () => {};
    const queue = setUp({
      batchItems: 1,
      send: () =>
        new Promise((resolve) => {
          answer = resolve;
        }),
    });
    queue.enqueue(1);
    await new Promise(setImmediate);
    let flushed = false;
    const flush = queue.forceFlush().then(() => {
      flushed = true;
    });
    await new Promise(setImmediate);
    assert.equal(flushed, false);
    answer(DELIVERED);
    await flush;
  });

  it('resolves a flush at once when nothing waits, and flushes of many callers together', async () => {
    const queue = setUp({});
    assert.equal(await queue.forceFlush(), true);
    queue.enqueue(1);
    assert.deepEqual(await Promise.all([queue.forceFlush(), queue.forceFlush()]), [true, true]);
  });

  it('counts as refused what cannot be encoded at all', async () => {
    const queue = setUp({
      outlet: {
        ready: () => undefined,
        encode: () => {
          throw new Error('cannot serialise');
        },
        post: async () => DELIVERED,
      },
    });
    queue.enqueue(1);
    await queue.forceFlush();
    assert.equal(lost('refused'), 1);
    queue.enqueue(2);
    assert.deepEqual(queue.takeRest(), []);
    assert.equal(lost('refused'), 2);
  });

  it('takes an item that cannot be measured', async () => {
    let sent = 0;
    const queue = setUp({
      sizeOf: () => {
        throw new Error('getter');
      },
      send: async (items) => {
        sent += items.length;
        return DELIVERED;
      },
    });
    queue.enqueue(1);
    await queue.forceFlush();
    assert.equal(sent, 1);
  });

  it('is bounded also by one item that is larger than the bound', async () => {
    const queue = setUp({ maxBytes: 1000, sizeOf: (item) => item });
    queue.enqueue(5000);
    assert.equal(queue.bytes, 0);
    assert.equal(lost('overflow'), 1);
    queue.enqueue(10);
    assert.equal(await queue.forceFlush(), true);
  });

  it('keeps within its bytes for as long as the receiver fails', async () => {
    const queue = setUp({ maxBytes: 100_000, send: async () => ({ kind: 'retryable', reason: 'down' }) });
    for (let i = 0; i < 10_000; i += 1) {
      queue.enqueue(i);
      assert.ok(queue.bytes <= 100_000);
    }
    await queue.forceFlush();
    await queue.shutdown(0);
    assert.equal(lost('overflow'), 10_000);
  });
});
