import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { clearReports, state } from '@taskspan/core/hub';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { DeliveryReport } from '../delivery-report.ts';
import type { SendResult } from '../send-result.ts';
import { unpackBody } from './packed-body.ts';
import { bodyOf, itemOf, newSpool, tempFolder, textsBelow } from './spool.test.fixture.ts';
import type { Spool } from './spool.ts';
import { SpoolDrain } from './spool-drain.ts';

const DELIVERED: SendResult = { kind: 'delivered' };
const DOWN: SendResult = { kind: 'retryable', reason: 'down' };

describe('SpoolDrain', () => {
  let dir: ReturnType<typeof tempFolder>;
  let root: string;
  let spool: Spool;
  let answer: (text: string) => SendResult | Promise<SendResult>;
  let asked: { readonly text: string; readonly atMs: number }[];
  const drains: SpoolDrain[] = [];
  const events = new EventEmitter();
  beforeEach(() => {
    dir = tempFolder();
    root = join(dir.path, 'spool');
    asked = [];
    answer = () => DELIVERED;
    state.dropped.clear();
    state.delivery.clear();
    clearReports();
  });
  afterEach(async () => {
    for (const drain of drains.splice(0)) await drain.stop();
    state.warn = undefined;
    dir.remove();
  });

  async function setUp(texts: readonly string[], bytesPerSecond?: number): Promise<SpoolDrain> {
    spool = newSpool(root, { maxBytes: 64 * 1024 * 1024, bytesPerSecond });
    for (const [at, text] of texts.entries()) {
      await spool.put('spans', { ...itemOf(at * 10), body: bodyOf(text, 10) });
    }
    const drain = new SpoolDrain({
      spool,
      lane: spool.lanes('spans').own,
      report: new DeliveryReport('spans'),
      backoffMs: 20,
      post: async (body, onAccepted) => {
        const text = String((await unpackBody(body)).bytes);
        asked.push({ text, atMs: performance.now() });
        const result = await answer(text);
        if (result.kind === 'delivered') onAccepted();
        events.emit('asked');
        return result;
      },
    });
    drains.push(drain);
    return drain;
  }

  it('sends the oldest first, one at a time, and removes what was delivered', async () => {
    let open = 0;
    answer = async () => {
      open += 1;
      assert.equal(open, 1);
      await new Promise(setImmediate);
      open -= 1;
      return DELIVERED;
    };
    const drain = await setUp(['a', 'b', 'c']);
    assert.equal(await drain.flush(5000), true);
    assert.deepEqual(
      asked.map(({ text }) => text),
      ['a', 'b', 'c'],
    );
    assert.deepEqual([textsBelow(root), spool.bytes], [[], 0]);
    assert.ok((state.delivery.get('spans')?.lastSuccessMs ?? 0) > 0);
  });

  it('keeps the order through failures, and waits longer after each', async () => {
    let failures = 0;
    answer = () => (failures++ < 3 ? DOWN : DELIVERED);
    const drain = await setUp(['a', 'b']);
    drain.wake();
    while (!spool.lanes('spans').own.isEmpty) await new Promise(setImmediate);
    assert.deepEqual(
      asked.map(({ text }) => text),
      ['a', 'a', 'a', 'a', 'b'],
    );
    const waits = asked.slice(1, 4).map(({ atMs }, at) => atMs - (asked[at]?.atMs ?? 0));
    for (const [at, least] of [15, 30, 60].entries()) assert.ok((waits[at] ?? 0) >= least - 2, `${waits}`);
    assert.equal(state.dropped.size, 0);
  });

  it('names the folder in its warning, and says when it is over with what still waits', async () => {
    const warnings: string[] = [];
    state.warn = (message) => warnings.push(message);
    let failures = 0;
    answer = () => (failures++ < 2 ? { kind: 'retryable', reason: 'http://a:4318/v1/traces: HTTP 503' } : DELIVERED);
    const drain = await setUp(['a', 'b', 'c']);
    drain.wake();
    while (!spool.lanes('spans').own.isEmpty) await new Promise(setImmediate);
    assert.deepEqual(warnings, [
      `spans cannot be delivered now: http://a:4318/v1/traces: HTTP 503. They are kept on disk in ${root}, up to 64 MiB, and sent later, also by the next process.`,
      'delivery to http://a:4318 works again, 8 KiB wait and are being sent',
    ]);
  });

  it('waits as long as the receiver asks', async () => {
    let failures = 0;
    answer = () => (failures++ < 1 ? { ...DOWN, retryAfterMs: 300 } : DELIVERED);
    const drain = await setUp(['a']);
    drain.wake();
    while (asked.length < 2) await once(events, 'asked');
    assert.ok((asked[1]?.atMs ?? 0) - (asked[0]?.atMs ?? 0) >= 298);
  });

  it('gives a flush up at the first failure, and loses nothing by it', async () => {
    answer = () => ({ ...DOWN, retryAfterMs: 60_000 });
    const drain = await setUp(['a', 'b']);
    assert.equal(await drain.flush(5000), false);
    assert.equal(asked.length, 1);
    answer = () => DELIVERED;
    assert.equal(await drain.flush(5000), true);
    assert.equal(await drain.flush(5000), true, 'empty');
  });

  it('ends a flush in time when the receiver hangs', async () => {
    let release: (result: SendResult) => void = () => {};
    answer = () =>
      new Promise((resolve) => {
        release = resolve;
      });
    const drain = await setUp(['a']);
    assert.equal(await drain.flush(50), false);
    release(DELIVERED);
    await drain.stop();
    assert.equal(asked.length, 1);
  });

  it('keeps to its rate, in bytes before compression', async () => {
    // The reserve of 1 MB lets three through, and is 200 kB below zero then.
    const drain = await setUp(
      Array.from({ length: 5 }, () => 'x'.repeat(400_000)),
      1_000_000,
    );
    assert.equal(await drain.flush(20_000), true);
    const gap = (at: number): number => (asked[at]?.atMs ?? 0) - (asked[at - 1]?.atMs ?? 0);
    assert.ok(gap(3) >= 100, `${gap(3)} ms`);
    assert.ok((asked[4]?.atMs ?? 0) - (asked[0]?.atMs ?? 0) >= 500);
  });

  it('sets aside what is refused for good, counts it, says so once, and goes on behind it', async () => {
    const warnings: string[] = [];
    state.warn = (message) => warnings.push(message);
    answer = (text) => (text === 'good' ? DELIVERED : { kind: 'refused', reason: 'http://x/: HTTP 400 no' });
    const drain = await setUp(['bad', 'worse', 'good']);
    assert.equal(await drain.flush(5000), true);
    assert.deepEqual(textsBelow(spool.refused.path), ['bad', 'worse']);
    assert.equal(state.dropped.get('spans')?.get('refused'), 20);
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? '', /10 spans refused for good: .*HTTP 400 no; they are set aside in .*refused/);
  });

  it('keeps all while the receiver fails on everything, as with a full disk', async () => {
    let isFull = true;
    answer = () => (isFull ? { ...DOWN, suspect: true } : DELIVERED);
    const drain = await setUp(['a', 'b', 'c']);
    drain.wake();
    while (asked.length < 6) await once(events, 'asked');
    isFull = false;
    while (!spool.lanes('spans').own.isEmpty) await new Promise(setImmediate);
    assert.equal(state.dropped.size, 0);
    assert.equal(existsSync(spool.refused.path), false);
  });

  it('sets aside what alone makes the receiver fail, also when it is several', async () => {
    answer = (text) => (text.startsWith('bad') ? { ...DOWN, suspect: true } : DELIVERED);
    const drain = await setUp(['bad 1', 'bad 2', 'c', 'd', 'e']);
    drain.wake();
    while (asked.filter(({ text }) => text.length === 1).length < 3) await once(events, 'asked');
    answer = () => DELIVERED;
    while (!spool.lanes('spans').own.isEmpty) await new Promise(setImmediate);
    assert.deepEqual(textsBelow(spool.refused.path), ['bad 1', 'bad 2']);
    assert.equal(state.dropped.get('spans')?.get('refused'), 20);
  });

  it('cuts what is too large until it fits, in order; a single item that does not is set aside', async () => {
    const logs = (records: readonly unknown[]): string =>
      JSON.stringify({ resourceLogs: [{ scopeLogs: [{ logRecords: records }] }] });
    const numbers = (text: string): number[] =>
      JSON.parse(text).resourceLogs[0].scopeLogs[0].logRecords.map((record: { n: number }) => record.n);
    const taken: number[] = [];
    answer = (text) => {
      if (numbers(text).length > 2 || numbers(text).includes(5)) return { kind: 'too large', reason: 'HTTP 413' };
      taken.push(...numbers(text));
      return DELIVERED;
    };
    const drain = await setUp([logs(Array.from({ length: 10 }, (_, n) => ({ n }))), logs([{ n: 10 }])]);
    assert.equal(await drain.flush(5000), true);
    assert.deepEqual(taken, [0, 1, 2, 3, 4, 6, 7, 8, 9, 10]);
    assert.deepEqual(textsBelow(spool.refused.path), [logs([{ n: 5 }])]);
    assert.equal(state.dropped.get('spans')?.get('refused'), 1);
  });

  it('sets aside what cannot be sent at all', async () => {
    answer = () => {
      throw new Error('broken');
    };
    const drain = await setUp(['a']);
    assert.equal(await drain.flush(5000), true);
    assert.equal(state.dropped.get('spans')?.get('refused'), 10);
  });
});
