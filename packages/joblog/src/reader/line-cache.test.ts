import assert from 'node:assert/strict';
import { batchesOf } from './line-batches.ts';
import { LineCache } from './line-cache.ts';
import { logsLine } from './otlp-line.test.fixture.ts';

describe('LineCache', () => {
  function reader(): { readonly read: (key: string, text: string) => string; readonly decoded: () => number } {
    const cache = new LineCache();
    let decoded = 0;
    return {
      decoded: () => decoded,
      read: (key, text) =>
        cache
          .recordsOf(key, text, (line) => {
            decoded += 1;
            return batchesOf(line).records;
          })
          .map(({ body }) => String(body))
          .join(' '),
    };
  }

  it('decodes a line once', () => {
    const { read, decoded } = reader();
    const text = logsLine({ id: 'a', body: 'x' });
    assert.equal(read('1', text), 'x');
    assert.equal(read('1', text), 'x');
    assert.equal(decoded(), 1);
  });

  it('decodes again what has become another', () => {
    const { read } = reader();
    read('1', logsLine({ id: 'a', body: 'x' }));
    assert.equal(read('1', logsLine({ id: 'a', body: 'longer' })), 'longer');
  });

  it('forgets what was not asked for the longest, and keeps no line that is too long', () => {
    const { read, decoded } = reader();
    const text = logsLine({ id: 'a', body: 'x'.repeat(400_000) });
    const tooLong = logsLine({ id: 'a', body: 'x'.repeat(600_000) });
    for (let n = 0; n < 12; n += 1) read(String(n), text);
    assert.equal(decoded(), 12);
    read('11', text);
    assert.equal(decoded(), 12);
    read('0', text);
    assert.equal(decoded(), 13);
    read('long', tooLong);
    read('long', tooLong);
    assert.equal(decoded(), 15);
  });
});

describe('LineCache.segment', () => {
  it('reads a segment once for all who ask for it, and again after a failure', async () => {
    const cache = new LineCache();
    let reads = 0;
    const read = async (): Promise<readonly []> => {
      reads += 1;
      if (reads === 1) throw new Error('no luck');
      return [];
    };
    await assert.rejects(Promise.all([cache.segment('1', read), cache.segment('1', read)]), /no luck/);
    assert.equal(reads, 1);
    await Promise.all([cache.segment('1', read), cache.segment('1', read), cache.segment('1', read)]);
    assert.equal(reads, 2);
    for (let n = 2; n < 30; n += 1) await cache.segment(String(n), read);
    assert.equal(reads, 30);
    await cache.segment('29', read);
    assert.equal(reads, 30);
    await cache.segment('1', read);
    assert.equal(reads, 31);
  });
});
