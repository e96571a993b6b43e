import assert from 'node:assert/strict';
import { after, before, describe, it } from 'mocha';
import { AppFolder, readJobLogs } from './app-folder.test.fixture.ts';
import { Collector } from './collector.test.fixture.ts';

const SECRET = 'hunter2';

/** The secret in every place that a record or a span has; printed by winston as well. */
const WORK = `
import { SpanStatusCode, trace } from '@opentelemetry/api';
import { runTask, start } from 'taskspan';
import winston from 'winston';
const taskspan = start({ redact });
const logger = winston.createLogger({ transports: [new winston.transports.Console({ silent: true })] });
await runTask('job', async (task) => {
  task.log('info', 'password ${SECRET}', { password: '${SECRET}' });
  task.setAttribute('token', '${SECRET}');
  task.addOutput('file of ${SECRET}');
  task.step('step ${SECRET}', () => {});
  logger.info('printed ${SECRET}', { token: '${SECRET}' });
  trace.getTracer('app').startActiveSpan('below', { attributes: { token: '${SECRET}' } }, (span) => {
    span.addEvent('happened', { token: '${SECRET}' });
    span.setStatus({ code: SpanStatusCode.ERROR, message: 'because of ${SECRET}' });
    span.end();
  });
  throw new TypeError('failed with ${SECRET}');
}, { id: 'run', label: 'label ${SECRET}', attributes: { user: '${SECRET}', request_id: 'req-1' } }).catch(() => {});
await taskspan.forceFlush();
`;

const REDACT = `function redact(record) {
  const clean = (value) => typeof value === 'string' ? value.replaceAll('${SECRET}', '***') : value;
  record.body = clean(record.body);
  record.name = clean(record.name);
  for (const key in record.attributes) {
    const value = record.attributes[key];
    record.attributes[key] = Array.isArray(value) ? value.map(clean) : clean(value);
  }
  // Whoever tries: the way back to the run stays.
  delete record.attributes['task.id'];
  return record;
}`;

describe('the redact option', () => {
  let app: AppFolder;
  let collector: Collector;
  let endpoint: string;
  before(async () => {
    app = new AppFolder();
    collector = new Collector();
    endpoint = await collector.start();
  });
  after(() => {
    collector.stop();
    app.remove();
  });

  it('sees every text before file and collector: bodies, attributes, user, spans, their events and status', async () => {
    const data = app.ownData();
    const env = { ...data, OTEL_EXPORTER_OTLP_ENDPOINT: endpoint };
    const ended = await app.run(`${REDACT}\n${WORK}`, { nodeArgs: [], env });
    assert.deepEqual([ended.code, ended.stderr], [0, '']);
    const log = readJobLogs(data.TASKSPAN_DIR).get('run');
    const written = JSON.stringify(log, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
    assert.doesNotMatch(written, new RegExp(SECRET));
    for (const record of log?.records ?? []) {
      assert.equal(record.attributes['user'], '***');
      assert.equal(record.attributes['request_id'], 'req-1');
      assert.equal(record.attributes['task.id'], 'run');
    }
    assert.ok(log?.records.some(({ body, attributes }) => body === 'password ***' && attributes['password'] === '***'));
    assert.ok(log?.records.some(({ body, attributes }) => body === 'printed ***' && attributes['token'] === '***'));
    const below = log?.spans.find(({ name }) => name === 'below');
    assert.equal(below?.attributes['token'], '***');
    assert.equal(below?.events[0]?.attributes['token'], '***');
    assert.equal(below?.status.message, 'because of ***');
    const sent = collector.records();
    assert.ok(sent.length >= 4, `${sent.length} records were sent`);
    assert.equal(sent.filter((record) => record.includes(SECRET)).length, 0);
  });

  it('that throws leaves the texts out, not the record, and says so once', async () => {
    const data = app.ownData();
    const ended = await app.run(`function redact() { throw new Error('bug'); }\n${WORK}`, { nodeArgs: [], env: data });
    assert.equal(ended.code, 0);
    assert.equal(ended.stderr.trim().split('\n').length, 1, ended.stderr);
    assert.match(ended.stderr, /redact/);
    const log = readJobLogs(data.TASKSPAN_DIR).get('run');
    const written = JSON.stringify(log, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
    assert.doesNotMatch(written, new RegExp(SECRET));
    assert.equal(log?.spans.length, 3);
    assert.deepEqual(log?.spans.map(({ name }) => name).sort(), ['[redact failed]', '[redact failed]', 'job']);
    const end = log?.records.find(({ eventName }) => eventName === 'task.ended');
    assert.equal(end?.attributes['task.status'], 'failure');
  });
});
