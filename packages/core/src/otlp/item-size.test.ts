import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { fakeLines, fakeLog, fakeRecord, fakeRun, fakeSpan } from './fake-run.test.fixture.ts';
import { logRecordSize, runLinesSize, runRecordSize, spanSize } from './item-size.ts';
import { logRecordJson, runLinesJson, runRecordJson } from './log-json.ts';
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

  it('of lines that came together is about that of their records', () => {
    for (const texts of [['a', 'b', 'c'], [LONG]]) {
      const run = fakeRun('0198c0de-0000-7000-8000-000000000001');
      const lines = fakeLines(run, { texts });
      const { head, middle, tail } = runLinesJson(lines);
      const bytes = texts.reduce((sum, text) => sum + `${head}${text}${middle}1${tail}`.length, 0);
      assert.ok(Math.abs(runLinesSize(lines) / bytes - 1) < 0.2, `${runLinesSize(lines)} of ${bytes}`);
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
