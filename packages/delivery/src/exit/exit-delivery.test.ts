import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { bodyOf } from '../spool/spool.test.fixture.ts';
import { deliverAtExit, type ExitJob } from './exit-delivery.ts';

describe('deliverAtExit', () => {
  it('says of nothing that it was delivered when nobody is there, and waits no longer than it may', () => {
    const job: ExitJob = {
      target: {
        url: 'http://127.0.0.1:1/v1/traces',
        protocol: 'http/json',
        headers: {},
        timeoutMs: 10_000,
        compression: 'none',
        certificate: undefined,
        clientKey: undefined,
        clientCertificate: undefined,
      },
      body: bodyOf('{}'),
    };
    const began = performance.now();
    assert.deepEqual(deliverAtExit([job, job], 200), [false, false]);
    assert.ok(performance.now() - began < 5000);
  });
});
