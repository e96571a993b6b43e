/**
 * What the body of a request costs, a batch of 512 at a time: the formatter, beside the floor (as many bytes, each item
 * joined from its id and what stands around it) and beside JSON.stringify of such objects as the receiver reads.
 * Run: node --import tsx packages/delivery/src/otlp/otlp-json.bench.ts
 */
import type { HrTime } from '@opentelemetry/api';
import type { LogAttributes } from '@opentelemetry/api-logs';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BasicTracerProvider, type ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { ATTR, EVENT, SCOPE } from '@taskspan/core';
import { type RunInfo, type RunRecord, runAttributes, severityText } from '@taskspan/core/hub';
import { interleave } from '../../../../test/interleave.ts';
import { encodeLogs, encodeSpans } from './otlp-json.ts';

const BATCH = 512;
const resource = resourceFromAttributes({
  'service.name': 'shop',
  'service.instance.id': '0b0c0d0e',
  'process.pid': 7,
});
const tracer = new BasicTracerProvider({ resource }).getTracer(SCOPE.name, SCOPE.version);

const spans = Array.from({ length: BATCH }, (_, at) => {
  const span = tracer.startSpan('commit', { attributes: { operation: 'commit', 'task.attempt': 1, repository: 'r' } });
  span.setAttributes({
    'task.id': `0198c0de-0000-7000-8000-${String(at).padStart(12, '0')}`,
    'task.status': 'success',
  });
  span.end();
  return span as unknown as ReadableSpan;
});

/** Two records of each run: its start and its end. */
const records = spans.slice(0, BATCH / 2).flatMap((span): RunRecord[] => {
  const run: RunInfo = {
    id: String(span.attributes['task.id']),
    operation: 'commit',
    runId: span.spanContext().spanId,
    spanContext: span.spanContext(),
    file: `2026-03-04/${span.attributes['task.id']}`,
    startTimeMs: 1_772_600_767_890,
    attempt: 1,
    waitSeconds: undefined,
    fields: { repository: 'r' },
    orphan: false,
    status: undefined,
    errorType: undefined,
    durationSeconds: undefined,
    nextSequence: () => 1,
  };
  const record = { run, spanContext: run.spanContext, timeMs: run.startTimeMs + 0.25, severity: 9, body: undefined };
  const end = { 'task.status': 'success', 'task.duration_seconds': 0.123456 };
  return [
    { ...record, sequence: 1, eventName: EVENT.STARTED, attributes: { 'task.attempt': 1 } },
    { ...record, sequence: 2, eventName: EVENT.ENDED, attributes: end },
  ];
});

const items = records.map((record) => ({ record }));

/** An equal tree of objects, given to JSON.stringify. */
function stringified(key: string, scopeKey: string, list: object): Uint8Array {
  const scope = { scope: { name: SCOPE.name, version: SCOPE.version }, schemaUrl: SCOPE.schemaUrl, ...list };
  const group = { resource: { attributes: attributeTree(resource.attributes as LogAttributes) }, [scopeKey]: [scope] };
  return Buffer.from(JSON.stringify({ [key]: [group] }));
}

function attributeTree(attributes: LogAttributes): object[] {
  return Object.keys(attributes).map((key) => ({ key, value: valueTree(attributes[key]) }));
}

function valueTree(value: unknown): object {
  if (typeof value === 'string') return { stringValue: value };
  return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value };
}

function nanos([seconds, rest]: HrTime): string {
  return `${seconds}${String(rest).padStart(9, '0')}`;
}

function spanTree(span: ReadableSpan): object {
  const { traceId, spanId } = span.spanContext();
  return {
    traceId,
    spanId,
    flags: 0x101,
    name: span.name,
    kind: span.kind + 1,
    startTimeUnixNano: nanos(span.startTime),
    endTimeUnixNano: nanos(span.endTime),
    attributes: attributeTree(span.attributes as LogAttributes),
    events: [],
    links: [],
    status: {},
  };
}

function recordTree({ run, timeMs, severity, sequence, ...record }: RunRecord): object {
  const time = String(BigInt(Math.round(timeMs * 1000)) * 1000n);
  return {
    timeUnixNano: time,
    observedTimeUnixNano: time,
    severityNumber: severity,
    severityText: severityText(severity),
    eventName: record.eventName,
    attributes: attributeTree({ ...runAttributes(run), [ATTR.TASK_SEQUENCE]: sequence, ...record.attributes }),
    flags: record.spanContext.traceFlags,
    traceId: record.spanContext.traceId,
    spanId: record.spanContext.spanId,
  };
}

/** As many bytes as `encoded`, where nothing is formatted but an id of each item. */
function floor(encoded: Uint8Array | undefined, ids: readonly string[]): Uint8Array {
  const chars = Math.max(0, Math.round((encoded?.length ?? 0) / ids.length) - 50);
  const tail = `","rest":"${'x'.repeat(chars)}"},`;
  let text = '';
  for (const id of ids) text += `{"id":"${id}${tail}`;
  return Buffer.from(text, 'latin1');
}

const ids = spans.map((span) => String(span.attributes['task.id']));
const logBatch = { items, resource, scope: SCOPE };
const encodedSpans = encodeSpans(spans);
const encodedLogs = encodeLogs(logBatch);
const options = { calls: 20 };
await interleave(
  `${BATCH} spans, ${encodedSpans?.length} bytes`,
  {
    'string floor': () => floor(encodedSpans, ids),
    encodeSpans: () => encodeSpans(spans),
    'JSON.stringify of objects': () => stringified('resourceSpans', 'scopeSpans', { spans: spans.map(spanTree) }),
  },
  options,
);
await interleave(
  `${BATCH} records of runs, ${encodedLogs?.length} bytes`,
  {
    'string floor': () => floor(encodedLogs, ids),
    encodeLogs: () => encodeLogs(logBatch),
    'JSON.stringify of objects': () =>
      stringified('resourceLogs', 'scopeLogs', { logRecords: records.map(recordTree) }),
  },
  options,
);
