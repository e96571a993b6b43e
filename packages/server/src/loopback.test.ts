import assert from 'node:assert/strict';
import { isLoopback, plainAddress } from './loopback.ts';

describe('isLoopback', () => {
  for (const address of ['127.0.0.1', '127.9.8.7', '::1', '0:0:0:0:0:0:0:1', '::ffff:127.0.0.1', '::ffff:7f00:1']) {
    it(`${address} can only be reached from this host`, () => assert.equal(isLoopback(address), true));
  }
  for (const address of [
    '0.0.0.0',
    '::',
    '10.0.0.1',
    '128.0.0.1',
    'fe80::1%eth0',
    '::ffff:10.0.0.1',
    'localhost',
    '127.0.0.1.evil.example',
    '127.1',
    '',
  ]) {
    it(`${JSON.stringify(address)} is not known to be so`, () => assert.equal(isLoopback(address), false));
  }
});

describe('plainAddress', () => {
  it('writes one address in one way', () => {
    assert.equal(plainAddress('FE80:0:0::1%eth0'), 'fe80::1');
    assert.equal(plainAddress('::FFFF:192.168.1.2'), '192.168.1.2');
    assert.equal(plainAddress('2001:DB8::0001'), '2001:db8::1');
    assert.equal(plainAddress('10.1.2.3'), '10.1.2.3');
  });
});
