import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import {
  fileName,
  folderName,
  freedName,
  parseFileName,
  parseFolderName,
  type SpoolFileName,
  serviceKey,
} from './spool-names.ts';

const OWNER = { host: '0123abcd', pid: 4711, start: '998877', thread: 3 };
const FILE: SpoolFileName = {
  ordinal: 1024,
  createdMs: 1_763_727_000_000,
  signal: 'spans',
  last: false,
  items: 512,
  format: 'json',
  gzip: true,
};

describe('names of the spool', () => {
  it('say whose a folder is', () => {
    for (const owner of [OWNER, 'free'] as const) {
      for (const service of ['deadbeef', undefined]) {
        const name = folderName({ owner, service }, 'abc');
        assert.deepEqual(parseFolderName(name), { owner, service }, name);
      }
    }
    assert.deepEqual(parseFolderName('v1.free.again'), { owner: 'free', service: undefined }, 'as a person writes it');
  });

  for (const name of [
    'v2.free.x',
    'v1.free.',
    'v1.free.a/b',
    'v1.free.of-xyz.a',
    'refused',
    '..',
    'v1.0123abcd.1.2',
    '.v1.free.x',
    '',
  ]) {
    it(`leave a folder named ${JSON.stringify(name)} alone`, () => assert.equal(parseFolderName(name), undefined));
  }

  it('keep whom a folder is for when it is given away', () => {
    assert.equal(freedName(folderName({ owner: OWNER, service: 'deadbeef' }, 'a'), 'b'), 'v1.free.of-deadbeef.b');
    assert.equal(freedName('v1.free.again', 'b'), 'v1.free.b');
  });

  it('tell services apart', () => {
    assert.match(serviceKey('shop'), /^[0-9a-f]{8}$/);
    assert.notEqual(serviceKey('shop'), serviceKey('mail'));
  });

  it('say what a file holds', () => {
    const files: SpoolFileName[] = [
      FILE,
      { ...FILE, format: 'pb', gzip: false },
      { ...FILE, signal: 'metrics', last: true, items: 1 },
    ];
    for (const file of files) {
      assert.deepEqual(parseFileName(fileName(file)), file);
      assert.deepEqual(parseFileName(fileName(file, 'ab12')), file);
    }
  });

  for (const name of [
    'owner.json',
    'tmp-000000000001024-1763727000000.spans.512.json.gz',
    '1-1763727000000.spans.512.json',
    '000000000001024-1763727000000.traces.512.json',
    '000000000001024-1763727000000.spans.512.xml',
    '000000000001024-1763727000000.spans.512.json.gz.part',
    '../000000000001024-1763727000000.spans.512.json',
  ]) {
    it(`leave a file named ${name} alone`, () => assert.equal(parseFileName(name), undefined));
  }

  it('sort as their ordinals do, whatever the clock says', () => {
    const names = [9, 10, 100, 99_999].map((ordinal, at) => fileName({ ...FILE, ordinal, createdMs: 1e12 - at }));
    assert.deepEqual([...names].sort(), names);
  });

  it('hold whatever clock and count give', () => {
    const odd = { ...FILE, ordinal: -1, createdMs: -5 };
    assert.deepEqual(parseFileName(fileName(odd)), { ...odd, ordinal: 0, createdMs: 0 });
    assert.equal(parseFileName(fileName({ ...FILE, createdMs: 1e15 }))?.createdMs, 9_999_999_999_999);
  });
});
