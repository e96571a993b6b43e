/** A record says the same in the file of its run and in the request to a receiver: byte for byte, whatever is in it. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTraceState, type SpanContext } from '@opentelemetry/api';
import type { LogAttributes } from '@opentelemetry/api-logs';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { LoggerProvider, type ReadableLogRecord } from '@opentelemetry/sdk-logs';
import { BasicTracerProvider, type ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { SCOPE } from '@taskspan/core';
import { clearReports, type RunInfo, type RunRecord, state } from '@taskspan/core/hub';
import { LogExportProcessor, readDeliveryConfig, SpanExportProcessor } from '@taskspan/delivery';
import { JobLogWriter } from '@taskspan/joblog';
import { afterEach, beforeEach, describe, it } from 'mocha';

const ATTRIBUTES = { 'service.name': 'caf\u00e9 "1"', 'service.instance.id': '0b0c0d0e', 'process.pid': 7 };
const RESOURCE = resourceFromAttributes(ATTRIBUTES);
const OTHER_RESOURCE = resourceFromAttributes({ lone: '\udc00' });
const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';
const CONTEXT: SpanContext = { traceId: TRACE, spanId: SPAN, traceFlags: 1 };
const LONG = 'é"\u0000😀\n'.repeat(240_000);
const RECORD_BYTES = 1_048_576;

const cycle: Record<string, unknown> = { plain: 1 };
cycle['again'] = cycle;

/** What an application without types may put under a key. */
const HOSTILE: Readonly<Record<string, unknown>> = {
  nan: Number.NaN,
  infinite: Number.NEGATIVE_INFINITY,
  'minus zero': -0,
  whole: 2 ** 53 - 1,
  huge: 1e300,
  tiny: 5e-324,
  int64: 2n ** 63n - 1n,
  'beyond int64': -(2n ** 70n),
  lone: '\ud800x\udfff',
  control: '\u0000\u001f\u2028"\\',
  '\ud83d key': 'ü',
  '': 'no key',
  ['__proto__']: 'own',
  nested: { a: [{ b: [null, undefined, [[]], {}] }], list: [1, 'x', true] },
  cycle,
  bytes: new Uint8Array([0, 255, 128]),
  date: new Date(0),
  none: null,
  nothing: undefined,
  call: () => 1,
  symbol: Symbol('s'),
  'task.duration_seconds': 3,
  'task.progress': Number.NaN,
  'log.truncated_bytes': 'mine',
};

function fakeRun(id: string, options: Partial<RunInfo> = {}): RunInfo {
  let sequence = 0;
  return {
    id,
    operation: 'commit',
    runId: SPAN,
    spanContext: CONTEXT,
    file: '2026-03-04/run',
    startTimeMs: 1,
    attempt: 1,
    waitSeconds: undefined,
    fields: undefined,
    orphan: false,
    status: undefined,
    errorType: undefined,
    durationSeconds: undefined,
    nextSequence: () => {
      sequence += 1;
      return sequence;
    },
    ...options,
  };
}

/** Records of runs with all that can be odd about them. */
function runRecords(): RunRecord[] {
  const plain = fakeRun('plain');
  const runs = [
    plain,
    fakeRun('fields', { fields: { user: 'Zoë', repository: 'r' } }),
    fakeRun('\ud800"\n', { operation: 'ünï', fields: { 'task.id': 'a field that says so', user: LONG } }),
  ];
  const record = (run: RunInfo, changes: Partial<RunRecord> = {}): RunRecord => ({
    run,
    spanContext: run.spanContext,
    sequence: run.nextSequence(),
    timeMs: 1_772_600_767_890.25,
    eventName: undefined,
    severity: 9,
    body: undefined,
    attributes: undefined,
    ...changes,
  });
  const severities = Array.from({ length: 26 }, (_, severity) => record(plain, { severity }));
  const times = [0, -5, Number.NaN, 1e18, 999.9999999].map((timeMs) => record(plain, { timeMs }));
  const contexts = oddContexts().map((spanContext) => record(plain, { spanContext }));
  const contents = runs.flatMap((run) => [
    record(run),
    record(run, { body: '', eventName: 'task.progress', attributes: {} }),
    record(run, { body: 'half \ud800', attributes: HOSTILE as LogAttributes }),
    record(run, { attributes: { user: 'Zoë', 'task.sequence': 'mine' } }),
    record(run, { body: LONG, attributes: { more: LONG, nested: { deep: LONG } } }),
  ]);
  return [...severities, ...times, ...contexts, ...contents];
}

