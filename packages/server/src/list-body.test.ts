import assert from 'node:assert/strict';
import { type ListPage, type ListRest, type ListSource, openListBody } from './list-body.ts';

const PAGE_CHARS = 10_000;

/** A store of items that remembers which pages were asked for. */
class Store implements ListSource {
  readonly name = 'entries';
  readonly pageChars: number = PAGE_CHARS;
  readonly limit: number;
  readonly asked: number[] = [];
  readonly #items: readonly unknown[];
  readonly #rest: ListRest;

  constructor(items: readonly unknown[], limit: number, rest: ListRest = {}) {
    this.#items = items;
    this.limit = limit;
    this.#rest = rest;
  }

  async read(limit: number, cursor: string | undefined): Promise<ListPage> {
    this.asked.push(limit);
    const from = Number(cursor ?? 0);
    const has_more = from + limit < this.#items.length;
    return {
      items: this.#items.slice(from, from + limit),
      rest: { has_more, ...(has_more ? { next_cursor: String(from + limit) } : {}), ...this.#rest },
    };
  }
}

async function answerOf(source: ListSource): Promise<unknown> {
  let text = '';
  for await (const piece of (await openListBody(source)).pieces) text += piece;
  return JSON.parse(text);
}

describe('a list body', () => {
  const items = Array.from({ length: 5000 }, (_, n) => ({ n, text: 'some "text"\n' }));

  for (const limit of [1, 63, 64, 65, 4999, 5000, 5001, 10_000]) {
    it(`of at most ${limit} is what one page of that size would be`, async () => {
      const expected = await new Store(items, limit).read(limit, undefined);
      assert.deepEqual(await answerOf(new Store(items, limit)), { entries: expected.items, ...expected.rest });
    });
  }

  it('may have no items, and nothing beside them', async () => {
    assert.deepEqual(await answerOf(new Store([], 10)), { entries: [], has_more: false });
    const source: ListSource = {
      name: 'metrics',
      limit: 1,
      pageChars: PAGE_CHARS,
      read: async () => ({ items: [1, 2, 3], rest: {} }),
    };
    assert.deepEqual(await answerOf(source), { metrics: [1, 2, 3] });
  });

  it('says how many lines could not be read', async () => {
    assert.deepEqual(await answerOf(new Store(items.slice(0, 100), 100, { skipped_lines: 3 })), {
      entries: items.slice(0, 100),
      has_more: false,
      skipped_lines: 3,
    });
  });

  it('is read in smaller pages when the items are large', async () => {
    const store = new Store(
      Array.from({ length: 70 }, () => 'x'.repeat(PAGE_CHARS)),
      70,
    );
    await answerOf(store);
    // The first page is thrown away: it is much too large.
    assert.deepEqual(store.asked, [64, ...Array.from({ length: 70 }, () => 1)]);
  });

  it('reads a page again with fewer items when it is much too large', async () => {
    const large = Array.from({ length: 200 }, (_, n) => 'x'.repeat(n < 100 ? 10 : 2000));
    const store = new Store(large, 200);
    assert.deepEqual(await answerOf(store), { entries: large, has_more: false });
    assert.ok(store.asked.length < 40, store.asked.join());
  });

  it('of a source without pages is what it gives', async () => {
    const large = Array.from({ length: 10 }, () => 'x'.repeat(2 * PAGE_CHARS));
    let asked = 0;
    const source: ListSource = {
      name: 'attempts',
      limit: 10,
      pageChars: PAGE_CHARS,
      isWhole: true,
      read: async () => {
        asked += 1;
        return { items: large, rest: {} };
      },
    };
    assert.deepEqual(await answerOf(source), { attempts: large });
    assert.equal(asked, 1);
    assert.ok((await openListBody(source)).heldChars >= 20 * PAGE_CHARS);
  });

  it('is not read further than it is written', async () => {
    const store = new Store(items, 5000);
    const { pieces, heldChars } = await openListBody(store);
    assert.equal(heldChars, 0);
    await pieces.next();
    assert.ok(store.asked.length <= 10, String(store.asked.length));
    await pieces.return();
  });

  it('rejects before its first piece when the first page cannot be read', async () => {
    const source: ListSource = {
      name: 'jobs',
      limit: 1,
      pageChars: PAGE_CHARS,
      read: () => Promise.reject(new Error('unreadable')),
    };
    await assert.rejects(openListBody(source), /unreadable/);
  });
});
