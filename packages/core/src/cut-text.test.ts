import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { cutText } from './cut-text.ts';

describe('cutText', () => {
  it('leaves what fits', () => {
    for (const text of ['', 'x', 'x'.repeat(100)]) assert.deepEqual(cutText(text, 100), { text, cutBytes: 0 });
  });

  it('says how many bytes are missing', () => {
    const { text, cutBytes } = cutText('ä'.repeat(1000), 100);
    const kept = text.slice(0, text.indexOf('…'));
    assert.equal(Buffer.byteLength(kept) + cutBytes, 2000);
    assert.ok(text.endsWith(`…[cut ${cutBytes} bytes]`));
  });

  it('stays within the limit and never splits a character', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', minLength: 50, maxLength: 400 }),
        fc.integer({ min: 40, max: 300 }),
        (given, limit) => {
          const { text, cutBytes } = cutText(given, limit);
          if (given.length <= limit) return text === given && cutBytes === 0;
          return (
            text.length <= limit &&
            !/\p{Surrogate}/u.test(text) &&
            given.startsWith(text.slice(0, text.lastIndexOf('…[cut ')))
          );
        },
      ),
    );
  });
});
