import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { spoolPlace } from './spool-place.ts';

describe('spoolPlace', () => {
  it('names the folder and the limit, however small that is', () => {
    const [small, usual] = [spoolPlace('/data/spool', 65_536), spoolPlace('/data/spool', 268_435_456)];
    assert.equal(small, 'on disk in /data/spool, up to 64 KiB, and sent later, also by the next process.');
    assert.match(usual, /up to 256 MiB,/);
  });
});
