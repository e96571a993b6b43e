import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { entries } from './entry.test.fixture.ts';
import { type ParsedEntry, parseEntryLine } from './entry-line.ts';
import type { JobLogEntry } from './job-log-entry.ts';
import { parseNanosText } from './nanos-text.ts';

const NOTHING: ParsedEntry = { timeNanos: undefined, jobId: '', outputs: [], sequenceNumber: 0 };

/** An entry that says something: a metric and an event have names. */
const tellable = entries.filter(({ metric, event }) => metric?.name !== '' && event?.event_type !== '');

function expected(entry: JobLogEntry): ParsedEntry {
  const { timestamp, job_id: jobId, outputs, sequence_number: sequenceNumber, ...content } = entry;
  return { timeNanos: parseNanosText(timestamp), jobId, outputs, sequenceNumber, ...content };
}

describe('parseEntryLine', () => {
  it('reads every entry, under the names of the proto and in lowerCamelCase', () => {
    fc.assert(
      fc.property(tellable, (entry) => {
        const line = JSON.stringify(entry);
        // JSON has no -0.
        const same = expected(JSON.parse(line) as JobLogEntry);
        assert.deepEqual(parseEntryLine(line), same);
        assert.deepEqual(parseEntryLine(JSON.stringify(camelCase(entry))), same);
      }),
      { numRuns: 500 },
    );
  });

  for (const [line, entry] of [
    ['{"metric":{"name":"rows","value":12}}', { metric: { name: 'rows', value: 12, labels: {}, unit: '' } }],
    ['  {"metric":{"name":"rows"}}\r', { metric: { name: 'rows', value: 0, labels: {}, unit: '' } }],
    ['{"metric":{"name":"r","value":"1.5"}}', { metric: { name: 'r', value: 1.5, labels: {}, unit: '' } }],
    [
      '{"metric":{"name":"r","value":"-Infinity"}}',
      { metric: { name: 'r', value: '-Infinity', labels: {}, unit: '' } },
    ],
    ['{"log":{}}', { log: { level: 'INFO', message: '', fields: {} } }],
    ['{"log":{"level":"warning","message":"x"}}', { log: { level: 'WARN', message: 'x', fields: {} } }],
    ['{"log":{"level":3},"metric":null}', { log: { level: 'ERROR', message: '', fields: {} } }],
    [
      '{"log":{"message":7,"fields":{"rows":1000,"ok":true,"none":null,"list":[1,"a"]}}}',
      { log: { level: 'INFO', message: '7', fields: { rows: '1000', ok: 'true', none: 'null', list: '[1,"a"]' } } },
    ],
    [
      '{"event":{"eventType":"checkpoint","jobLabel":"nightly"}}',
      { event: { event_type: 'checkpoint', job_label: 'nightly', metadata: {} } },
    ],
    [
      '{"job_event":{"event_type":"task_launched"}}',
      { event: { event_type: 'task_launched', job_label: '', metadata: {} } },
    ],
    ['{"jobEvent":{"event_type":"a"}}', { event: { event_type: 'a', job_label: '', metadata: {} } }],
    [
      '{"content":{"job_event":{"event_type":"a","metadata":{}}}}',
      { event: { event_type: 'a', job_label: '', metadata: {} } },
    ],
    ['{"manifest":{}}', { manifest: { outputs: [], inputs: [], start_time: '', end_time: '', metadata: {} } }],
    [
      '{"manifest":{"outputs":[{"str":"a"},{"path":"b"},"c",{}],"start_time":1769509845.5,"end_time":"1769509846"}}',
      {
        manifest: {
          outputs: [{ str: 'a' }, { str: 'b' }, { str: 'c' }, { str: '' }],
          inputs: [],
          start_time: '2026-01-27T10:30:45.500000000Z',
          end_time: '2026-01-27T10:30:46.000000000Z',
          metadata: {},
        },
      },
    ],
  ] satisfies readonly (readonly [
    string,
    Omit<JobLogEntry, keyof ParsedEntry | 'timestamp' | 'job_id' | 'sequence_number'> | object,
  ])[]) {
    it(`reads ${line}`, () => assert.deepEqual(parseEntryLine(line), { ...NOTHING, ...entry }));
  }

  it('reads the lines of the first programs that printed entries', () => {
    const line =
      '{"timestamp":"2025-01-27T10:30:50Z","job_id":"job_run_123abc","outputs":[{"path":"s3://bucket/dataset/date=2025-01-27"}],' +
      '"sequence_number":3,"content":{"metric":{"name":"rows_processed","value":1000,"labels":{"stage":"transform"},"unit":"count"}}}';
    assert.deepEqual(parseEntryLine(line), {
      timeNanos: 1737973850000000000n,
      jobId: 'job_run_123abc',
      outputs: [{ str: 's3://bucket/dataset/date=2025-01-27' }],
      sequenceNumber: 3,
      metric: { name: 'rows_processed', value: 1000, labels: { stage: 'transform' }, unit: 'count' },
    });
  });

  it('takes the number of an entry as text, too', () => {
    assert.equal(parseEntryLine('{"log":{},"sequence_number":"12"}')?.sequenceNumber, 12);
    assert.equal(parseEntryLine('{"log":{},"sequenceNumber":12}')?.sequenceNumber, 12);
  });

  for (const [timestamp, nanos] of [
    ['1769509845', 1_769_509_845_000_000_000n],
    ['1769509845.5', 1_769_509_845_500_000_000n],
    ['1769509845123', 1_769_509_845_123_000_000n],
    ['"1769509845123456"', 1_769_509_845_123_456_000n],
    ['"1769509845123456789"', 1_769_509_845_123_456_789n],
    ['1769509845123456800', 1_769_509_845_123_456_800n],
    ['"2026-01-27T10:30:45+01:00"', 1_769_506_245_000_000_000n],
    ['""', undefined],
    ['null', undefined],
  ] as const) {
    it(`takes ${timestamp} for an instant`, () => {
      const entry = parseEntryLine(`{"log":{},"timestamp":${timestamp}}`);
      assert.ok(entry);
      assert.equal(entry.timeNanos, nanos);
    });
  }

  for (const line of [
    '{"log":{},"timestamp":"9999999999999999999"}',
    '{"log":{},"timestamp":-1}',
    '{"log":{},"timestamp":[]}',
    '',
    'plain text with "log" in it',
    '{"log":{}',
    '{"log":{}} and more',
    '[{"log":{}}]',
    '{}',
    'null',
    '{"log":null}',
    '{"log":{},"metric":{"name":"a"}}',
    '{"log":{},"content":{"log":{}}}',
    '{"event":{"event_type":"a"},"job_event":{"event_type":"a"}}',
    '{"job_id":"a","jobId":"b","log":{}}',
    // Lines of loggers and programs with words of their own.
    '{"level":30,"time":1,"msg":"x","event":{"id":5}}',
    '{"event":{"id":5}}',
    '{"event":"started"}',
    '{"log":"text"}',
    '{"metric":["a"]}',
    '{"metric":{"name":"a","value":1,"more":2}}',
    '{"metric":{"value":1}}',
    '{"metric":{"name":"","value":1}}',
    '{"metric":{"name":"a","value":"many"}}',
    '{"metric":{"name":"a","value":true}}',
    '{"metric":{"name":"a","value":1e999}}',
    '{"metric":{"name":"a","labels":["b"]}}',
    '{"log":{"level":"loud"}}',
    '{"log":{"level":true}}',
    '{"log":{"message":{}}}',
    '{"event":{}}',
    '{"manifest":{"outputs":"a"}}',
    '{"manifest":{"outputs":[1]}}',
    '{"manifest":{"outputs":[{"str":"a","path":"b"}]}}',
    '{"manifest":{"start_time":"yesterday"}}',
    '{"log":{},"timestamp":"yesterday"}',
    '{"log":{},"sequence_number":-1}',
    '{"log":{},"sequence_number":1.5}',
    '{"log":{},"job_id":{}}',
    '{"content":[]}',
    '{"content":{"note":{}},"log":{}}',
  ]) {
    it(`leaves as text ${line}`, () => assert.equal(parseEntryLine(line), undefined));
  }

  it('never throws, whatever a program prints', () => {
    fc.assert(
      fc.property(fc.json({ stringUnit: 'binary' }), fc.string({ unit: 'binary' }), (json, text) => {
        parseEntryLine(text);
        for (const key of ['log', 'metric', 'event', 'manifest', 'content'])
          parseEntryLine(`{"${key}":${json},"log":${json}}`);
      }),
    );
  });

  it('leaves as text what is nested deeper than the stack allows', () => {
    const deep = '['.repeat(50_000) + ']'.repeat(50_000);
    assert.equal(parseEntryLine(`{"log":{"fields":{"a":${deep}}}}`), undefined);
    assert.equal(parseEntryLine(`{"log":{"fields":{"a":${'['.repeat(1_000_000)}`), undefined);
  });

  it('is not misled by the names of what every object has', () => {
    const line = '{"log":{"fields":{"__proto__":"a","constructor":"b"}},"__proto__":null}';
    assert.equal(parseEntryLine(line), undefined);
    const fields = parseEntryLine(line.replace(',"__proto__":null', ''))?.log?.fields ?? {};
    assert.deepEqual(Object.entries(fields), [
      ['__proto__', 'a'],
      ['constructor', 'b'],
    ]);
  });
});

/** With the names as printers of protobuf's JSON have them by default; keys of maps are nobody's names. */
function camelCase(value: unknown, key = ''): unknown {
  if (['fields', 'labels', 'metadata'].includes(key) || typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => camelCase(item));
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [
      name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase()),
      camelCase(item, name),
    ]),
  );
}
