import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { EVENT } from '../names.ts';
import { formatApart } from './any-value.ts';
import { fakeLines, fakeLog, fakeRecord, fakeRun } from './fake-run.test.fixture.ts';
import { forgetRun, holdsObjects, type LogRecordLike, logRecordJson, runLinesJson, runRecordJson } from './log-json.ts';

const LIMIT = 1_048_576;
const LONG = 'é"\u0000😀\n'.repeat(400_000);
const NOWHERE = { traceId: '0'.repeat(32), spanId: '0'.repeat(16), traceFlags: 1 };

describe('a record of a run', () => {
  const run = fakeRun('id-1', { fields: { repository: 'r', user: 'Zoë' } });
  const { traceId, spanId } = run.spanContext;
  const own = [
    { key: 'task.id', value: { stringValue: 'id-1' } },
    { key: 'operation', value: { stringValue: 'commit' } },
    { key: 'task.run', value: { stringValue: run.runId } },
    { key: 'task.file', value: { stringValue: '2026-03-04/id-1' } },
    { key: 'repository', value: { stringValue: 'r' } },
    { key: 'user', value: { stringValue: 'Zoë' } },
    { key: 'task.sequence', value: { intValue: '1' } },
  ];

  it('says what its run says, its number, then its own, in the order of fields of a Collector', () => {
    const attributes = { user: 'Zoë', 'task.progress': 1 };
    const record = fakeRecord(run, { eventName: EVENT.PROGRESS, body: 'half', severity: 13, attributes });
    const json = JSON.parse(runRecordJson(record));
    const expected = {
      timeUnixNano: '1772600767890250000',
      observedTimeUnixNano: '1772600767890250000',
      severityNumber: 13,
      severityText: 'WARN',
      body: { stringValue: 'half' },
      attributes: [...own, { key: 'task.progress', value: { doubleValue: 1 } }],
      flags: 1,
      traceId,
      spanId,
      eventName: 'task.progress',
    };
    assert.deepEqual(json, expected);
    assert.deepEqual(Object.keys(json), Object.keys(expected));
  });

  it('leaves out what is zero, unknown or no id', () => {
    const record = fakeRecord(fakeRun('x'), { timeMs: 0, severity: 0, spanContext: NOWHERE });
    assert.deepEqual(Object.keys(JSON.parse(runRecordJson(record))), ['body', 'attributes']);
  });

  it('takes any number for a severity, and no name for what has none', () => {
    const heads = [1, 4, 24, 25, 9.5, Number.NaN, -1].map((severity) => {
      const { severityNumber, severityText } = JSON.parse(runRecordJson(fakeRecord(run, { severity })));
      return [severityNumber, severityText];
    });
    const none = undefined;
    assert.deepEqual(heads, [
      [1, 'TRACE'],
      [4, 'TRACE'],
      [24, 'FATAL'],
      [25, none],
      [none, 'INFO'],
      [none, none],
      [-1, none],
    ]);
  });

  it('goes before its run where both say something', () => {
    const { attributes } = JSON.parse(runRecordJson(fakeRecord(run, { attributes: { user: 'b', 'task.id': 'mine' } })));
    const values = (key: string): unknown[] =>
      attributes.filter((one: { key: string }) => one.key === key).map((one: { value: unknown }) => one.value);
    assert.deepEqual(values('user'), [{ stringValue: 'b' }]);
    assert.deepEqual(values('task.id'), [{ stringValue: 'mine' }]);
    assert.equal(attributes.length, own.length);
  });

  it('says a field that is named like what every run has once, as the field has it', () => {
    const json = runRecordJson(fakeRecord(fakeRun('id-3', { fields: { 'task.id': 'of the field' } })));
    assert.match(json, /"of the field"/);
    assert.equal(json.split('"task.id"').length, 2);
  });

  it('of a run whose fields are not ASCII is known as such, also when these are remembered', () => {
    for (let time = 0; time < 2; time += 1) {
      assert.equal(formatApart(() => runRecordJson(fakeRecord(run))).isAscii, false);
    }
    assert.equal(formatApart(() => runRecordJson(fakeRecord(fakeRun('plain')))).isAscii, true);
    forgetRun();
    assert.equal(formatApart(() => runRecordJson(fakeRecord(run))).isAscii, false);
  });

  it('is at most 1 MiB, whatever is long in it', () => {
    const endless = fakeRun('id-2', { fields: { user: LONG } });
    for (const record of [
      fakeRecord(run, { body: LONG }),
      fakeRecord(run, { attributes: { text: LONG, nested: { deep: [LONG] } } }),
      fakeRecord(endless),
      fakeRecord(run, { attributes: { [LONG]: 1 } }),
    ]) {
      const json = runRecordJson(record);
      assert.ok(Buffer.byteLength(json) <= LIMIT, `${Buffer.byteLength(json)} bytes`);
      assert.match(json, /…\[cut \d+ bytes\]/);
      assert.match(json, /"log.truncated_bytes"/);
      assert.match(json, /"task.id","value":\{"stringValue":"id-\d"/);
    }
  });
});

describe('a record of the logs SDK', () => {
  it('says every field, in the order of fields of a Collector', () => {
    const { spanContext } = fakeRun('x');
    const json = JSON.parse(
      logRecordJson(
        fakeLog({
          severityNumber: 17,
          severityText: 'error',
          body: { a: [1] },
          attributes: { b: true },
          droppedAttributesCount: 2,
          spanContext,
          eventName: 'e',
        }),
      ),
    );
    const expected = {
      timeUnixNano: '1772600767890000000',
      observedTimeUnixNano: '1772600767890000000',
      severityNumber: 17,
      severityText: 'error',
      body: {
        kvlistValue: { values: [{ key: 'a', value: { arrayValue: { values: [{ intValue: '1' }] } } }] },
      },
      attributes: [{ key: 'b', value: { boolValue: true } }],
      droppedAttributesCount: 2,
      flags: 1,
      traceId: spanContext.traceId,
      spanId: spanContext.spanId,
      eventName: 'e',
    };
    assert.deepEqual(json, expected);
    assert.deepEqual(Object.keys(json), Object.keys(expected));
  });

  it('leaves out all that it does not know', () => {
    const empty = fakeLog({ hrTime: [0, 0], hrTimeObserved: [0, 0], severityNumber: 0, spanContext: NOWHERE });
    assert.equal(logRecordJson(empty), '{"body":{}}');
    const hostile = { droppedAttributesCount: Number.NaN, severityNumber: 'x' } as unknown as Partial<LogRecordLike>;
    assert.equal(JSON.parse(logRecordJson(fakeLog(hostile))).severityNumber, undefined);
  });

  it('is at most 1 MiB, whatever is long in it', () => {
    const many = Array.from({ length: 300_000 }, (_, at) => at);
    for (const long of [
      { body: LONG },
      { body: { a: { b: [LONG, 'short'] } } },
      { attributes: { text: LONG } },
      { severityText: LONG, eventName: LONG },
      { body: many, severityText: 'kept', eventName: LONG },
    ]) {
      const json = logRecordJson(fakeLog(long));
      assert.ok(Buffer.byteLength(json) <= LIMIT, `${Buffer.byteLength(json)} bytes`);
      assert.match(json, /…\[cut \d+ bytes\]/);
      JSON.parse(json);
    }
  });
});

describe('the records of lines that came together', () => {
  it('are those of single records, around text and number', () => {
    const fields = { request_id: 'r-1' };
    for (const options of [
      {},
      { attributes: undefined },
      { attributes: { ...fields, k: 'v' }, severity: 17, timeMs: 0 },
    ]) {
      const run = fakeRun('id "1" ü', { fields });
      const lines = fakeLines(run, options);
      const { head, middle, tail } = runLinesJson(lines);
      const { spanContext, severity, attributes, timeMs } = lines;
      const record = fakeRecord(run, { spanContext, sequence: 7, severity, attributes, timeMs, body: 'a line' });
      assert.equal(`${head}a line${middle}7${tail}`, runRecordJson(record));
    }
  });
});

describe('holdsObjects', () => {
  it('is true for what its owner may change later', () => {
    assert.equal(holdsObjects(fakeLog({ body: { a: 1 } })), true);
    assert.equal(holdsObjects(fakeLog({ attributes: { list: [] } })), true);
    assert.equal(holdsObjects(fakeLog({ body: 'text', attributes: { a: 1, b: 'c', none: null } })), false);
    assert.equal(holdsObjects(fakeLog({ body: null })), false);
  });
});
