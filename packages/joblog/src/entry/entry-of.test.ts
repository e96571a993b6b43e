import assert from 'node:assert/strict';
import { ATTR, EVENT, SCOPE } from '@taskspan/core';
import { logRecordJson } from '@taskspan/core/hub';
import * as fc from 'fast-check';
import { type DecodedRecord, type DecodedValue, decodeLine } from '../decode.ts';
import { entries, records } from './entry.test.fixture.ts';
import { entryOf } from './entry-of.ts';
import type { JobLogEntry } from './job-log-entry.ts';
import { recordOf, restOf } from './record-of.ts';

const NANOS = 1_769_509_845_000_000_001n;
const TIME = '2026-01-27T10:30:45.000000001Z';

function record(parts: Partial<DecodedRecord> = {}): DecodedRecord {
  return {
    resource: { attributes: {}, schemaUrl: '' },
    scope: { name: SCOPE.name, version: SCOPE.version, attributes: {}, schemaUrl: SCOPE.schemaUrl },
    timeUnixNano: NANOS,
    observedTimeUnixNano: NANOS,
    severityNumber: 9,
    severityText: 'INFO',
    eventName: '',
    body: null,
    attributes: {},
    droppedAttributesCount: 0,
    flags: 0,
    traceId: '',
    spanId: '',
    ...parts,
  };
}

/** As a writer puts it into a file, and as it is read from there. */
function writtenAndRead(one: DecodedRecord): DecodedRecord {
  const { timeUnixNano: nanos } = one;
  const hrTime: [number, number] = [Number(nanos / 1_000_000_000n), Number(nanos % 1_000_000_000n)];
  const json = logRecordJson({ ...one, hrTime, hrTimeObserved: hrTime, body: one.body ?? undefined });
  const line = decodeLine(`{"resourceLogs":[{"scopeLogs":[{"logRecords":[${json}]}]}]}\n`);
  assert.equal(line.error, undefined);
  const [read] = line.records;
  assert.ok(read);
  return read;
}

describe('an entry and its record', () => {
  it('are each the other: no entry loses anything as a record, nor as a line of a file', () => {
    fc.assert(
      fc.property(entries, (entry) => {
        const made = recordOf(entry);
        assert.deepEqual(entryOf(made), entry);
        assert.deepEqual(entryOf(writtenAndRead(made)), entry);
        assert.deepEqual(restOf(made), { parts: {}, attributes: {}, absent: [] });
      }),
      { numRuns: 2000 },
    );
  });

  it('are each the other: no record of anybody loses anything as an entry and its rest', () => {
    fc.assert(
      fc.property(records, (one) => {
        assert.deepEqual(recordOf(entryOf(one), restOf(one)), one);
      }),
      { numRuns: 2000 },
    );
  });

  it('have an entry for every record, with exactly one content and texts alone', () => {
    fc.assert(
      fc.property(records, (one) => {
        const { timestamp, job_id, outputs, sequence_number, ...content } = entryOf(one);
        assert.match(timestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/);
        assert.deepEqual(
          [typeof job_id, Array.isArray(outputs), Number.isSafeInteger(sequence_number), Object.keys(content).length],
          ['string', true, true, 1],
        );
        const { log, event } = content;
        for (const text of Object.values(log?.fields ?? event?.metadata ?? {})) assert.equal(typeof text, 'string');
        assert.deepEqual(JSON.parse(JSON.stringify(content)), content);
      }),
      { numRuns: 1000 },
    );
  });
});

const RUN = { [ATTR.TASK_ID]: 'run-1', [ATTR.TASK_SEQUENCE]: 3 };
const AROUND = { timestamp: TIME, job_id: 'run-1', outputs: [], sequence_number: 3 };

