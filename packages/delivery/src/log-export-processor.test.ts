import assert from 'node:assert/strict';
import { SeverityNumber } from '@opentelemetry/api-logs';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { LoggerProvider } from '@opentelemetry/sdk-logs';
import { EVENT, SCOPE } from '@taskspan/core';
import { clearReports, type RunInfo, type RunRecord, state } from '@taskspan/core/hub';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { CollectorStandIn, OK } from './collector-stand-in.test.ts';
import { LogExportProcessor } from './log-export-processor.ts';

const collector = new CollectorStandIn();
const resource = resourceFromAttributes({ 'service.name': 'logs' });
const scope = { ...SCOPE, attributes: { 'taskspan.format': 1 } };
let processor: LogExportProcessor;

const spanContext = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1 };
const run: RunInfo = {
  id: 'run-1',
  operation: 'commit',
  runId: 'b'.repeat(16),
  spanContext,
  file: '2026-11-21/run-1',
  startTimeMs: 1_763_727_000_123.25,
  attempt: 1,
  waitSeconds: undefined,
  fields: { repository: 'r', 'task.label': 'of the run' },
  orphan: false,
  status: undefined,
  errorType: undefined,
  durationSeconds: undefined,
  nextSequence: () => 1,
};

function record(sequence: number, changes: Partial<RunRecord> = {}): RunRecord {
  return {
    run,
    spanContext,
    sequence,
    timeMs: 1_763_727_000_123.25,
    eventName: EVENT.STARTED,
    severity: SeverityNumber.INFO,
    body: 'task started',
    attributes: undefined,
    ...changes,
  };
}

describe('LogExportProcessor', () => {
  beforeEach(async () => {
    state.dropped.clear();
    clearReports();
    collector.received.length = 0;
    collector.answer = OK;
    await collector.start();
    processor = new LogExportProcessor(collector.target('logs'), { resource, scope });
  });

  afterEach(async () => {
    await processor.shutdown(0);
    await collector.stop();
  });

  it('sends a record of a run as it stands in the file of the run', async () => {
    processor.sink(record(1, { attributes: { 'task.label': 'of the record', 'task.duration_seconds': 0.5 } }));
    await processor.forceFlush();
    assert.equal(collector.received[0]?.path, '/v1/logs');
    assert.deepEqual(collector.received[0]?.json, {
      resourceLogs: [
        {
          resource: { attributes: [{ key: 'service.name', value: { stringValue: 'logs' } }] },
          scopeLogs: [
            {
              scope: {
                name: SCOPE.name,
                version: SCOPE.version,
                attributes: [{ key: 'taskspan.format', value: { intValue: '1' } }],
              },
              schemaUrl: SCOPE.schemaUrl,
              logRecords: [
                {
                  timeUnixNano: '1763727000123250000',
                  observedTimeUnixNano: '1763727000123250000',
                  severityNumber: 9,
                  severityText: 'INFO',
                  body: { stringValue: 'task started' },
                  eventName: 'task.started',
                  attributes: [
                    { key: 'task.id', value: { stringValue: 'run-1' } },
                    { key: 'operation', value: { stringValue: 'commit' } },
                    { key: 'task.run', value: { stringValue: 'b'.repeat(16) } },
                    { key: 'task.file', value: { stringValue: '2026-11-21/run-1' } },
                    { key: 'repository', value: { stringValue: 'r' } },
                    { key: 'task.label', value: { stringValue: 'of the record' } },
                    { key: 'task.sequence', value: { intValue: '1' } },
                    { key: 'task.duration_seconds', value: { doubleValue: 0.5 } },
                  ],
                  flags: 1,
                  traceId: 'a'.repeat(32),
                  spanId: 'b'.repeat(16),
                },
              ],
            },
          ],
        },
      ],
    });
  });

  it('sends no ids for a run that no tracer saw, and no event name for a plain line', async () => {
    const nowhere = { traceId: '0'.repeat(32), spanId: '0'.repeat(16), traceFlags: 0 };
    processor.sink(record(1, { spanContext: nowhere, eventName: undefined }));
    await processor.forceFlush();
    const [sent] = collector.logRecords();
    assert.deepEqual([sent.traceId, sent.spanId, sent.eventName], [undefined, undefined, undefined]);
  });

  it('sends records of runs and of the logs SDK together, in order, losing none of 20 000 in one tick', async () => {
    const provider = new LoggerProvider({ resource, processors: [processor] });
    const logger = provider.getLogger('app');
    for (let i = 0; i < 10_000; i += 1) {
      processor.sink(record(i + 1));
      logger.emit({ body: `line ${i}` });
    }
    await provider.forceFlush();
    const records = collector.logRecords();
    const lines = records.filter((sent) => sent.body.stringValue.startsWith('line '));
    assert.equal(records.length, 20_000);
    assert.equal(new Set(lines.map((sent) => sent.body.stringValue)).size, 10_000);
    assert.equal(state.dropped.size, 0);
  });

  it('sends what no JSON can hold: NaN, infinities, cycles, lone surrogates', async () => {
    const cycle: Record<string, unknown> = {};
    cycle['self'] = cycle;
    const attributes = { a: Number.NaN, b: Number.NEGATIVE_INFINITY, c: '\ud800x', d: cycle, e: 2 ** 60 } as never;
    processor.sink(record(1, { attributes }));
    await processor.forceFlush();
    const [sent] = collector.logRecords();
    const value = (key: string) => sent.attributes.find((entry: { key: string }) => entry.key === key).value;
    assert.deepEqual(value('a'), { doubleValue: 'NaN' });
    assert.deepEqual(value('b'), { doubleValue: '-Infinity' });
    assert.deepEqual(value('c'), { stringValue: '\ufffdx' });
    assert.ok(value('d').kvlistValue);
    assert.deepEqual(value('e'), { doubleValue: 2 ** 60 });
  });

  it('sends a record of the logs SDK as it was when it was emitted', async () => {
    const logger = new LoggerProvider({ resource, processors: [processor] }).getLogger('app');
    const order = { state: 'open' };
    logger.emit({ body: 'bought', attributes: { order } });
    logger.emit({ body: order });
    order.state = 'changed';
    await processor.forceFlush();
    const open = { kvlistValue: { values: [{ key: 'state', value: { stringValue: 'open' } }] } };
    const [first, second] = collector.logRecords();
    assert.deepEqual(first.attributes, [{ key: 'order', value: open }]);
    assert.deepEqual(second.body, open);
  });

  it('loses only what throws when it is read, and counts it', async () => {
    const logger = new LoggerProvider({ resource, processors: [processor] }).getLogger('app');
    const broken = {
      get text(): string {
        throw new Error('no');
      },
    };
    logger.emit({ body: broken });
    processor.sink(record(1, { attributes: broken }));
    processor.sink(record(2));
    await processor.forceFlush();
    assert.equal(collector.logRecords().length, 1);
    assert.equal(state.dropped.get('logs')?.get('refused'), 2);
  });

  it('sends runs with protobuf too', async () => {
    const binary = new LogExportProcessor(collector.target('logs', { protocol: 'http/protobuf' }), { resource, scope });
    binary.sink(record(1));
    await binary.shutdown();
    assert.ok(collector.received[0]?.body.includes('task started'));
    assert.ok(collector.received[0]?.body.includes('task.sequence'));
  });
});
