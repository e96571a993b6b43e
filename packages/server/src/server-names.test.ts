import assert from 'node:assert/strict';
import { isForeignPage, type PageHeaders, ServerNames } from './server-names.ts';

describe('ServerNames', () => {
  const names = new ServerNames(['tasks.example', '10.0.0.9', '2001:db8::7']);

  for (const host of [
    'localhost',
    'LOCALHOST:4390',
    'localhost.:1',
    '127.0.0.1',
    '127.0.0.1:4390',
    '127.3.2.1:80',
    '[::1]',
    '[::1]:4390',
    '[0:0::1]:4390',
    '[::ffff:127.0.0.1]',
    'tasks.example',
    'Tasks.Example.:8080',
    '10.0.0.9:4390',
    '[2001:DB8:0::7]',
  ]) {
    it(`${host} is one of them`, () => assert.equal(names.includes(host, '127.0.0.1'), true));
  }

  for (const host of [
    undefined,
    '',
    'evil.example',
    'localhost.evil.example',
    'evil.localhost',
    'evil.example:4390',
    '127.0.0.1.evil.example',
    '127.0.0.1:4390@evil.example',
    'evil.example#localhost',
    'localhost:4390:1',
    'localhost:',
    'localhost localhost',
    'localhost,evil.example',
    'http://localhost',
    '[localhost]',
    '[::1',
    '::1',
    '0.0.0.0',
    '[::]',
    '0',
    '2130706433',
    '127.1',
    '0x7f.1',
    '192.168.1.5',
    'tasks.example.evil',
  ]) {
    it(`${JSON.stringify(host)} is none`, () => assert.equal(names.includes(host, '127.0.0.1'), false));
  }

  it('are also the address that the connection came in at, which no page can choose', () => {
    assert.equal(names.includes('192.168.1.5:4390', '192.168.1.5'), true);
    assert.equal(names.includes('192.168.1.5:4390', '::ffff:192.168.1.5'), true);
    assert.equal(names.includes('[fe80::1]:4390', 'fe80::1%eth0'), true);
    assert.equal(names.includes('192.168.1.6:4390', '192.168.1.5'), false);
    assert.equal(names.includes('evil.example', 'evil.example'), false);
  });

  for (const name of ['', 'two words', 'http://tasks.example', 'a/b', '*:80:80']) {
    it(`cannot have ${JSON.stringify(name)} added`, () => {
      assert.throws(() => new ServerNames([name]), /is not the name of a host/);
    });
  }
});

describe('isForeignPage', () => {
  const own: readonly PageHeaders[] = [
    { host: 'localhost:4390' },
    { host: 'localhost:4390', origin: 'http://localhost:4390' },
    { host: 'LocalHost:4390', origin: 'http://localhost:4390' },
    { host: '[::1]:4390', origin: 'http://[::1]:4390' },
    { host: 'tasks.example', origin: 'https://tasks.example' },
    { host: 'tasks.example:443', origin: 'https://tasks.example' },
    { host: 'tasks.example', origin: 'http://tasks.example' },
    { host: 'localhost:4390', 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'cors' },
    { host: 'localhost:4390', 'sec-fetch-site': 'none', 'sec-fetch-mode': 'navigate' },
    { host: 'localhost:4390', 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' },
  ];
  for (const headers of own) {
    it(`${JSON.stringify(headers)} is ours`, () => assert.equal(isForeignPage(headers), false));
  }

  const foreign: readonly PageHeaders[] = [
    { host: 'localhost:4390', origin: 'http://evil.example' },
    { host: 'localhost:4390', origin: 'http://localhost:3000' },
    { host: 'localhost:4390', origin: 'http://localhost' },
    { host: 'localhost:4390', origin: 'http://localhost:4390.evil.example' },
    { host: 'localhost:4390', origin: 'http://127.0.0.1:4390' },
    { host: 'localhost:4390', origin: 'null' },
    { host: 'localhost:4390', origin: '' },
    { host: 'localhost:4390', origin: 'file://' },
    { host: 'localhost:4390', origin: 'chrome-extension://localhost:4390' },
    { host: 'localhost:4390', origin: 'http://x@localhost:4390/' },
    { host: 'localhost:4390', origin: 'http://localhost:4390, http://evil.example' },
    { host: undefined, origin: 'null' },
    { host: 'localhost:4390', 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' },
    { host: 'localhost:4390', 'sec-fetch-site': 'cross-site' },
  ];
  for (const headers of foreign) {
    it(`${JSON.stringify(headers)} is not`, () => assert.equal(isForeignPage(headers), true));
  }
});
