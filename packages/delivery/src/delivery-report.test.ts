import assert from 'node:assert/strict';
import { clearReports, state } from '@taskspan/core/hub';
import { DeliveryReport } from './delivery-report.ts';

const REFUSED = 'HTTP 401 (the token is missing or wrong)';

describe('the report of a delivery', () => {
  let warnings: string[];
  const warnBefore = state.warn;
  beforeEach(() => {
    clearReports();
    state.delivery.clear();
    warnings = [];
    state.warn = (message) => warnings.push(message);
  });
  afterEach(() => {
    state.warn = warnBefore;
    clearReports();
  });

  it('says once what keeps all signals out of one receiver', () => {
    new DeliveryReport('logs').waiting(`http://127.0.0.1:4318/v1/logs: ${REFUSED}`, 'on disk');
    new DeliveryReport('spans').waiting(`http://127.0.0.1:4318/v1/traces: ${REFUSED}`, 'on disk');
    assert.deepEqual(warnings, [
      `logs cannot be delivered now: http://127.0.0.1:4318/v1/logs: ${REFUSED}. They are kept on disk`,
    ]);
  });

  it('says it for each receiver, and for each cause', () => {
    new DeliveryReport('logs').waiting(`http://127.0.0.1:4318/v1/logs: ${REFUSED}`, 'on disk');
    new DeliveryReport('spans').waiting(`http://127.0.0.1:9999/v1/traces: ${REFUSED}`, 'on disk');
    new DeliveryReport('metrics').waiting('http://127.0.0.1:4318/v1/metrics: HTTP 503', 'on disk');
    assert.equal(warnings.length, 3);
  });

  it('is silent for the rest of an episode, whatever the further attempts meet, and speaks again in the next', () => {
    const report = new DeliveryReport('logs');
    report.waiting('http://127.0.0.1:4318/v1/logs: ECONNREFUSED', 'on disk');
    report.waiting('http://127.0.0.1:4318/v1/logs: HTTP 503', 'on disk');
    assert.equal(warnings.length, 1);
    report.accepted({ kind: 'delivered' });
    report.waiting('http://127.0.0.1:4318/v1/logs: ECONNREFUSED', 'on disk');
    assert.deepEqual(
      warnings.map((warning) => warning.slice(0, 28)),
      ['logs cannot be delivered now', 'delivery to http://127.0.0.1', 'logs cannot be delivered now'],
    );
    report.accepted({ kind: 'delivered' });
  });

  it('says once that an outage is over, and how much waits of all its signals', () => {
    const [logs, spans, other] = [
      new DeliveryReport('logs'),
      new DeliveryReport('spans'),
      new DeliveryReport('metrics'),
    ];
    logs.waiting('http://collector:4318/v1/logs: ECONNREFUSED', 'on disk');
    spans.waiting('http://collector:4318/v1/traces: no answer within 10000 ms', 'on disk');
    other.waiting('http://elsewhere:9999/v1/metrics: ECONNREFUSED', 'on disk');
    for (const report of [logs, spans, other]) if (report.state) report.state.spoolBytes = 1024 * 1024;
    warnings.length = 0;
    spans.accepted({ kind: 'delivered' });
    logs.accepted({ kind: 'delivered' });
    logs.accepted({ kind: 'delivered' });
    assert.deepEqual(warnings, ['delivery to http://collector:4318 works again, 2 MiB wait and are being sent']);
    if (other.state) other.state.spoolBytes = 0;
    other.accepted({ kind: 'delivered' });
    assert.equal(warnings.at(-1), 'delivery to http://elsewhere:9999 works again');
  });

  it('says what still keeps a signal out of a receiver that takes another again', () => {
    const [logs, spans] = [new DeliveryReport('logs'), new DeliveryReport('spans')];
    logs.waiting('http://collector:4318/v1/logs: ECONNREFUSED', 'on disk');
    spans.waiting('http://collector:4318/v1/traces: ECONNREFUSED', 'on disk');
    logs.accepted({ kind: 'delivered' });
    warnings.length = 0;
    spans.waiting('http://collector:4318/v1/traces: ECONNREFUSED', 'on disk');
    assert.deepEqual(warnings, [], 'an attempt of before');
    spans.waiting('http://collector:4318/v1/traces: HTTP 404', 'on disk');
    spans.waiting('http://collector:4318/v1/traces: HTTP 404', 'on disk');
    assert.deepEqual(warnings, [
      'spans cannot be delivered now: http://collector:4318/v1/traces: HTTP 404. They are kept on disk',
    ]);
    spans.accepted({ kind: 'delivered' });
  });

  it('is silent about the end of what nobody was warned of', () => {
    new DeliveryReport('logs').accepted({ kind: 'delivered' });
    assert.deepEqual(warnings, []);
  });

  it('says a refusal once for all signals of a receiver, and again after it took something', () => {
    const [logs, spans] = [new DeliveryReport('logs'), new DeliveryReport('spans')];
    logs.refused(3, 'http://collector:4318/v1/logs: HTTP 415', '/data/spool/refused');
    spans.refused(4, 'http://collector:4318/v1/traces: HTTP 415', '/data/spool/refused');
    assert.deepEqual(warnings, [
      '3 logs refused for good: http://collector:4318/v1/logs: HTTP 415; they are set aside in /data/spool/refused. Counted in taskspan_dropped_total.',
    ]);
    spans.refused(4, 'http://another:4318/v1/traces: HTTP 415', undefined);
    assert.equal(warnings.length, 2);
    logs.accepted({ kind: 'delivered' });
    logs.refused(3, 'http://collector:4318/v1/logs: HTTP 415', undefined);
    assert.equal(warnings.length, 3);
  });
});