function oddContexts(): SpanContext[] {
  const traceState = createTraceState('a=1');
  return [
    CONTEXT,
    { ...CONTEXT, traceFlags: 0, traceState, isRemote: true },
    { ...CONTEXT, traceId: '0'.repeat(32) },
    { ...CONTEXT, spanId: 'no id"' },
    { ...CONTEXT, traceFlags: Number.NaN },
  ];
}

/** Records of the logs SDK, as they are handed to its processors. */
function logRecords(): ReadableLogRecord[] {
  const log = (changes: object = {}): ReadableLogRecord => ({
    hrTime: [1_772_600_767, 890_000_001],
    hrTimeObserved: [1_772_600_767, 890_000_002],
    resource: RESOURCE,
    instrumentationScope: { name: 'winston', version: '3' },
    attributes: { 'task.file': '2026-03-04/run' },
    droppedAttributesCount: 0,
    ...changes,
  });
  return [
    log(),
    ...Array.from({ length: 26 }, (_, severityNumber) => log({ severityNumber, severityText: 'wärn' })),
    ...Object.values(HOSTILE).map((body) => log({ body })),
    ...oddContexts().map((spanContext) => log({ spanContext })),
    log({ body: 'all', attributes: HOSTILE, droppedAttributesCount: 3, eventName: 'e"' }),
    log({ hrTime: [0, 0], hrTimeObserved: [Number.NaN, 1e9] }),
    log({ hrTime: [1e12, 0], hrTimeObserved: [5, 1e9] }),
    log({ body: LONG, severityText: LONG, eventName: LONG, attributes: { LONG, [LONG]: 1 } }),
    log({ resource: OTHER_RESOURCE, instrumentationScope: SCOPE }),
    log({ resource: OTHER_RESOURCE, instrumentationScope: { name: '', attributes: { a: '\ud800' } } }),
  ];
}

function spans(): ReadableSpan[] {
  const made = new BasicTracerProvider({ resource: RESOURCE }).getTracer('a', '1').startSpan('made', { root: true });
  made.end();
  const template = made as unknown as ReadableSpan;
  const span = (changes: object = {}): ReadableSpan => ({
    name: 'span',
    kind: 0,
    spanContext: () => CONTEXT,
    startTime: [1_772_600_767, 0],
    endTime: [1_772_600_768, 0],
    status: { code: 0 },
    attributes: { 'task.file': '2026-03-04/run' },
    links: [],
    events: [],
    duration: [1, 0],
    ended: true,
    resource: RESOURCE,
    instrumentationScope: template.instrumentationScope,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
    ...changes,
  });
  const event = { time: [1, 2], name: 'exception', attributes: HOSTILE, droppedAttributesCount: 1 };
  return [
    template,
    span(),
    ...[-1, 0, 1, 4, 5, Number.NaN].map((kind) => span({ kind, status: { code: kind, message: 'wü' } })),
    ...oddContexts().flatMap((context) => [
      span({ parentSpanContext: context }),
      span({ spanContext: () => ({ ...context, traceFlags: context.traceFlags | 1 }) }),
      span({ links: [{ context, attributes: HOSTILE, droppedAttributesCount: 2 }] }),
    ]),
    span({ attributes: HOSTILE, events: [event, { time: [0, 0], name: '' }], droppedEventsCount: 4 }),
    span({ startTime: [Number.NaN, 0], endTime: [1e12, 0] }),
    span({ name: LONG, status: { code: 2, message: LONG }, events: [{ ...event, name: LONG, attributes: { LONG } }] }),
    span({ links: [{ context: CONTEXT, attributes: { LONG } }], attributes: { LONG } }),
    span({ resource: OTHER_RESOURCE, instrumentationScope: { name: SCOPE.name } }),
  ];
}

