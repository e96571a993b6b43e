import assert from 'node:assert/strict';
import { clearReports, state } from '@taskspan/core/hub';
import { DeliveryReport } from './delivery-report.ts';

const REFUSED = 'HTTP 401 (the token is missing or wrong)';

describe('the report of a delivery', () => {
  let warnings: string[];
  const warnBefore = state.warn;
  beforeEach(() => {
    clearReports();
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
    assert.equal(warnings.length, 2);
  });
});
