import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import {
  fileName,
  folderName,
  freedName,
  parseFileName,
  parseFolderName,
  receiversKey,
  type SpoolFileName,
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
      for (const receivers of ['deadbeef', undefined]) {
        const name = folderName({ owner, receivers }, 'abc');
        assert.deepEqual(parseFolderName(name), { owner, receivers }, name);
      }
    }
    assert.deepEqual(
      parseFolderName('v1.free.again'),
      { owner: 'free', receivers: undefined },
      'as a person writes it',
    );
  });

  for (const name of [
    'v2.free.x',
    'v1.free.',
    'v1.free.a/b',
    'v1.free.to-xyz.a',
    'refused',
    '..',
    'v1.0123abcd.1.2',
    '.v1.free.x',
    '',
  ]) {
    it(`leave a folder named ${JSON.stringify(name)} alone`, () => assert.equal(parseFolderName(name), undefined));
  }

  it('keep whom a folder is for when it is given away', () => {
    assert.equal(freedName(folderName({ owner: OWNER, receivers: 'deadbeef' }, 'a'), 'b'), 'v1.free.to-deadbeef.b');
    assert.equal(freedName('v1.free.again', 'b'), 'v1.free.b');
  });

  it('tell sets of receivers apart, whatever their order', () => {
    const both = receiversKey(
      new Map([
        ['spans', 'a'],
        ['logs', 'b'],
      ]),
    );
    assert.match(both, /^[0-9a-f]{8}$/);
    assert.equal(
      receiversKey(
        new Map([
          ['logs', 'a'],
          ['spans', 'b'],
        ]),
      ),
      both,
    );
    assert.notEqual(receiversKey(new Map([['spans', 'a']])), both);
    assert.equal(
      receiversKey(
        new Map([
          ['spans', 'a'],
          ['logs', 'b'],
          ['metrics', 'c'],
        ]),
      ),
      both,
      'as a worker thread',
    );
    assert.equal(receiversKey(new Map([['metrics', 'a']])), receiversKey(new Map([['spans', 'a']])));
  });

  it('do not tell a receiver from itself when scheme or credentials are put right', () => {
    const key = receiversKey(new Map([['spans', 'http://collector:4318/a']]));
    assert.equal(receiversKey(new Map([['spans', 'https://***@collector:4318/a']])), key);
    assert.notEqual(receiversKey(new Map([['spans', 'http://collector:4318/b']])), key);
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