describe('entryOf', () => {
  const cases: readonly (readonly [string, Partial<DecodedRecord>, Omit<JobLogEntry, keyof typeof AROUND>])[] = [
    [
      'a log line, with all other attributes as texts',
      {
        body: 'done',
        severityNumber: 14,
        attributes: { ...RUN, operation: 'commit', rows: 1000, ratio: 0.5, ok: true, list: ['a', 1], map: { b: null } },
      },
      {
        log: {
          level: 'WARN',
          message: 'done',
          fields: { operation: 'commit', rows: '1000', ratio: '0.5', ok: 'true', list: '["a",1]', map: '{"b":null}' },
        },
      },
    ],
    [
      'a metric point',
      {
        eventName: EVENT.METRIC,
        attributes: {
          ...RUN,
          'metric.name': 'rows',
          'metric.value': 12,
          'metric.unit': 'row',
          'metric.label.a.b': 'c',
        },
      },
      { metric: { name: 'rows', value: 12, labels: { 'a.b': 'c' }, unit: 'row' } },
    ],
    [
      'a metric point without a number',
      { eventName: EVENT.METRIC, attributes: RUN },
      { metric: { name: '', value: 'NaN', labels: {}, unit: '' } },
    ],
    [
      'the end of a run',
      {
        eventName: EVENT.ENDED,
        severityNumber: 17,
        attributes: { ...RUN, 'task.status': 'failure', 'task.duration_seconds': 1.5, 'task.label': 'nightly' },
      },
      {
        event: {
          event_type: 'ended',
          job_label: 'nightly',
          metadata: { 'task.status': 'failure', 'task.duration_seconds': '1.5' },
        },
      },
    ],
    [
      'progress, with its message',
      { eventName: EVENT.PROGRESS, body: 'half', attributes: { ...RUN, 'task.progress': 0.5 } },
      { event: { event_type: 'progress', job_label: '', metadata: { 'task.progress': '0.5', message: 'half' } } },
    ],
    [
      'an event of a program',
      { eventName: EVENT.CUSTOM, attributes: { ...RUN, 'event.type': 'checkpoint', at: '7' } },
      { event: { event_type: 'checkpoint', job_label: '', metadata: { at: '7' } } },
    ],
    [
      'an event that this version does not know',
      { eventName: 'task.moved', attributes: { ...RUN, 'event.type': 'x' } },
      { event: { event_type: 'moved', job_label: '', metadata: { 'event.type': 'x' } } },
    ],
    [
      'a manifest',
      {
        eventName: EVENT.MANIFEST,
        attributes: {
          ...RUN,
          'manifest.outputs': ['s3://out'],
          'manifest.inputs': ['in/1', 'in/2'],
          'manifest.start_time': 1769509845.123456,
          'manifest.end_time': 1769509846,
          'manifest.metadata.rows': '12',
          'task.label': 'nightly',
        },
      },
      {
        manifest: {
          outputs: [{ str: 's3://out' }],
          inputs: [{ str: 'in/1' }, { str: 'in/2' }],
          start_time: '2026-01-27T10:30:45.123456000Z',
          end_time: '2026-01-27T10:30:46.000000000Z',
          metadata: { rows: '12', job_label: 'nightly' },
        },
      },
    ],
    [
      'an exception, as a log line',
      {
        eventName: EVENT.EXCEPTION,
        severityNumber: 17,
        body: 'boom',
        attributes: { ...RUN, 'exception.type': 'TypeError' },
      },
      {
        log: { level: 'ERROR', message: 'boom', fields: { 'exception.type': 'TypeError', 'event.name': 'exception' } },
      },
    ],
  ];
  for (const [what, parts, content] of cases) {
    it(`shows ${what}`, () => {
      assert.deepEqual(entryOf(record(parts)), { ...AROUND, ...content });
    });
  }

  it('takes the time at which a record was seen where its writer gave none', () => {
    assert.equal(entryOf(record({ timeUnixNano: 0n })).timestamp, TIME);
    const nonsense = record({ timeUnixNano: 10n ** 30n, observedTimeUnixNano: -1n });
    assert.equal(entryOf(nonsense).timestamp, '1970-01-01T00:00:00.000000000Z');
  });

  it('shows a record with values that are nested deeper than the stack allows', () => {
    let deep: DecodedValue = 'x';
    for (let at = 0; at < 50_000; at += 1) deep = [deep];
    const { log } = entryOf(record({ body: deep, attributes: { deep, rows: 3 } }));
    assert.deepEqual(log, {
      level: 'INFO',
      message: '[nested too deep]',
      fields: { deep: '[nested too deep]', rows: '3' },
    });
  });

  it('takes outputs and numbers of other writers', () => {
    const one = entryOf(record({ attributes: { [ATTR.TASK_OUTPUTS]: 'one', [ATTR.TASK_SEQUENCE]: '7' } }));
    assert.deepEqual([one.outputs, one.sequence_number], [[{ str: 'one' }], 7]);
    for (const sequence of [-1, 1.5, 'x', true, null, 2n ** 60n, Number.NaN])
      assert.equal(entryOf(record({ attributes: { [ATTR.TASK_SEQUENCE]: sequence } })).sequence_number, 0);
  });
});

describe('recordOf', () => {
  it('gives an event of the toolkit the severity that the toolkit gives it', () => {
    const severity = (type: string, metadata: Record<string, string> = {}): number =>
      recordOf({ ...AROUND, event: { event_type: type, job_label: '', metadata } }).severityNumber;
    assert.deepEqual(
      [
        severity('started'),
        severity('ended', { 'task.status': 'success' }),
        severity('ended', { 'task.status': 'failure' }),
        severity('ended', { 'task.status': 'expired' }),
        severity('ended', { 'task.status': 'toString' }),
        severity('step', { 'task.step.status': 'failure' }),
        severity('orphaned'),
        severity('launch_failed'),
        severity('exited', { 'process.exit.code': '0' }),
        severity('exited', { 'process.exit.code': '1' }),
        severity('made_up', { 'task.status': 'failure' }),
      ],
      [9, 9, 17, 13, 9, 17, 13, 13, 9, 13, 9],
    );
  });

  it('gives known attributes their types again', () => {
    const fields = { 'task.step.index': '3', 'task.progress': '1', 'task.will_retry': 'true', rows: '3', pid: '' };
    const { attributes } = recordOf({ ...AROUND, log: { level: 'INFO', message: '', fields } });
    assert.deepEqual(attributes, {
      ...RUN,
      'task.step.index': 3,
      'task.progress': 1,
      'task.will_retry': true,
      rows: '3',
      pid: '',
    });
  });

  it('makes a record without a time of an entry without an instant', () => {
    assert.equal(recordOf({ ...AROUND, timestamp: 'soon' }).timeUnixNano, 0n);
  });

  it('needs no more than who wrote it for a record that the toolkit made of a log line', () => {
    const resource = { attributes: { 'service.name': 'app' }, schemaUrl: '' };
    const attributes = { ...RUN, operation: 'commit', 'task.run': '00', 'task.file': '2026-01-27/run-1', user: 'u' };
    const one = record({ resource, body: 'x', attributes, traceId: 'a'.repeat(32) });
    assert.deepEqual(restOf(one), { parts: { resource, traceId: 'a'.repeat(32) }, attributes: {}, absent: [] });
  });
});