describe('a record in a file and in a request', () => {
  let folder: string;
  let server: Server;
  const bodies: string[] = [];
  let writer: JobLogWriter;
  let logExport: LogExportProcessor;
  let spanExport: SpanExportProcessor;

  beforeEach(async () => {
    state.dropped.clear();
    clearReports();
    bodies.length = 0;
    folder = mkdtempSync(join(tmpdir(), 'one-formatter-'));
    server = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk);
      bodies.push(new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks)));
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    writer = new JobLogWriter({ directory: folder, resource: { attributes: ATTRIBUTES }, instanceId: '0b0c0d0e' });
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const { logs, traces } = readDeliveryConfig({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint });
    assert.ok(logs && traces);
    logExport = new LogExportProcessor(logs, { resource: RESOURCE, scope: SCOPE });
    spanExport = new SpanExportProcessor(traces);
  });

  afterEach(async () => {
    await Promise.all([writer.shutdown(), logExport.shutdown(0), spanExport.shutdown(0)]);
    server.close();
    server.closeAllConnections();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Both sides have what they were given; each as one text per item, sorted. */
  async function written(): Promise<{ readonly inFiles: string[]; readonly inRequests: string[] }> {
    await Promise.all([writer.forceFlush(), logExport.forceFlush(), spanExport.forceFlush()]);
    const lines = readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.jsonl'))
      .flatMap((name) => readFileSync(join(folder, name), 'utf8').trimEnd().split('\n'));
    assert.deepEqual([...state.dropped], [], 'nothing is lost');
    return { inFiles: lines.flatMap(itemsOf).sort(), inRequests: bodies.flatMap(itemsOf).sort() };
  }

  function check({ inFiles, inRequests }: Awaited<ReturnType<typeof written>>, count: number): void {
    assert.equal(inFiles.length, count);
    // Compared one by one: the difference of two lists of megabytes would take minutes to print.
    for (const [at, item] of inFiles.entries()) {
      if (item === inRequests[at]) continue;
      assert.fail(`${item.slice(0, 2000)}\nis not\n${inRequests[at]?.slice(0, 2000)}`);
    }
    assert.equal(inRequests.length, count);
  }

  it('of a run is the same', async () => {
    const records = runRecords();
    for (const record of records) {
      writer.sink(record);
      logExport.sink(record);
    }
    check(await written(), records.length);
  });

  it('of the logs SDK is the same', async () => {
    const records = logRecords();
    for (const record of records) {
      writer.onLog(record);
      logExport.onEmit(record);
    }
    check(await written(), records.length);
  });

  it('of a span is the same', async () => {
    const ended = spans();
    for (const span of ended) {
      writer.onSpanEnd(span);
      spanExport.onEnd(span);
    }
    check(await written(), ended.length);
  });

  it('is the same for all of them together, and for what its owner changes afterwards', async () => {
    const order = { state: 'open', tags: ['a'] };
    const provider = new LoggerProvider({
      resource: RESOURCE,
      processors: [
        {
          onEmit: (record) => {
            writer.onLog(record);
            logExport.onEmit(record);
          },
          forceFlush: async () => {},
          shutdown: async () => {},
        },
      ],
    });
    const [record] = runRecords();
    const [span] = spans();
    assert.ok(record && span);
    for (let at = 0; at < 1000; at += 1) {
      order.state = `${at}`;
      provider.getLogger(`scope ${at % 3}`).emit({ body: 'bought', attributes: { order }, severityNumber: 9 });
      writer.sink({ ...record, sequence: at });
      logExport.sink({ ...record, sequence: at });
      writer.onSpanEnd(span);
      spanExport.onEnd(span);
    }
    const both = await written();
    check(both, 3000);
    assert.equal(new Set(both.inRequests.filter((item) => item.includes('"order"'))).size, 1000);
  });
});

/** Each item of a batch with its resource and scope, as they stand there. */
function itemsOf(batch: string): string[] {
  JSON.parse(batch);
  return [...membersOf(batch)].flatMap(([signal, resources]) =>
    elementsOf(resources).flatMap((group) => {
      const resource = membersOf(group);
      const scopes = resource.get('scopeLogs') ?? resource.get('scopeSpans') ?? '[]';
      return elementsOf(scopes).flatMap((one) => {
        const scope = membersOf(one);
        return elementsOf(scope.get('logRecords') ?? scope.get('spans') ?? '[]').map((item) => {
          assert.ok(Buffer.byteLength(item) <= RECORD_BYTES, `${Buffer.byteLength(item)} bytes`);
          const around = [signal, resource.get('resource'), resource.get('schemaUrl'), scope.get('scope')];
          return [...around, scope.get('schemaUrl'), item].join('\n');
        });
      });
    }),
  );
}

/** Texts of the elements of a JSON array without spaces. */
function elementsOf(json: string): string[] {
  const elements: string[] = [];
  let from = 1;
  let depth = 0;
  const marks = /"(?:[^"\\]|\\.)*"|[[\]{},]/g;
  for (const { 0: mark, index } of json.matchAll(marks)) {
    if (mark === '{' || mark === '[') depth += 1;
    const closes = mark === '}' || mark === ']';
    if (closes) depth -= 1;
    if ((mark !== ',' || depth !== 1) && !(closes && depth === 0)) continue;
    if (index > from) elements.push(json.slice(from, index));
    from = index + 1;
  }
  return elements;
}

/** Texts of the values of a JSON object without spaces. */
function membersOf(json: string): Map<string, string> {
  return new Map(
    elementsOf(json).map((member) => {
      const [, key = '', value = ''] = /^"([^"]*)":(.*)$/s.exec(member) ?? [];
      return [key, value];
    }),
  );
}
