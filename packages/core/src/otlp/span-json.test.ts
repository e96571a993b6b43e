import assert from 'node:assert/strict';
import { createTraceState, SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { describe, it } from 'mocha';
import { fakeRun, fakeSpan } from './fake-run.test.fixture.ts';
import { type SpanLike, spanJson } from './span-json.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const PARENT = 'b7ad6b7169203331';
const run = fakeRun('id-1');
const { traceId, spanId } = run.spanContext;

/** Every field of `Span` in opentelemetry-proto, as the Collector's marshaler writes it: zero fields are absent. */
const cases: readonly { readonly title: string; readonly span: Partial<SpanLike>; readonly json: object }[] = [
  {
    title: 'the smallest span',
    span: { attributes: {} },
    json: {
      traceId,
      spanId,
      flags: 0x101,
      name: 'commit',
      kind: 1,
      startTimeUnixNano: '1772600767890000000',
      endTimeUnixNano: '1772600768013456000',
      status: {},
    },
  },
  {
    title: 'a consumer span with everything',
    span: {
      name: 'send "mail"',
      kind: SpanKind.CONSUMER,
      spanContext: () => ({ traceId, spanId, traceFlags: 1, traceState: createTraceState('a=1,b=2') }),
      parentSpanContext: { traceId, spanId: PARENT, traceFlags: 1, isRemote: true },
      attributes: { text: 'é', int: 3, double: 0.5, huge: 2 ** 60, list: ['a', 'b'], on: true, none: [] },
      events: [
        { time: [1772600767, 5], name: 'exception', attributes: { 'exception.type': 'E' }, droppedAttributesCount: 2 },
        { time: [1772600767, 6], name: 'bare' },
        { time: [0, 0], name: '', attributes: { at: 'the epoch' } },
        { time: [0, 0], name: '' },
      ],
      links: [
        { context: { traceId: TRACE, spanId: PARENT, traceFlags: 0, isRemote: true }, attributes: { a: 1 } },
        { context: { traceId: TRACE, spanId: PARENT, traceFlags: 1 }, droppedAttributesCount: 4 },
      ],
      status: { code: SpanStatusCode.ERROR, message: 'broken' },
      droppedAttributesCount: 1,
      droppedEventsCount: 2,
      droppedLinksCount: 3,
    },
    json: {
      traceId,
      spanId,
      traceState: 'a=1,b=2',
      parentSpanId: PARENT,
      flags: 0x301,
      name: 'send "mail"',
      kind: 5,
      startTimeUnixNano: '1772600767890000000',
      endTimeUnixNano: '1772600768013456000',
      attributes: [
        { key: 'text', value: { stringValue: 'é' } },
        { key: 'int', value: { intValue: '3' } },
        { key: 'double', value: { doubleValue: 0.5 } },
        { key: 'huge', value: { doubleValue: 2 ** 60 } },
        { key: 'list', value: { arrayValue: { values: [{ stringValue: 'a' }, { stringValue: 'b' }] } } },
        { key: 'on', value: { boolValue: true } },
        { key: 'none', value: { arrayValue: {} } },
      ],
      droppedAttributesCount: 1,
      events: [
        {
          timeUnixNano: '1772600767000000005',
          name: 'exception',
          attributes: [{ key: 'exception.type', value: { stringValue: 'E' } }],
          droppedAttributesCount: 2,
        },
        { timeUnixNano: '1772600767000000006', name: 'bare' },
        { attributes: [{ key: 'at', value: { stringValue: 'the epoch' } }] },
        {},
      ],
      droppedEventsCount: 2,
      links: [
        { traceId: TRACE, spanId: PARENT, attributes: [{ key: 'a', value: { intValue: '1' } }], flags: 0x300 },
        { traceId: TRACE, spanId: PARENT, droppedAttributesCount: 4, flags: 0x101 },
      ],
      droppedLinksCount: 3,
      status: { message: 'broken', code: 2 },
    },
  },
];

describe('span to OTLP-JSON', () => {
  for (const { title, span, json } of cases) {
    it(`writes ${title}`, () => {
      const written = spanJson(fakeSpan(run, span));
      assert.deepEqual(JSON.parse(written), json);
      // The Collector's order of fields, too: the two modes then leave the same bytes.
      assert.deepEqual(Object.keys(JSON.parse(written)), Object.keys(json));
    });
  }
});
