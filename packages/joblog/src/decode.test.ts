import assert from 'node:assert/strict';
import type { AnyValue } from '@opentelemetry/api-logs';
import type { ReadableLogRecord } from '@opentelemetry/sdk-logs';
import { ATTR, EVENT, SCOPE } from '@taskspan/core';
import { Frames, logRecordJson, runRecordJson, spanJson } from '@taskspan/core/hub';
import fc from 'fast-check';
import { type DecodedLine, type DecodedValue, decodeLine } from './decode.ts';
import { fakeRecord, fakeRun, RESOURCE, START_MS, taskSpan } from './fake-run.test.fixture.ts';
import { Lines } from './file-lines.ts';

const SCOPE_OF_APP = { name: 'shop', version: '', schemaUrl: '' };
const frames = new Frames();

function logLine(...jsons: readonly string[]): string {
  const lines = new Lines('logs');
  for (const json of jsons) lines.add(frames.of(RESOURCE, SCOPE), json);
  return lines.take();
}

function decoded(line: string): DecodedLine {
  const result = decodeLine(line);
  if (result.error !== undefined) assert.fail(result.error);
  return result;
}

function logRecord(options: Partial<ReadableLogRecord>): ReadableLogRecord {
  return {
    hrTime: [1772600767, 890_000_001],
    hrTimeObserved: [1772600767, 890_000_002],
    resource: RESOURCE,
    instrumentationScope: SCOPE_OF_APP,
    attributes: {},
    droppedAttributesCount: 0,
    ...options,
  };
}

/** What comes back for a value that went out: lone surrogates replaced, integers as they are, undefined as null. */
function expected(value: unknown): DecodedValue {
  if (typeof value === 'string') return Buffer.from(value).toString();
  if (typeof value === 'bigint') {
    if (BigInt.asIntN(64, value) !== value) return String(value);
    return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  }
  if (typeof value === 'number' || typeof value === 'boolean') return value;
  if (value instanceof Uint8Array) return Uint8Array.from(value);
  if (Array.isArray(value)) return value.map(expected);
  if (typeof value !== 'object' || value === null) return null;
  const result: Record<string, DecodedValue> = {};
  for (const [key, item] of Object.entries(value)) {
    Object.defineProperty(result, Buffer.from(key).toString(), {
      value: expected(item),
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  return result;
}

const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({
    unit: fc.constantFrom(
      'a',
      '"',
      '\\',
      '\n',
      '\r',
      '\u0000',
      '\u001f',
      '\u2028',
      '\u2029',
      '\ud800',
      '\udfff',
      'é',
      '😀',
    ),
  }),
  fc.string({ minLength: 60, maxLength: 90 }),
);
// Keys that are told apart only by a surrogate that is replaced would be one key afterwards.
const key = fc.string({ unit: 'binary' });
const leaf = fc.oneof(
  text,
  fc.double(),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.bigInt({ min: -(2n ** 65n), max: 2n ** 65n }),
  fc.boolean(),
  fc.constantFrom(
    Number.NaN,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    -0,
    2 ** 53,
    2 ** 63,
    1e300,
    5e-324,
    '',
    null,
    undefined,
  ),
  fc.uint8Array({ maxLength: 40 }),
);
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaf,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(key, tie('value'), { maxKeys: 4 }),
  ),
}));

