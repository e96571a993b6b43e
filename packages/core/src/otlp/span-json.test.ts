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

  it('is at most 1 MiB, whatever is long in it, and keeps events and links where it can', () => {
    const long = 'é"\u0000😀\n'.repeat(200_000);
    const event = { time: [1, 2] as [number, number], name: 'exception', attributes: { stack: long } };
    const link = { context: run.spanContext, attributes: { why: long } };
    for (const options of [
      { name: long, status: { code: 2, message: long } },
      { attributes: { 'task.id': 'id-1', long } },
      { events: [event, { ...event, name: long }], links: [link] },
    ]) {
      const written = spanJson(fakeSpan(run, options));
      assert.ok(Buffer.byteLength(written) <= 1_048_576, `${Buffer.byteLength(written)} bytes`);
      assert.match(written, /…\[cut \d+ bytes\]/);
      const { events = [], links = [] } = JSON.parse(written);
      assert.deepEqual([events.length, links.length], [options.events?.length ?? 0, options.links?.length ?? 0]);
    }
  });

  it('leaves out events and links, and counts them, where no text is long enough to be cut', () => {
    const attributes = Object.fromEntries(Array.from({ length: 60_000 }, (_, at) => [`key-${at}`, at]));
    const event = { time: [1, 2] as [number, number], name: 'e' };
    const options = {
      attributes,
      events: [event, event],
      links: [{ context: run.spanContext }],
      droppedEventsCount: 1,
    };
    const span = JSON.parse(spanJson(fakeSpan(run, options)));
    assert.deepEqual([span.events, span.droppedEventsCount], [undefined, 3]);
    assert.deepEqual([span.links, span.droppedLinksCount], [undefined, 1]);
    assert.equal(span.traceId, traceId);
  });

  it('takes the default for a kind or a status that there is not', () => {
    for (const odd of [-1, 9, 0.5, Number.NaN]) {
      const span = JSON.parse(spanJson(fakeSpan(run, { kind: odd, status: { code: odd } })));
      assert.deepEqual([span.kind, span.status], [1, {}]);
    }
  });
});
