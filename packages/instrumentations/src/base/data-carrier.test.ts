import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { takeDataCarrier, withDataCarrier } from './data-carrier.ts';

const CARRIER = { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` };

describe('carrier among the data of a job', () => {
  it('comes out as it went in, and leaves the data as they were', () => {
    const data = Object.freeze({ to: 'ada' });
    const sent = JSON.parse(JSON.stringify(withDataCarrier(data, CARRIER))) as object;
    assert.deepEqual(takeDataCarrier(sent), CARRIER);
    assert.deepEqual(sent, data);
  });

  it('never replaces one that is there', () => {
    const data = withDataCarrier({ to: 'ada' }, CARRIER);
    assert.equal(withDataCarrier(data, { traceparent: 'other' }), data);
  });

  for (const data of [undefined, null, 7, 'text', [1], new Date(), new (class Mail {})()]) {
    it(`has no place in ${JSON.stringify(data)}`, () => {
      assert.equal(withDataCarrier(data, CARRIER), data);
      assert.equal(takeDataCarrier(data), undefined);
    });
  }
});