describe('a line', () => {
  it('gives back every value of a log record', () => {
    fc.assert(
      fc.property(value, fc.dictionary(key, value, { maxKeys: 6 }), (body, attributes) => {
        const json = logRecordJson(
          logRecord({ body: body as AnyValue, attributes: attributes as Record<string, AnyValue> }),
        );
        const line = logLine(json);
        assert.equal(line.indexOf('\n'), line.length - 1, 'one record is one line');
        const [record] = decoded(line).records;
        assert.deepEqual(record?.body, expected(body));
        assert.deepEqual(record?.attributes, expected(attributes));
        assert.equal(record?.timeUnixNano, 1772600767890000001n);
        assert.equal(record?.observedTimeUnixNano, 1772600767890000002n);
      }),
    );
  });

  it('gives back a record of a run', () => {
    const fields = { repository: 'r1', user: 'Zoë' };
    const run = fakeRun('id-1', { fields });
    const json = runRecordJson(
      fakeRecord(run, {
        eventName: EVENT.PROGRESS,
        body: 'half "way"\n\u2028',
        severity: 13,
        attributes: { repository: 'r1', 'task.progress': 1, count: 3 },
      }),
    );
    const { records, isNewer } = decoded(logLine(json));
    assert.equal(isNewer, false);
    assert.deepEqual(records, [
      {
        resource: { attributes: { ...RESOURCE.attributes }, schemaUrl: '' },
        scope: {
          name: SCOPE.name,
          version: SCOPE.version,
          schemaUrl: SCOPE.schemaUrl,
          attributes: { 'taskspan.format': 1 },
        },
        timeUnixNano: BigInt(START_MS) * 1_000_000n + 250_000n,
        observedTimeUnixNano: BigInt(START_MS) * 1_000_000n + 250_000n,
        severityNumber: 13,
        severityText: 'WARN',
        eventName: 'task.progress',
        body: 'half "way"\n\u2028',
        attributes: {
          'task.id': 'id-1',
          operation: 'commit',
          'task.run': run.runId,
          'task.file': run.file,
          repository: 'r1',
          user: 'Zoë',
          'task.sequence': 1,
          'task.progress': 1,
          count: 3,
        },
        droppedAttributesCount: 0,
        flags: 1,
        traceId: run.spanContext.traceId,
        spanId: run.spanContext.spanId,
      },
    ]);
    assert.match(json, /"task.progress","value":\{"doubleValue":1\}/, 'a declared double stays one');
  });

  it('says an attribute once when a record overrides its run', () => {
    const run = fakeRun('id-1', { fields: { user: 'a' } });
    const [record] = decoded(logLine(runRecordJson(fakeRecord(run, { attributes: { user: 'b', x: 1 } })))).records;
    assert.equal(record?.attributes['user'], 'b');
    assert.equal(logLine(runRecordJson(fakeRecord(run, { attributes: { user: 'b' } }))).split('"user"').length, 2);
  });

  it('joins what has one resource, and keeps scopes apart', () => {
    const lines = new Lines('logs');
    const other = frames.of(RESOURCE, SCOPE_OF_APP);
    lines.add(frames.of(RESOURCE, SCOPE), '{"body":{}}');
    lines.add(other, '{"body":{}}');
    lines.add(frames.of({ attributes: { a: 1 } }, SCOPE_OF_APP), '{"body":{}}');
    lines.add(other, '{"body":{}}');
    const line = lines.take();
    assert.equal(JSON.parse(line).resourceLogs.length, 2);
    assert.deepEqual(
      decoded(line).records.map(({ scope }) => scope.name),
      ['taskspan', 'shop', 'shop', 'shop'],
    );
  });

  it('is at most about 256 KiB long, unless one record is longer', () => {
    const lines = new Lines('logs');
    const json = `{"body":{"stringValue":"${'x'.repeat(100_000)}"}}`;
    for (let at = 0; at < 5; at += 1) lines.add(frames.of(RESOURCE, SCOPE), json);
    const split = lines.take().split('\n');
    assert.deepEqual(
      split.map((line) => (line === '' ? 0 : decoded(line).records.length)),
      [2, 2, 1, 0],
    );
  });

  it('is never longer than a record may be', () => {
    const run = fakeRun('id-1');
    const hostile = 'é"\u0000😀\n'.repeat(1_000_000);
    const json = runRecordJson(
      fakeRecord(run, { body: hostile, attributes: { small: 'kept', nested: { deep: hostile } } }),
    );
    assert.ok(Buffer.byteLength(json) <= 1_048_576, `${Buffer.byteLength(json)} bytes`);
    assert.ok(Buffer.byteLength(json) > 900_000, `${Buffer.byteLength(json)} bytes are too few`);
    const [record] = decoded(logLine(json)).records;
    assert.match(String(record?.body), /…\[cut \d+ bytes\]$/);
    assert.equal(record?.attributes['small'], 'kept');
    const { deep } = (record?.attributes['nested'] ?? {}) as { deep?: string };
    const left = [String(record?.body), String(deep)].map((cut) =>
      Buffer.byteLength(cut.replace(/…\[cut \d+ bytes\]$/, '')),
    );
    const lost = 2 * Buffer.byteLength(hostile) - (left[0] ?? 0) - (left[1] ?? 0);
    assert.ok(Number(record?.attributes[ATTR.TRUNCATED_BYTES]) >= lost);
    assert.equal(record?.attributes['task.id'], 'id-1');
  });

  it('survives objects that contain themselves, and a million numbers', () => {
    const cyclic: Record<string, unknown> = {};
    cyclic['a'] = cyclic;
    cyclic['b'] = cyclic;
    for (const attributes of [{ cyclic }, { many: Array.from({ length: 1_000_000 }, (_, at) => at) }]) {
      const json = logRecordJson(
        logRecord({ attributes: { 'task.id': 'x', ...attributes } as Record<string, AnyValue> }),
      );
      assert.ok(Buffer.byteLength(json) <= 1_048_576);
      assert.equal(decoded(logLine(json)).records[0]?.attributes['task.id'], 'x');
    }
  });

  it('cuts a span that is too long', () => {
    const run = fakeRun('id-1');
    const long = 'x'.repeat(2_000_000);
    const json = spanJson(
      taskSpan(run, {
        attributes: { 'task.id': 'id-1', long },
        events: [{ time: [1, 2], name: 'exception', attributes: { 'exception.stacktrace': long } }],
      }),
    );
    assert.ok(Buffer.byteLength(json) <= 1_048_576);
    const span = JSON.parse(json);
    assert.equal(span.events.length, 1);
    assert.match(json, /…\[cut \d+ bytes\]/);
  });
});

