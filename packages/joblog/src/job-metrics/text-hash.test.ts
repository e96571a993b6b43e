import assert from 'node:assert/strict';
import { TextHash } from './text-hash.ts';

describe('the hash of a text', () => {
  it('is a safe positive integer, the same for the same text and seed', () => {
    const hash = new TextHash();
    for (const text of ['', 'a', 'é𝄞', 'x'.repeat(1000)]) {
      const value = hash.of(text);
      assert.ok(Number.isSafeInteger(value) && value > 0, String(value));
      assert.equal(hash.of(text), value);
    }
    const other = new TextHash();
    other.seed = hash.seed;
    assert.equal(other.of('a'), hash.of('a'));
  });

  it('differs for ids that differ little, and fills all of its range evenly', () => {
    const hash = new TextHash();
    const seen = new Set<number>();
    const [tops, ends] = [new Array<number>(16).fill(0), new Array<number>(16).fill(0)];
    for (let at = 0; at < 100_000; at += 1) {
      const value = hash.of(`0190b3e4-7c1a-7000-8000-${String(at).padStart(12, '0')}`);
      seen.add(value);
      const [top, end] = [Math.floor(value / 2 ** 49), value % 16];
      tops[top] = (tops[top] ?? 0) + 1;
      ends[end] = (ends[end] ?? 0) + 1;
    }
    assert.equal(seen.size, 100_000);
    for (const count of [...tops, ...ends]) assert.ok(count > 5000 && count < 7500, String(count));
  });

  it('depends on the seed', () => {
    const [one, two] = [new TextHash(), new TextHash()];
    [one.seed, two.seed] = [1, 2];
    assert.notEqual(one.of('a'), two.of('a'));
  });
});
