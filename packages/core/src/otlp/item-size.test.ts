import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { fakeLog, fakeRecord, fakeRun, fakeSpan } from './fake-run.test.fixture.ts';
import { logRecordSize, runRecordSize, spanSize } from './item-size.ts';
import { logRecordJson, runRecordJson } from './log-json.ts';
import { spanJson } from './span-json.ts';

const LONG = 'x'.repeat(100_000);

describe('the estimated size', () => {
  it('is about that of the text where an item is large', () => {
    const run = fakeRun('id-1');
    const nested = { a: [LONG, { b: LONG }], bytes: new Uint8Array(1000) };
    const event = { time: [1, 0] as [number, number], name: LONG, attributes: { stack: LONG } };
    const link = { context: run.spanContext, attributes: { why: LONG } };
    for (const [size, json] of [
      [runRecordSize(fakeRecord(run, { body: LONG })), runRecordJson(fakeRecord(run, { body: LONG }))],
      [logRecordSize(fakeLog({ body: nested })), logRecordJson(fakeLog({ body: nested }))],
      [
        spanSize(fakeSpan(run, { name: LONG, events: [event], links: [link] })),
        spanJson(fakeSpan(run, { name: LONG, events: [event], links: [link] })),
      ],
    ] as const) {
      const ratio = size / json.length;
      assert.ok(ratio > 0.95 && ratio < 1.1, `${size} of ${json.length}`);
    }
  });

  it('of an exception grows with its message, without a look at its stack', () => {
    const attributes = Object.defineProperty({}, 'exception.stacktrace', {
      get: () => assert.fail(),
      enumerable: true,
    });
    const size = (body: string): number =>
      runRecordSize(fakeRecord(fakeRun('id-1'), { eventName: 'exception', body, attributes }));
    assert.ok(size(LONG) - size('') >= 2 * LONG.length);
    assert.ok(size('') > 1000);
  });

  it('is a number soon, also for what contains itself many times, and for what is no text', () => {
    const cycle: Record<string, unknown> = {};
    for (let at = 0; at < 20; at += 1) cycle[at] = cycle;
    assert.ok(logRecordSize(fakeLog({ body: cycle })) > 0);
    assert.ok(spanSize(fakeSpan(fakeRun('x'), { name: 5 as never })) > 0);
  });
});