describe('decoding a line', () => {
  it('takes the Collector dialect with several resources and unknown fields', () => {
    const line = JSON.stringify({
      resourceLogs: [
        {
          resource: { attributes: [{ key: 'a', value: { intValue: 7 } }], entityRefs: [] },
          scopeLogs: [
            { scope: {}, logRecords: [{ timeUnixNano: '5', body: { stringValue: 'x' }, later: {} }, { body: {} }] },
            {
              scope: { name: 's', attributes: [{ key: 'taskspan.format', value: { intValue: '2' } }] },
              logRecords: [{}],
            },
          ],
        },
        { resource: {}, schemaUrl: 'u' },
      ],
      resourceSpans: [
        {
          scopeSpans: [
            { spans: [{ traceId: 'AB', kind: 5, status: { code: 2, message: 'm' }, events: [{ name: 'e' }] }] },
          ],
        },
      ],
    });
    const { records, spans, isNewer } = decoded(line);
    assert.equal(records.length, 3);
    assert.equal(records[0]?.timeUnixNano, 5n);
    assert.equal(records[0]?.resource.attributes['a'], 7);
    assert.equal(records[1]?.body, null);
    assert.equal(isNewer, true);
    assert.deepEqual(spans[0]?.status, { code: 2, message: 'm' });
    assert.equal(spans[0]?.traceId, 'ab');
    assert.equal(spans[0]?.events[0]?.name, 'e');
  });

  for (const bad of [
    '',
    '{',
    'null',
    '[]',
    '1',
    '{}',
    '{"resourceLogs":5}',
    '{"resourceLogs":[null]}',
    '{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"x"}]}]}]}',
  ]) {
    it(`reports ${JSON.stringify(bad)} and does not throw`, () => {
      assert.equal(typeof decodeLine(bad).error, 'string');
    });
  }

  it('never throws', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc.json().map((json) => `{"resourceLogs":[{"scopeLogs":[{"logRecords":[${json}]}]}]}`),
        ),
        (line) => {
          decodeLine(line);
        },
      ),
    );
  });
});
