/** Entries and records of every kind, with the names and texts in which a mapping goes wrong. */
import { ATTRIBUTES, EVENT } from '@taskspan/core';
import * as fc from 'fast-check';
import type { DecodedAttributes, DecodedRecord, DecodedValue } from '../decode.ts';
import type { JobLogEntry } from './job-log-entry.ts';
import { jsonDouble } from './json-double.ts';
import { nanosText } from './nanos-text.ts';

function shape<T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> {
  return fc.record<T>(model, { noNullPrototype: true });
}

/** Valid Unicode: a lone surrogate is no text, and is replaced on the way to a file. */
const text: fc.Arbitrary<string> = fc.oneof(
  { weight: 3, arbitrary: fc.string({ unit: 'binary', maxLength: 12 }) },
  fc.constantFrom(
    '',
    '0',
    '-0',
    '1',
    '1.0',
    '1e3',
    '007',
    'true',
    'false',
    '[]',
    '["a"]',
    '["a",1]',
    '[',
    'NaN',
    'null',
  ),
  fc.constantFrom('success', 'failure', '\u0000', '\n', '"', '\u2028', '9007199254740993'),
);

const key: fc.Arbitrary<string> = fc.oneof(
  { weight: 3, arbitrary: fc.string({ unit: 'binary', maxLength: 8 }) },
  fc.constantFrom(...Object.keys(ATTRIBUTES)),
  fc.constantFrom(...Object.keys(ATTRIBUTES)).map((name) => `field.${name}`),
  fc.constantFrom('', '__proto__', 'constructor', 'toString', 'message', 'job_label', 'event.name', 'field.event.name'),
  fc.constantFrom('field.field.task.id', 'field.', 'field.message', 'metric.label.a', 'manifest.metadata.b'),
);

const fields: fc.Arbitrary<Record<string, string>> = fc.dictionary(key, text, { maxKeys: 6, noNullPrototype: true });

const LAST = 9_223_372_036n * 1_000_000_000n - 1n;

/** Every instant that a line can tell. */
const nanos: fc.Arbitrary<bigint> = fc.oneof(
  fc.bigInt({ min: 0n, max: LAST }),
  fc.constantFrom(0n, 1n, 999_999_999n, 1_769_509_845_000_000_001n, 1_769_509_845_123_456_000n, LAST),
);

const instant: fc.Arbitrary<string> = nanos.map(nanosText);

const refs: fc.Arbitrary<readonly { str: string }[]> = fc.array(shape({ str: text }), { maxLength: 3 });

const eventType: fc.Arbitrary<string> = fc.oneof(
  text,
  fc.constantFrom(...Object.values(EVENT)).map((name) => name.replace(/^task\./, '')),
  fc.constantFrom('task_launched', 'event', 'metric', 'manifest'),
);

const content: fc.Arbitrary<Pick<JobLogEntry, 'log' | 'metric' | 'event' | 'manifest'>> = fc.oneof(
  shape({
    log: shape({ level: fc.constantFrom('DEBUG', 'INFO', 'WARN', 'ERROR'), message: text, fields }),
  }),
  shape({ metric: shape({ name: text, value: fc.double().map(jsonDouble), labels: fields, unit: text }) }),
  shape({ event: shape({ event_type: eventType, job_label: text, metadata: fields }) }),
  shape({
    manifest: shape({
      outputs: refs,
      inputs: refs,
      start_time: fc.oneof(instant, fc.constant('')),
      end_time: fc.oneof(instant, fc.constant('')),
      metadata: fields,
    }),
  }),
);

export const entries: fc.Arbitrary<JobLogEntry> = fc
  .tuple(shape({ timestamp: instant, job_id: text, outputs: refs, sequence_number: fc.maxSafeNat() }), content)
  .map(([around, told]) => ({ ...around, ...told }));

const value: fc.Arbitrary<DecodedValue> = fc.letrec<{ value: DecodedValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    text,
    fc.double(),
    fc.maxSafeInteger(),
    fc.bigInt({ min: 2n ** 60n, max: 2n ** 63n - 1n }),
    fc.boolean(),
    fc.constant(null),
    fc.uint8Array({ maxLength: 4 }),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(key, tie('value'), { maxKeys: 3, noNullPrototype: true }),
  ),
})).value;

const attributes: fc.Arbitrary<DecodedAttributes> = fc.dictionary(key, value, { maxKeys: 8, noNullPrototype: true });

const eventName: fc.Arbitrary<string> = fc.oneof(
  fc.constant(''),
  fc.constantFrom(...Object.values(EVENT)),
  fc.constantFrom('task.', 'task.made_up', 'user.login', 'taskspan.process.started'),
  text,
);

/** What anybody may have written. */
export const records: fc.Arbitrary<DecodedRecord> = shape({
  resource: shape({ attributes, schemaUrl: text }),
  scope: shape({ name: text, version: text, attributes, schemaUrl: text }),
  timeUnixNano: nanos,
  observedTimeUnixNano: nanos,
  severityNumber: fc.integer({ min: 0, max: 24 }),
  severityText: fc.oneof(text, fc.constantFrom('INFO', 'warning', 'FATAL')),
  eventName,
  body: value,
  attributes,
  droppedAttributesCount: fc.nat(),
  flags: fc.nat(255),
  traceId: fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: 32, maxLength: 32 }),
  spanId: fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: 16, maxLength: 16 }),
});
